import type { Layout } from '../../../contract/report.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import { layoutText } from '../../../contract/wire.ts'
import { createEngine } from '../../../rules/engine/engine.ts'
import { loadPacks } from '../../../rules/language/parse.ts'
import type { CompiledRule } from '../../../rules/language/compiled.ts'
import { machines } from './machine.ts'
import { bestSeconds } from './time.ts'

const START_MS = Date.UTC(2026, 0, 5)
const STEP_MS = 15 * 60_000
const PER_MACHINE = 24
/** A drive is judged by its time of work and five counts. */
const PER_DRIVE = 6
const ROUNDS = 6
/** A round of a cheap one is short: one that nobody disturbs is sure to be among so many. */
const CHEAP_ROUNDS = 24

/**
 * A rule of each detector over `temperature.celsius`, with the shortest history that it may learn from, so that
 * it judges while it is measured. `warm`: rounds of a quarter of an hour before that. `bytes`: state is about this
 * much a series, to bound the memory of a run.
 */
const CASES: Record<string, { rule: string; warm: number; isCheap: boolean; bytes: number }> = {
  threshold: { rule: 'threshold: { above: 90, clear: 80 }', warm: 8, isCheap: true, bytes: 0 },
  absence: { rule: 'absence: { after: 1h }', warm: 3, isCheap: true, bytes: 8 },
  flapping: { rule: 'flapping: { above: 90, changes: 6, within: 2h }', warm: 8, isCheap: true, bytes: 64 },
  expiry: { rule: 'expiry: { within: 7d }', warm: 8, isCheap: false, bytes: 64 },
  composite: {
    rule: 'composite: { all: [{ above: 90 }, { signal: { metric: load.1m }, above: 3 }] }',
    warm: 3,
    isCheap: false,
    bytes: 24,
  },
  trend: { rule: 'trend: { bound: 100, horizon: 4h, window: 2h }', warm: 40, isCheap: false, bytes: 160 },
  'counter-rate': {
    rule: 'counter-rate: { above: 40, per: 1h, window: 4h }',
    warm: 20,
    isCheap: false,
    bytes: 100,
  },
  leak: { rule: 'leak: { bound: 100 }', warm: 200, isCheap: false, bytes: 500 },
  seasonal: { rule: 'seasonal: { learn: 2d, over: 1h }', warm: 200, isCheap: false, bytes: 600 },
  changepoint: { rule: 'changepoint: { learn: 2d }', warm: 200, isCheap: false, bytes: 600 },
  novelty: { rule: 'novelty: { learn: 2d }', warm: 200, isCheap: false, bytes: 1100 },
  wear: { rule: 'wear: { bound: 90, horizon: 60d, minSpan: 3d }', warm: 300, isCheap: false, bytes: 200 },
  peers: { rule: 'peers: { atLeast: 50, after: 1d, over: 1h }', warm: 110, isCheap: false, bytes: 120 },
  correlated: {
    rule: 'correlated: { metrics: [load.1m], every: 15m, after: 2d }',
    warm: 210,
    isCheap: false,
    bytes: 600,
  },
  hazard: { rule: 'hazard: { model: drive-failure, above: 0.2 }', warm: 8, isCheap: false, bytes: 100 },
}

/** What one detector takes; `evaluations` are judged values of series (of devices for `absence`). */
export type DetectorFigure = {
  name: string
  isCheap: boolean
  series: number
  perSecond: number
  bytesPerSeries: number
}

/** The names of the detectors that can be measured. */
export const MEASURED = Object.keys(CASES)

