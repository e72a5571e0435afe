import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
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
const SHORT_SERIES = 4_800
/** Two thousand machines: with fewer the room to grow is most of what is held. */
const SHORT_PACK_SERIES = 150_000

/** Figures of the rule engine on one core, without transport and store. */
export type ThroughputFigures = {
  /** Values judged a second by the slowest of the cheap detectors, and of the costly ones. */
  cheapPerSecond: number
  costlyPerSecond: number
  /** All that the engine holds with all shipped packs over ordinary machines, by reported series: typed arrays with their room to grow, and JavaScript heap. */
  bytesPerSeries: number
  /** Prometheus' time for `predict_linear` over Vigía's for `trend`, by series; 0 where Prometheus was not run. */
  prometheusRatio: number
  [other: string]: number | string
}

/** `--short` runs on few series and for less than half a minute; `--series N`, `--detector NAME`, `--no-detectors`, `--no-prometheus`. */
export async function run(args: string[]): Promise<ThroughputFigures> {
  const { values } = parseArgs({
    args,
    options: {
      short: { type: 'boolean', default: false },
      series: { type: 'string' },
      detector: { type: 'string' },
      detectors: { type: 'boolean', default: true },
      prometheus: { type: 'boolean', default: true },
    },
    allowNegative: true,
  })
  const series = Number(values.series ?? (values.short ? SHORT_SERIES : 600_000))
  const figures: Record<string, number | string> = {}
  const cheap: number[] = []
  const costly: number[] = []
  let trendPerSecond = 0
  let thresholdPerSecond = 0
  const named = values.detector === undefined ? MEASURED : [values.detector]
  for (const name of values.detectors ? named : []) {
    const found = measureDetector(name, { series, maxBytes: MAX_BYTES })
    ;(found.isCheap ? cheap : costly).push(found.perSecond)
    if (name === 'trend') trendPerSecond = found.perSecond
    if (name === 'threshold') thresholdPerSecond = found.perSecond
    figures[`${name}PerSecond`] = found.perSecond
    console.log(
      `${name.padEnd(14)} ${(found.perSecond / 1e6).toFixed(2).padStart(8)} M/s  ${found.series} series, ${found.bytesPerSeries} B a series`,
    )
  }
  const pack = values.detector === undefined ? measurePack(values.short ? SHORT_PACK_SERIES : series) : {}
  for (const [name, figure] of Object.entries(pack)) console.log(`${name.padEnd(34)} ${figure}`)
  let prometheusRatio = 0
  if (values.prometheus && values.detector === undefined) {
    const beside = await measurePrometheus(
      values.short
        ? { series: 5_000, seconds: 8, scrapeSeconds: 1 }
        : { series: 100_000, seconds: 90, scrapeSeconds: 5 },
    )
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
    cheapPerSecond: least(cheap),
    costlyPerSecond: least(costly),
    bytesPerSeries: Number(pack.bytesPerSeries ?? 0),
    prometheusRatio,
    ...figures,
    ...pack,
  }
}

/** The slowest; 0 where none was measured. */
function least(figures: readonly number[]): number {
  return figures.length === 0 ? 0 : Math.min(...figures)
}

/** All shipped packs over ordinary machines of about 80 series. */
function measurePack(series: number): Record<string, number> {
  const rules = loadRules({ packs: [], base: true }, '.')
  const layout = machine()
  const devices = machines(Math.floor(series / layout.series.length))
  const out: AlertTransition[] = []
  const before = heldBytes()
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
  const held = heldBytes() - before
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
    bytesPerSeries: Math.round(held / reported),
    arrayBytesPerSeries: Math.round(bytes / reported),
    bytesPerWatchedSeries: Math.round(held / watched),
    snapshotMs: Math.round(snapshotMs),
    restoreMs: Math.round(restoreMs),
    snapshotBytesPerSeries: Math.round(snapshot.length / reported),
  }
}

/** Bytes of the JavaScript heap and of all typed arrays after a collection. */
function heldBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** As `node --expose-gc` would, for a process that was started without; twice, for what ends with the first. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
}
