import { useQueries, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, type ReactElement } from 'react'
import type { LatestValue, SeriesData } from '../../contract/views.ts'
import type { MetricName } from '../../contract/metrics.ts'
import { LineChart, toLines } from '../chart/line-chart.tsx'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Failure } from '../shell/parts.tsx'

const MINUTE_MS = 60_000
/** A chart of a long range is not asked for again with each report: a new point must be able to show. */
const REFRESHES_PER_RANGE = 300

/** One report may be missing before a line is torn. */
const INTERVALS_JOINED = 2.2

export const RANGES = [
  { name: 'm15', ms: 15 * MINUTE_MS },
  { name: 'h1', ms: 60 * MINUTE_MS },
  { name: 'h6', ms: 360 * MINUTE_MS },
  { name: 'h24', ms: 1440 * MINUTE_MS },
  { name: 'd7', ms: 10_080 * MINUTE_MS },
] as const
export type RangeName = (typeof RANGES)[number]['name']

type ChartName = 'cpu' | 'memory' | 'disk' | 'diskio' | 'network' | 'load' | 'temperature'
const CHARTS: readonly { name: ChartName; metrics: readonly MetricName[] }[] = [
  { name: 'cpu', metrics: ['cpu.used_percent', 'cpu.iowait_percent', 'cpu.steal_percent'] },
  { name: 'memory', metrics: ['memory.used_percent', 'swap.used_percent'] },
  { name: 'disk', metrics: ['disk.used_percent'] },
  { name: 'diskio', metrics: ['diskio.await_milliseconds'] },
  { name: 'network', metrics: ['network.receive_bytes_per_second', 'network.transmit_bytes_per_second'] },
  { name: 'load', metrics: ['load.1m', 'load.15m'] },
  { name: 'temperature', metrics: ['temperature.celsius'] },
]

/** Charts of what this device reports, with one pointer for all; what it does not report has no chart. */
export function DeviceCharts({
  device,
  latest,
  range,
  intervalMs,
}: {
  device: string
  latest: readonly LatestValue[]
  range: RangeName
  intervalMs: number
}): ReactElement {
  const rangeMs = RANGES.find((one) => one.name === range)?.ms ?? 15 * MINUTE_MS
  const reported = new Set(latest.map((value) => value.metric))
  const charts = CHARTS.map((chart) => ({
    name: chart.name,
    metrics: chart.metrics.filter((metric) => reported.has(metric)),
  })).filter((chart) => chart.metrics.length > 0)
  useRefresh(device, latest, rangeMs)
  return (
    <div className="charts">
      {charts.map((chart) => (
        <DeviceChart
          key={chart.name}
          name={chart.name}
          metrics={chart.metrics}
          device={device}
          rangeMs={rangeMs}
          joinMs={intervalMs * INTERVALS_JOINED}
        />
      ))}
    </div>
  )
}

function DeviceChart({
  name,
  metrics,
  device,
  rangeMs,
  joinMs,
}: {
  name: ChartName
  metrics: readonly MetricName[]
  device: string
  rangeMs: number
  joinMs: number
}): ReactElement {
  const { t, language } = useWords()
  const answers = useQueries({ queries: metrics.map((metric) => ask.series(device, metric, rangeMs)) })
  const series = answers.flatMap((answer): SeriesData[] => answer.data?.series ?? [])
  const toMs = Math.max(...answers.map((answer) => answer.data?.toMs ?? 0))
  const stamp = answers.map((answer) => answer.dataUpdatedAt).join(' ')
  const lines = useMemo(
    () => toLines(series, { byMetric: metrics.length > 1, joinMs, language }),
    // The answers' times stand for their content.
    [stamp, language, metrics.length, joinMs],
  )
  const broken = answers.find((answer) => answer.isError)
  if (broken) return <Failure error={broken.error} again={() => void broken.refetch()} />
  if (answers.some((answer) => answer.isPending))
    return <div className="chart card chart-waiting" role="status" aria-label={t('shell.loading')} />
  return (
    <LineChart title={t(`chart.${name}`)} lines={lines} fromMs={toMs - rangeMs} toMs={toMs} sync={device} />
  )
}

/** Asks for the charts again when new values have come, as often as the range can show it. */
function useRefresh(device: string, latest: readonly LatestValue[], rangeMs: number): void {
  const queries = useQueryClient()
  const newestMs = Math.max(0, ...latest.map((value) => value.timeMs))
  const asked = useRef({ newestMs, atMs: 0 })
  useEffect(() => {
    const last = asked.current
    if (newestMs <= last.newestMs || Date.now() - last.atMs < rangeMs / REFRESHES_PER_RANGE) return
    asked.current = { newestMs, atMs: Date.now() }
    void queries.invalidateQueries({ queryKey: ['series', device] })
  }, [queries, device, newestMs, rangeMs])
}
