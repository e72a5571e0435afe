import { NO_LABELS, type Collector } from './collector.ts'
import { readKilobytes } from './source/meminfo.ts'

/** Swap space from /proc/meminfo. A machine without swap has 0 bytes in all and no share in use. */
export const swap: Collector = {
  name: 'swap',
  metrics: ['swap.total_bytes', 'swap.used_percent'],
  create: ({ reader }) => ({
    collect(sink) {
      const text = reader.text('/proc/meminfo')
      const total = readKilobytes(text, 'SwapTotal')
      const free = readKilobytes(text, 'SwapFree')
      sink.set('swap.total_bytes', NO_LABELS, total)
      sink.set(
        'swap.used_percent',
        NO_LABELS,
        total && free !== undefined ? (100 * (total - free)) / total : undefined,
      )
    },
  }),
}
