import { NO_LABELS, type Collector } from './collector.ts'

const METRICS = [
  'cpu.used_percent',
  'cpu.user_percent',
  'cpu.system_percent',
  'cpu.iowait_percent',
  'cpu.steal_percent',
] as const

/**
 * CPU time by kind over the last cycle, all CPUs, from the first line of /proc/stat (proc_stat(5)). Guest time is
 * part of user time there. idle and iowait may run backwards for a moment (kernel documentation); that counts as none.
 */
export const cpu: Collector = {
  name: 'cpu',
  metrics: METRICS,
  create({ reader }) {
    let before: number[] | undefined
    return {
      collect(sink) {
        const now = parseCpuLine(reader.text('/proc/stat'))
        const shares = now && before && cpuShares(before, now)
        before = now
        sink.set('cpu.used_percent', NO_LABELS, shares?.used)
        sink.set('cpu.user_percent', NO_LABELS, shares?.user)
        sink.set('cpu.system_percent', NO_LABELS, shares?.system)
        sink.set('cpu.iowait_percent', NO_LABELS, shares?.iowait)
        sink.set('cpu.steal_percent', NO_LABELS, shares?.steal)
      },
    }
  },
}

/** Ticks of user, nice, system, idle, iowait, irq, softirq and steal; undefined when the line is not there. */
export function parseCpuLine(stat: string | undefined): number[] | undefined {
  if (stat === undefined || !stat.startsWith('cpu ')) return undefined
  const end = stat.indexOf('\n')
  const ticks = stat
    .slice(4, end < 0 ? undefined : end)
    .trim()
    .split(/\s+/, 8)
    .map(Number)
  while (ticks.length < 8) ticks.push(0)
  return ticks.every(Number.isFinite) ? ticks : undefined
}

/** Shares in percent between two readings; undefined when no tick has passed. */
export function cpuShares(
  before: readonly number[],
  now: readonly number[],
): { used: number; user: number; system: number; iowait: number; steal: number } | undefined {
  const passed = now.map((ticks, i) => Math.max(0, ticks - (before[i] ?? 0)))
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = passed
  const total = user + nice + system + idle + iowait + irq + softirq + steal
  if (total <= 0) return undefined
  const percent = (ticks: number): number => (100 * ticks) / total
  return {
    used: percent(total - idle - iowait),
    user: percent(user + nice),
    system: percent(system + irq + softirq),
    iowait: percent(iowait),
    steal: percent(steal),
  }
}