/** Values a second that a detector judges within the engine, on one core. */
export function measureDetector(
  name: string,
  { series, maxBytes }: { series: number; maxBytes: number },
): DetectorFigure {
  const { rule, warm, isCheap, bytes } = CASES[name] ?? { rule: '', warm: 0, isCheap: true, bytes: 0 }
  const rules = ruleOf(name, rule)
  // The ring of the last samples and the alert take 155 B a series besides.
  const within = Math.min(series, Math.floor(maxBytes / (bytes + 155)))
  const devices = machines(Math.max(1, Math.floor(within / PER_MACHINE)))
  const layout = name === 'hazard' ? drives() : sensors()
  const fillValues = name === 'hazard' ? fillDrives : fillSensors
  const engine = createEngine({ rules })
  const out: AlertTransition[] = []
  const values = new Array<number>(layout.series.length).fill(0)
  const round = (number: number, observe: boolean): void => {
    const timeMs = START_MS + number * STEP_MS
    for (let device = 0; device < devices.length; device++) {
      fillValues(values, number, device)
      if (!observe) continue
      const context = devices[device] as (typeof devices)[number]
      engine.observe(context, { layout, timeMs, values, late: false }, out)
    }
    if (observe) engine.tick(timeMs, out)
    out.length = 0
  }
  for (let number = 0; number < warm; number++) round(number, true)
  let number = warm
  // What is judged by time is judged by the tick alone.
  const byTime = rules.some(({ detector }) => detector.driven === 'time')
  const rounds = isCheap ? CHEAP_ROUNDS : ROUNDS
  const whole = bestSeconds(rounds, () =>
    byTime ? engine.tick(START_MS + number++ * STEP_MS, out) : round(number++, true),
  )
  const filling = byTime ? 0 : bestSeconds(rounds, () => round(number, false))
  const evaluations = devices.length * (byTime ? 1 : perMachine(name))
  const { bytes: held } = engine.size()
  return {
    name,
    isCheap,
    series: devices.length * PER_MACHINE,
    perSecond: Math.round(evaluations / Math.max(1e-9, whole - filling)),
    bytesPerSeries: Math.round(held / (devices.length * PER_MACHINE)),
  }
}

function ruleOf(name: string, detector: string): CompiledRule[] {
  const text = `pack: bench\nversion: 1\nrules:\n  - name: measured\n    title: { en: M, es: M }\n    owner: bench\n    severity: info\n    signal: { metric: ${name === 'hazard' ? 'smart.power_on_days' : 'temperature.celsius'} }\n    ${detector}\n    runbook: r\n    noRemedy: n\n`
  return loadPacks([{ file: 'bench.yaml', text }])
}

function perMachine(name: string): number {
  return name === 'composite' ? PER_MACHINE - 1 : name === 'hazard' ? PER_MACHINE / PER_DRIVE : PER_MACHINE
}

function drives(): Layout {
  const series = Array.from({ length: PER_MACHINE / PER_DRIVE }, (_, drive) => [
    { metric: 'smart.power_on_days', labels: { disk: `sd${drive}`, model: 'm' }, unit: 'days' },
    ...['5', '187', '188', '197', '198'].map((attribute) => ({
      metric: 'smart.attribute_raw',
      labels: { disk: `sd${drive}`, attribute },
      unit: 'count',
    })),
  ]).flat()
  return { v: 1, hash: layoutText(series), series }
}

function sensors(): Layout {
  const series = Array.from({ length: PER_MACHINE }, (_, index) =>
    index === PER_MACHINE - 1
      ? { metric: 'load.1m', labels: {}, unit: 'count' }
      : { metric: 'temperature.celsius', labels: { sensor: `s${index}` }, unit: 'celsius' },
  )
  return { v: 1, hash: layoutText(series), series }
}

/** Drives that grow older and whose counts stand still, some of them marked: what nearly all drives do. */
function fillDrives(values: number[], round: number, device: number): void {
  for (let index = 0; index < values.length; index++)
    values[index] =
      index % PER_DRIVE === 0 ? 400 + (device % 900) + round / 96 : index === 1 && device % 16 === 0 ? 8 : 0
}

/** A rhythm of the day with noise: what costs a detector most without firing it. */
function fillSensors(values: number[], round: number, device: number): void {
  const base = 50 + 8 * Math.sin((2 * Math.PI * round) / 96)
  for (let index = 0; index < values.length; index++)
    values[index] =
      index === values.length - 1 ? 1 : base + (((device * 7 + index * 13 + round * 29) % 32) - 16) / 8
}
