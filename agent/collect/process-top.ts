import type { Collector } from './collector.ts'
import { listProcesses, readMachineUnits, readProcess, type ProcessStat } from './source/process-stat.ts'

/** One row of the document. CPU in percent of one CPU. Names only: arguments may hold secrets. */
export type TopProcess = { pid: number; name: string; cpuPercent: number | null; rssBytes: number }

const ROWS = 10

/**
 * The ten processes that took most CPU since the cycle before (over their whole lives on the first cycle, when
 * `windowS` is null) and the ten with most resident memory, as the document `processes`.
 */
export const processTop: Collector = {
  name: 'process-top',
  intervalS: 300,
  metrics: [],
  create({ reader, monotonicMs }) {
    const { pageBytes, ticksPerSecond } = readMachineUnits(reader)
    let before: { atMs: number; ticks: Map<number, { start: number; ticks: number }> } | undefined

    const lifeShare = (each: ProcessStat, uptimeS: number | undefined): number | null => {
      const lifeS = uptimeS === undefined ? 0 : uptimeS - each.startTicks / ticksPerSecond
      return lifeS > 0 ? (100 * each.ticks) / ticksPerSecond / lifeS : null
    }

    return {
      collect(sink) {
        const nowMs = monotonicMs()
        const uptimeText = reader.text('/proc/uptime')
        const uptimeS = uptimeText === undefined ? undefined : Number.parseFloat(uptimeText)
        const elapsedS = before && (nowMs - before.atMs) / 1000
        const ticks = new Map<number, { start: number; ticks: number }>()
        const rows: TopProcess[] = []
        for (const pid of listProcesses(reader) ?? []) {
          const each = readProcess(reader, pid)
          if (each === undefined) continue
          ticks.set(each.pid, { start: each.startTicks, ticks: each.ticks })
          const known = before?.ticks.get(each.pid)
          const earlier = known?.start === each.startTicks ? known.ticks : 0
          const cpu = elapsedS
            ? (100 * (each.ticks - earlier)) / ticksPerSecond / elapsedS
            : lifeShare(each, uptimeS)
          rows.push({
            pid: each.pid,
            name: each.name,
            cpuPercent: cpu === null ? null : Math.round(cpu * 10) / 10,
            rssBytes: each.residentPages * pageBytes,
          })
        }
        before = { atMs: nowMs, ticks }
        if (rows.length === 0) return
        sink.fact('processes', {
          windowS: elapsedS === undefined ? null : Math.round(elapsedS),
          count: rows.length,
          byCpu: rows.toSorted((a, b) => (b.cpuPercent ?? -1) - (a.cpuPercent ?? -1)).slice(0, ROWS),
          byMemory: rows.toSorted((a, b) => b.rssBytes - a.rssBytes).slice(0, ROWS),
        })
      },
    }
  },
}
