import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import type { AlertTransition } from '../../contract/rules.ts'
import { createEngine } from '../../rules/engine/engine.ts'
import { loadRules } from '../../server/rule-packs.ts'
import { measureDetector, MEASURED } from './throughput/detectors.ts'
import { fill, initialValues, machine, machines } from './throughput/machine.ts'
import { measurePrometheus } from './throughput/prometheus.ts'
import { bestSeconds } from './throughput/time.ts'

const START_MS = Date.UTC(2026, 0, 5)
const INTERVAL_MS = 30_000
/** Enough for the layouts to be known and for gaps to be learned. */
const WARM = 10
const MAX_BYTES = 600e6

/** Figures of the rule engine on one core, without transport and store. */
export type ThroughputFigures = {
  /** Values judged a second by the slowest of the cheap detectors, and of the costly ones. */
  cheapPerSecond: number
  costlyPerSecond: number
  /** State of all shipped packs over ordinary machines, by reported series: typed arrays and JavaScript heap. */
  bytesPerSeries: number
  /** Prometheus' time for `predict_linear` over Vigía's for `trend`, by series; 0 where Prometheus was not run. */
  prometheusRatio: number
  [other: string]: number | string
}

/** `--short` runs on a tenth and for less time; `--series N`, `--detector NAME`, `--no-prometheus`. */
export async function run(args: string[]): Promise<ThroughputFigures> {
  const { values } = parseArgs({
    args,
    options: {
      short: { type: 'boolean', default: false },
      series: { type: 'string' },
      detector: { type: 'string' },
      prometheus: { type: 'boolean', default: true },
    },
    allowNegative: true,
  })
  const series = Number(values.series ?? (values.short ? 24_000 : 600_000))
  const figures: Record<string, number | string> = {}
  const cheap: number[] = []
  const costly: number[] = []
  let trendPerSecond = 0
  let thresholdPerSecond = 0
  for (const name of values.detector === undefined ? MEASURED : [values.detector]) {
    const found = measureDetector(name, { series, maxBytes: MAX_BYTES })
    ;(found.isCheap ? cheap : costly).push(found.perSecond)
    if (name === 'trend') trendPerSecond = found.perSecond
    if (name === 'threshold') thresholdPerSecond = found.perSecond
    figures[`${name}PerSecond`] = found.perSecond
    console.log(
      `${name.padEnd(14)} ${(found.perSecond / 1e6).toFixed(2).padStart(8)} M/s  ${found.series} series, ${found.bytesPerSeries} B a series`,
    )
  }
  const pack = values.detector === undefined ? measurePack(Math.min(series, 600_000)) : {}
  for (const [name, figure] of Object.entries(pack)) console.log(`${name.padEnd(34)} ${figure}`)
  let prometheusRatio = 0
  if (values.prometheus && values.detector === undefined) {
    const beside = await measurePrometheus(values.short ? 20_000 : 100_000, values.short ? 40 : 90)
    const perSeries = (seconds: number): number => (seconds / beside.series) * 1e6
    prometheusRatio = Math.round((perSeries(beside.predictLinearSeconds) / 1e6) * trendPerSecond)
    figures.prometheusThresholdMicroseconds = Number(perSeries(beside.thresholdSeconds).toFixed(3))
    figures.prometheusPredictLinearMicroseconds = Number(perSeries(beside.predictLinearSeconds).toFixed(3))
    figures.prometheusThresholdRatio = Math.round(
      (perSeries(beside.thresholdSeconds) / 1e6) * thresholdPerSecond,
    )
    console.log(
      `Prometheus over ${beside.series} series of ${beside.samples} samples: threshold ${figures.prometheusThresholdMicroseconds} µs a series, predict_linear ${figures.prometheusPredictLinearMicroseconds} µs`,
    )
  }
  return {
    cheapPerSecond: Math.min(...cheap),
    costlyPerSecond: Math.min(...costly),
    bytesPerSeries: Number(pack.bytesPerSeries ?? 0),
    prometheusRatio,
    ...figures,
    ...pack,
  }
}

/** All shipped packs over ordinary machines of about 80 series. */
function measurePack(series: number): Record<string, number> {
  const rules = loadRules({ packs: [], base: true }, '.')
  const layout = machine()
  const devices = machines(Math.floor(series / layout.series.length))
  const out: AlertTransition[] = []
  const heapBefore = usedHeap()
  const engine = createEngine({ rules })
  const values = initialValues(layout.series)
  const report = (round: number, observe: boolean): void => {
    const timeMs = START_MS + round * INTERVAL_MS
    for (const [index, device] of devices.entries()) {
      fill(layout, values, { round, device: index })
      if (observe) engine.observe(device, { layout, timeMs, values, late: false }, out)
    }
    if (observe) engine.tick(timeMs, out)
    out.length = 0
  }
  for (let round = 0; round < WARM; round++) report(round, true)
  const { series: watched, entries, bytes } = engine.size()
  const heap = Math.max(0, usedHeap() - heapBefore)
  let round = WARM
  const seconds = bestSeconds(5, () => report(round++, true)) - bestSeconds(3, () => report(round, false))
  const reported = devices.length * layout.series.length
  const snapshotStart = performance.now()
  const snapshot = engine.snapshot()
  const snapshotMs = performance.now() - snapshotStart
  const restoreStart = performance.now()
  createEngine({ rules }).restore(snapshot)
  const restoreMs = performance.now() - restoreStart
  return {
    rules: rules.length,
    packSeries: reported,
    watchedSeries: watched,
    entries,
    packEvaluationsPerSecond: Math.round(entries / seconds),
    packSamplesPerSecond: Math.round(reported / seconds),
    bytesPerSeries: Math.round((bytes + heap) / reported),
    arrayBytesPerSeries: Math.round(bytes / reported),
    bytesPerWatchedSeries: Math.round((bytes + heap) / watched),
    snapshotMs: Math.round(snapshotMs),
    restoreMs: Math.round(restoreMs),
    snapshotBytesPerSeries: Math.round(snapshot.length / reported),
  }
}

/** The JavaScript heap after a collection where the process allows one (--expose-gc), as it stands otherwise. */
function usedHeap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
