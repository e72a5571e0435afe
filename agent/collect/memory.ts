import { NO_LABELS, type Collector } from './collector.ts'
import { readKilobytes } from './source/meminfo.ts'

/** Memory from /proc/meminfo (proc_meminfo(5)). Kernels before 3.14 have no MemAvailable: then it is unavailable. */
export const memory: Collector = {
  name: 'memory',
  metrics: ['memory.total_bytes', 'memory.available_bytes', 'memory.used_percent'],
  create: ({ reader }) => ({
    collect(sink) {
      const text = reader.text('/proc/meminfo')
      const total = readKilobytes(text, 'MemTotal')
      const available = readKilobytes(text, 'MemAvailable')
      sink.set('memory.total_bytes', NO_LABELS, total)
      sink.set('memory.available_bytes', NO_LABELS, available)
      sink.set(
        'memory.used_percent',
        NO_LABELS,
        total && available !== undefined ? 100 * (1 - available / total) : undefined,
      )
    },
  }),
}
