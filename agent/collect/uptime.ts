import { NO_LABELS, type Collector } from './collector.ts'

/** Seconds since the machine started, from /proc/uptime. */
export const uptime: Collector = {
  name: 'uptime',
  metrics: ['system.uptime_seconds'],
  create: ({ reader }) => ({
    collect(sink) {
      const text = reader.text('/proc/uptime')
      sink.set('system.uptime_seconds', NO_LABELS, text === undefined ? undefined : Number.parseFloat(text))
    },
  }),
}
