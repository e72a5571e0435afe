import type { Collector, Labels } from './collector.ts'

/** One software array of /proc/mdstat: members that failed or are missing, and whether redundancy is lost. */
export type MdArray = { name: string; failed: number; degraded: boolean }

/**
 * Software RAID from /proc/mdstat and ZFS pools from /proc/spl/kstat/zfs/POOL/state. Without either there is no
 * series. Arrays without redundancy (raid0, linear) count failed members only.
 */
export const raid: Collector = {
  name: 'raid',
  intervalS: 60,
  metrics: ['raid.failed_members_count', 'raid.degraded'],
  create({ reader }) {
    const labels = new Map<string, Labels>()
    const of = (array: string): Labels => {
      const known = labels.get(array) ?? { array }
      labels.set(array, known)
      return known
    }
    return {
      collect(sink) {
        const text = reader.text('/proc/mdstat')
        for (const { name, failed, degraded } of text === undefined ? [] : parseMdstat(text)) {
          sink.set('raid.failed_members_count', of(name), failed)
          sink.set('raid.degraded', of(name), degraded ? 1 : 0)
        }
        for (const pool of reader.list('/proc/spl/kstat/zfs') ?? []) {
          const state = reader.text(`/proc/spl/kstat/zfs/${pool}/state`, 64)?.trim()
          if (state !== undefined && state !== '') sink.set('raid.degraded', of(pool), poolDegraded(state))
        }
      },
    }
  },
}

/**
 * Parses /proc/mdstat (md(4), drivers/md/md.c `md_seq_show`): `md0 : active raid1 sdb1[1](F) sda1[0]`, then
 * `… [2/1] [U_]`: members wanted and at work. A member that was taken out leaves no (F) but the count; one that
 * failed beside a spare leaves (F) but no gap.
 */
export function parseMdstat(text: string): MdArray[] {
  const arrays: MdArray[] = []
  const lines = text.split('\n')
  lines.forEach((line, at) => {
    const head = /^(md\S*) : (active|inactive)\b(.*)$/.exec(line)
    if (head?.[1] === undefined) return
    const flagged = (head[3]?.match(/\(F\)/g) ?? []).length
    const state = /\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(lines[at + 1] ?? '')
    const missing = state === null ? 0 : Math.max(0, Number(state[1]) - Number(state[2]))
    arrays.push({
      name: head[1],
      failed: Math.max(flagged, missing),
      degraded: missing > 0 || head[2] === 'inactive',
    })
  })
  return arrays
}

/** States of a pool, zpoolconcepts(7); any other than ONLINE has lost something. */
function poolDegraded(state: string): number | undefined {
  if (state === 'ONLINE') return 0
  return /^(?:DEGRADED|FAULTED|OFFLINE|REMOVED|UNAVAIL|SUSPENDED)$/.test(state) ? 1 : undefined
}
