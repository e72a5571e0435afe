import { NO_LABELS, type Collector } from './collector.ts'
import { listProcesses, readProcess } from './source/process-stat.ts'

/** How many processes there are, and how many of them ended and were not collected by their parents. */
export const processes: Collector = {
  name: 'process',
  intervalS: 60,
  metrics: ['process.count', 'process.zombie_count'],
  create: ({ reader }) => ({
    collect(sink) {
      const pids = listProcesses(reader)
      let zombies = 0
      for (const pid of pids ?? []) if (readProcess(reader, pid)?.state === 'Z') zombies++
      sink.set('process.count', NO_LABELS, pids?.length)
      sink.set('process.zombie_count', NO_LABELS, pids && zombies)
    },
  }),
}
