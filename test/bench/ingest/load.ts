import { createHash } from 'node:crypto'
import { METRICS, type MetricName } from '../../../contract/metrics.ts'
import type { Layout, SeriesSpec } from '../../../contract/report.ts'
import type { DeviceAddress } from '../../../contract/topics.ts'
import { layoutText } from '../../../contract/wire.ts'

/** What the generator is told when it starts. */
export type GeneratorSetup = {
  port: number
  caPem: string
  agents: { address: DeviceAddress; certPem: string; keyPem: string }[]
  series: number
  /** Reports of one agent that may be without acknowledgement in the first phase. */
  window: number
}

/** What the generator is told later, and what it says. */
export type ToGenerator =
  | { type: 'setup'; setup: GeneratorSetup }
  | { type: 'saturate' }
  | { type: 'steady'; reportsPerSecond: number }
  | { type: 'pause' }
export type FromGenerator = { type: 'ready' } | { type: 'paused'; sent: number; acknowledged: number }

/** The last series of each layout carries the time of publishing, in milliseconds on the clock that both share. */
export const PUBLISHED_METRIC = 'bench.published_ms'

/** Milliseconds since 1970 with fractions, the same in every process of this machine. */
export function sharedNowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** A layout like a real machine's: metrics without labels once, those with labels for several disks and interfaces. */
export function benchLayout(count: number): Layout {
  const series: SeriesSpec[] = []
  const names = Object.keys(METRICS) as MetricName[]
  for (const metric of names)
    if (METRICS[metric].labels.length === 0) series.push({ metric, labels: {}, unit: METRICS[metric].unit })
  for (let copy = 0; series.length < count; copy++)
    for (const metric of names) {
      const { labels, unit } = METRICS[metric]
      if (labels.length > 0)
        series.push({
          metric,
          labels: Object.fromEntries(labels.map((name) => [name, `${name}${copy}`])),
          unit,
        })
    }
  const kept = [...series.slice(0, count - 1), { metric: PUBLISHED_METRIC, labels: {}, unit: 'milliseconds' }]
  return {
    v: 1,
    hash: createHash('sha256').update(layoutText(kept)).digest('hex').slice(0, 16),
    series: kept,
  }
}
