import { NO_LABELS, type Collector } from './collector.ts'

/** Load averages from /proc/loadavg, and the longest one over the number of CPUs that are online. */
export const load: Collector = {
  name: 'load',
  metrics: ['load.1m', 'load.5m', 'load.15m', 'load.per_cpu_15m'],
  create: ({ reader }) => ({
    collect(sink) {
      const [one, five, fifteen] = parseLoad(reader.text('/proc/loadavg'))
      const cpus = countCpus(reader.text('/sys/devices/system/cpu/online'))
      sink.set('load.1m', NO_LABELS, one)
      sink.set('load.5m', NO_LABELS, five)
      sink.set('load.15m', NO_LABELS, fifteen)
      sink.set('load.per_cpu_15m', NO_LABELS, fifteen !== undefined && cpus ? fifteen / cpus : undefined)
    },
  }),
}

function parseLoad(text: string | undefined): (number | undefined)[] {
  return text?.split(' ', 3).map(Number) ?? []
}

/** How many CPUs a list such as `0-3,8` names (kernel documentation, cputopology); undefined when it is none. */
export function countCpus(list: string | undefined): number | undefined {
  if (list === undefined) return undefined
  let count = 0
  for (const range of list.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range)
    if (!match) return undefined
    count += match[2] === undefined ? 1 : Number(match[2]) - Number(match[1]) + 1
  }
  return count
}
