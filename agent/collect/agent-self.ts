import { NO_LABELS, type Collector } from './collector.ts'

/** What the agent itself costs, and what waits in its outbox. */
export const agentSelf: Collector = {
  name: 'agent-self',
  metrics: [
    'agent.cpu_seconds',
    'agent.rss_bytes',
    'agent.outbox_reports',
    'agent.outbox_dropped',
    'agent.outbox_disk_full',
  ],
  create: ({ outbox }) => ({
    collect(sink) {
      const { user, system } = process.cpuUsage()
      const figures = outbox()
      sink.set('agent.cpu_seconds', NO_LABELS, (user + system) / 1e6)
      sink.set('agent.rss_bytes', NO_LABELS, process.memoryUsage.rss())
      sink.set('agent.outbox_reports', NO_LABELS, figures?.reports)
      sink.set('agent.outbox_dropped', NO_LABELS, figures?.dropped)
      sink.set('agent.outbox_disk_full', NO_LABELS, figures && Number(figures.diskFull))
    },
  }),
}
