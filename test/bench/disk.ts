import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readData } from '../../cli/rules/data-file.ts'
import { createReplay } from '../../cli/rules/replay.ts'
import type { Forecast } from '../../contract/rules.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { shippedPacks } from '../../server/rule-packs.ts'
import { loadPacks } from '../../rules/language/parse.ts'
import { simulateDisks } from '../sim/disk/simulate.ts'
import { incidentsOf, predictLinear, staticBound } from './disk/peers.ts'
import { type Checked, type Figures, type Outcome, score, type ScoredDisk } from './disk/score.ts'

const METRIC = 'disk.used_percent'
const START_MS = Date.UTC(2026, 0, 5)
const MINUTE_MS = 60_000

/**
 * The shipped disk rules over the data folder (`--data`, ../shared/data) and over the simulator (`--seeds 1,2`,
 * `--each` disks of a kind), beside what peers ship. The figures of the data folder stand as they are called, those
 * of the simulator with `sim` before them.
 */
export async function run(args: string[]): Promise<object> {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string', default: resolve(import.meta.dirname, '../../../shared/data') },
      seeds: { type: 'string', default: '1,2' },
      each: { type: 'string', default: '4' },
      kinds: { type: 'boolean', default: false },
    },
  })
  const packs = shippedPacks().map((file) => ({ file, text: readFileSync(file, 'utf8') }))
  const rules = loadPacks(packs).filter(({ spec }) => spec.signal.metric === METRIC && spec.enabled)
  const seeds = values.seeds.split(',').map(Number)
  const dev = judge(rules, 'data folder', await readDisks(join(values.data, 'disk')))
  const sim = judge(
    rules,
    `simulator, seeds ${values.seeds}`,
    seeds.flatMap((seed) => simulateDisks(seed, Number(values.each))),
  )
  const prefixed = Object.entries(sim).map(([name, figure]) => [
    `sim${name[0]?.toUpperCase()}${name.slice(1)}`,
    figure,
  ])
  return { ...dev, ...(Object.fromEntries(prefixed) as object) }
}

function judge(rules: readonly CompiledRule[], source: string, disks: readonly ScoredDisk[]): Figures {
  const began = performance.now()
  const outcomes = disks.map((disk) => watch(rules, disk))
  const seconds = (performance.now() - began) / 1000
  const samples = disks.reduce((sum, { minutes }) => sum + minutes.length, 0)
  console.log(`\n${source}: ${disks.length} disks, ${samples} samples in ${seconds.toFixed(1)} s`)
  for (const kind of new Set(disks.map((disk) => disk.kind)))
    show(kind, score(outcomes.filter(({ disk }) => disk.kind === kind)))
  const figures = score(outcomes)
  show('ALL', figures)
  const peer = (condition: typeof staticBound, forMinutes: number): Figures =>
    score(
      disks.map((disk) => {
        const opened = incidentsOf(condition(), forMinutes, disk.minutes, disk.values)
        return { disk, opened, dayBefore: null, atOpening: null }
      }),
    )
  show('peer: static 90 %, 10 min', peer(staticBound, 10))
  show('peer: predict_linear 6h→24h', peer(predictLinear, 60))
  return figures
}

function watch(rules: readonly CompiledRule[], disk: ScoredDisk): Outcome {
  const replay = createReplay(rules, METRIC)
  const soon = rules.find(({ spec }) => spec.name === 'disk-full-soon')
  const bank = soon?.detector.driven === 'samples' ? soon.detector.create(soon.parameters) : undefined
  if (bank === undefined) throw new Error('disk-full-soon is not among the shipped rules')
  bank.slab.open(0)
  const full = disk.fullAtMinute
  let dayBefore: Checked | null = null
  for (let index = 0; index < disk.minutes.length; index++) {
    const minute = disk.minutes[index] ?? 0
    const value = disk.values[index] ?? 0
    replay.sample(minute, disk.name, value)
    const timeMs = START_MS + minute * MINUTE_MS
    bank.step(0, timeMs, value)
    const next = disk.minutes[index + 1] ?? Infinity
    const isDayBefore = full !== null && minute <= full - 1440 && next > full - 1440
    if (!isDayBefore || (disk.onsetMinute !== null && full - disk.onsetMinute < 1.2 * 1440)) continue
    const { forecast } = bank.explain(0, { timeMs, value, unit: 'percent' })
    dayBefore = check(forecast, timeMs, full)
  }
  const first = replay.incidents.find(
    ({ minute }) => full !== null && full >= minute && full - minute <= 7 * 1440,
  )
  const atOpening =
    first === undefined || full === null
      ? null
      : check(first.evidence.forecast, START_MS + first.minute * MINUTE_MS, full)
  return { disk, opened: replay.incidents.map(({ minute }) => minute), dayBefore, atOpening }
}

function check(forecast: Forecast | null, nowMs: number, fullAtMinute: number): Checked | null {
  if (forecast === null) return null
  const hours = (atMs: number | null): number => (atMs === null ? Infinity : (atMs - nowMs) / 3_600_000)
  return {
    eta: hours(forecast.atMs),
    earliest: hours(forecast.earliestMs),
    latest: hours(forecast.latestMs),
    truth: hours(START_MS + fullAtMinute * MINUTE_MS),
  }
}

async function readDisks(folder: string): Promise<ScoredDisk[]> {
  const truth = JSON.parse(readFileSync(join(folder, 'dev-truth.json'), 'utf8')) as Record<
    string,
    { full_at_minute: number | null }
  >
  const disks = new Map<string, ScoredDisk & { minutes: number[]; values: number[] }>()
  await readData(join(folder, 'dev.csv.gz'), (minute, name, value) => {
    const fullAtMinute = truth[name]?.full_at_minute ?? null
    const known = disks.get(name)
    const disk = known ?? {
      name,
      kind: fullAtMinute === null ? 'never full' : 'fills',
      minutes: [],
      values: [],
      fullAtMinute,
      onsetMinute: null,
    }
    if (known === undefined) disks.set(name, disk)
    disk.minutes.push(minute)
    disk.values.push(value)
  })
  return [...disks.values()]
}

function show(name: string, figures: Figures): void {
  const { events, recall2h, recall24h, recall24hOfPossible, precision, falsePerDeviceMonth } = figures
  const { etaWithinFactor, intervalCoverage, forecasts } = figures
  const recall =
    events === 0 ? '' : `recall 2h ${recall2h} 24h ${recall24h} (of possible ${recall24hOfPossible}) `
  const eta =
    forecasts === 0 ? '' : `within 1.5 ${etaWithinFactor} interval ${intervalCoverage} of ${forecasts}`
  console.log(
    `  ${name.padEnd(28)} ${recall}precision ${precision} false/device-month ${falsePerDeviceMonth} ${eta}`,
  )
}
