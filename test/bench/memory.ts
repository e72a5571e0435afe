import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { createReplay } from '../../cli/rules/replay.ts'
import { leak } from '../../rules/detectors/leak.ts'
import { loadRules } from '../../server/rule-packs.ts'
import { readBackgrounds, STEP_MINUTES } from '../sim/memory/backgrounds.ts'
import { type Case, makeCases } from '../sim/memory/inject.ts'
import { PLAIN, plainCases } from '../sim/memory/plain.ts'
import { openings, PEER_RULES } from './memory/peers.ts'
import { type Score, score } from './memory/score.ts'

const METRIC = 'memory.used_percent'
const USAGE = 'npm run bench -- memory [--data DIR] [--seeds 101,102,…] [--half held-out|tuned|all]'

const FILL_HOURS = [
  [2, 5],
  [5, 12],
  [12, 48],
  [48, 1000],
] as const

/** The shipped packs on leaks laid over real machines; see `run`. */
export type MemoryFigures = {
  recall2h: number
  recall24h: number
  precision: number
  falsePerDeviceMonth: number
  medianLeadHours: number
  leaks: number
  series: number
  /** As above, where machines also have rhythms and look-alikes laid over, and leaks are of seven kinds. */
  hardRecall2h: number
  hardPrecision: number
  hardFalsePerDeviceMonth: number
  hardLeaks: number
  /** As the first, with machines left at their own level of about 90 %. */
  fullRecall2h: number
  fullPrecision: number
  fullFalsePerDeviceMonth: number
  /** The machines as they are, nothing laid over them: incidents opened. */
  incidentsOnBackgrounds: number
  bytesPerSeries: number
  /** One `step` at a sample each 30 s, as agents report; at one each 5 minutes every step ends a block. */
  stepNs: number
  stepNsAt5Minutes: number
}

type Rules = Parameters<typeof createReplay>[0]
type Incidents = Map<string, number[]>

/**
 * Lays leaks over the backgrounds of DATA/memory in three ways and replays all shipped rules on them. By default on
 * the half of the machines, and on the seeds, that no limit was chosen on. Prints a table for each kind and for the
 * peers' rules, and asks the independent scorer beside the data folder where there is one.
 */
export async function run(args: string[]): Promise<MemoryFigures> {
  const { data, seeds, half } = options(args)
  const folder = join(data, 'memory')
  if (!existsSync(folder)) throw new Error(`no folder ${folder}\n${USAGE}`)
  const machines = readBackgrounds(join(folder, 'backgrounds-dev.csv.gz'))
  const chosen = machines.filter((_, index) => half === 'all' || (index % 2 === 1) === (half === 'held-out'))
  const rules = loadRules({ packs: [], base: true }, '.').filter(({ spec }) => spec.signal.metric === METRIC)
  const script = join(resolve(data, '..'), 'referee', 'timeline.py')
  console.log(`${chosen.length} machines (${half}), seeds ${seeds.join(', ')}`)
  console.log(`rules: ${rules.map(({ spec }) => spec.name).join(', ')}`)
  const plain = tell('leaks alone, over moved machines', rules, plainCases(chosen, { seeds }), script)
  const stays = plainCases(chosen, { seeds, mix: { ...PLAIN, after: 'stays' } })
  printScore('the same, full to the end', score(stays, replay(rules, stays)))
  const full = { ...PLAIN, level: null, fillHours: [6, 72] } as const
  const own = tell(
    'leaks alone, over machines at 90 %',
    rules,
    plainCases(chosen, { seeds, mix: full }),
    null,
  )
  const hardCases = makeCases(chosen, { seeds, grounds: ['moved', 'scaled'] })
  const hard = tell('seven kinds of leaks, rhythms and look-alikes', rules, hardCases, script)
  const untouched = plainCases(chosen, { seeds: [0], mix: { ...PLAIN, level: null, leaking: 0 } })
  const onBackgrounds = [...replay(rules, untouched).values()].flat().length
  console.log(`\nthe machines as they are, at their own level: ${onBackgrounds} incidents`)
  return {
    recall2h: round(plain.recall2h),
    recall24h: round(plain.recall24h),
    precision: round(plain.precision),
    falsePerDeviceMonth: round(plain.falsePerDeviceMonth),
    medianLeadHours: round(plain.medianLeadHours),
    leaks: plain.leaks,
    series: plain.series,
    hardRecall2h: round(hard.recall2h),
    hardPrecision: round(hard.precision),
    hardFalsePerDeviceMonth: round(hard.falsePerDeviceMonth),
    hardLeaks: hard.leaks,
    fullRecall2h: round(own.recall2h),
    fullPrecision: round(own.precision),
    fullFalsePerDeviceMonth: round(own.falsePerDeviceMonth),
    incidentsOnBackgrounds: onBackgrounds,
    bytesPerSeries: leak.create({ bound: 100 }).slab.bytesPerSlot,
    stepNs: stepCost(30_000),
    stepNsAt5Minutes: stepCost(300_000),
  }
}

/** Replays the rules over cases, prints what came of them, and returns the figures. `script`: the scorer to ask too. */
function tell(title: string, rules: Rules, cases: readonly Case[], script: string | null): Score {
  console.log(`\n${title}`)
  const incidents = replay(rules, cases)
  printTable(cases, incidents)
  if (script !== null) referee(script, cases, incidents)
  return score(cases, incidents)
}

function options(args: string[]): { data: string; seeds: number[]; half: string } {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string', default: '../shared/data' },
      seeds: { type: 'string', default: '101,102,103,104,105,106,107,108' },
      half: { type: 'string', default: 'held-out' },
    },
  })
  const seeds = values.seeds.split(',').map(Number)
  if (seeds.some((seed) => !Number.isInteger(seed)) || !['held-out', 'tuned', 'all'].includes(values.half))
    throw new Error(USAGE)
  return { data: values.data, seeds, half: values.half }
}

function replay(rules: Rules, cases: readonly Case[]): Incidents {
  const player = createReplay(rules, METRIC)
  const incidents: Incidents = new Map()
  for (const { series, values } of cases)
    values.forEach((value, at) => player.sample(at * STEP_MINUTES, series, value))
  for (const { series, minute } of player.incidents)
    incidents.set(series, [...(incidents.get(series) ?? []), minute])
  return incidents
}

function printTable(cases: readonly Case[], incidents: Incidents): void {
  for (const kind of [...new Set(cases.map((one) => one.kind))].sort())
    printScore(
      kind,
      score(
        cases.filter((one) => one.kind === kind),
        incidents,
      ),
    )
  for (const [from, to] of FILL_HOURS) {
    const leaks = cases.filter(
      ({ fullAtMinute, fillHours }) => fullAtMinute !== null && fillHours >= from && fillHours < to,
    )
    if (leaks.length > 0) printScore(`full in ${from} to ${to} h`, score(leaks, incidents))
  }
  printScore('ALL', score(cases, incidents))
  for (const [name, rule] of Object.entries(PEER_RULES)) {
    const theirs = new Map(cases.map(({ series, values }) => [series, openings(rule(values))]))
    printScore(`peer: ${name}`, score(cases, theirs))
  }
}

function printScore(name: string, figures: Score): void {
  const { series, leaks, recall2h, recall24h, medianLeadHours, precision, falsePerDeviceMonth } = figures
  const early = `≥ 2 h ${recall2h.toFixed(3)}  ≥ 24 h ${recall24h.toFixed(3)}  median ${medianLeadHours.toFixed(1)} h`
  const wrong = `${figures.false} false, ${falsePerDeviceMonth.toFixed(3)} per device-month`
  console.log(
    `${name.padEnd(28)} ${String(series).padStart(4)} series  ${leaks === 0 ? 'no leaks' : `${leaks} leaks  ${early}  precision ${precision.toFixed(3)}`}  ${wrong}`,
  )
}

/** Writes the scorer's three files and prints what it says of them, for the shipped rules and for the peers'. */
function referee(script: string, cases: readonly Case[], incidents: Incidents): void {
  if (!existsSync(script)) {
    console.log(`no independent scorer at ${script}`)
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'vigia-memory-'))
  try {
    const truth = Object.fromEntries(cases.map((one) => [one.series, { full_at_minute: one.fullAtMinute }]))
    writeFileSync(join(folder, 'truth.json'), JSON.stringify(truth))
    const rows = cases.flatMap(({ series, values }) =>
      Array.from(values, (value, at) => `${at * STEP_MINUTES},${series},${value.toFixed(3)}\n`),
    )
    writeFileSync(join(folder, 'data.csv'), ['minute,machine,used_percent\n', ...rows].join(''))
    const ask = (name: string, opened: Incidents): void => {
      const lines = [...opened].flatMap(([series, minutes]) =>
        minutes.map((minute) => `${series},${minute}\n`),
      )
      writeFileSync(join(folder, 'incidents.csv'), ['series,minute\n', ...lines].join(''))
      const files = ['truth.json', 'incidents.csv', 'data.csv'].map((file) => join(folder, file))
      const says = execFileSync('/usr/bin/env', ['python3', script, ...files, 'machine'], {
        encoding: 'utf8',
      })
      console.log(`scorer, ${name}: ${says.trim()}`)
    }
    ask('shipped rules', incidents)
    for (const [name, rule] of Object.entries(PEER_RULES))
      ask(name, new Map(cases.map(({ series, values }) => [series, openings(rule(values))])))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Nanoseconds of one `step` over a thousand machines with rhythm and noise, after a simulated day. */
function stepCost(stepMs: number): number {
  const slots = 1000
  const bank = leak.create({ bound: 100 })
  for (let slot = 0; slot < slots; slot++) bank.slab.open(slot)
  const noise = Float64Array.from(
    { length: 4096 },
    (_, at) => 2 * Math.sin(at * 12.9898) * Math.cos(at * 78.233),
  )
  const feed = (from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      const level = 60 + 8 * Math.sin((at * stepMs * 2 * Math.PI) / 86_400_000)
      for (let slot = 0; slot < slots; slot++)
        bank.step(slot, (at + 1) * stepMs, level + (noise[(at * 31 + slot * 17) & 4095] as number))
    }
  }
  const warm = Math.round(86_400_000 / stepMs)
  feed(0, warm)
  const steps = Math.min(2000, warm)
  const start = performance.now()
  feed(warm, warm + steps)
  return Math.round(((performance.now() - start) * 1e6) / (steps * slots))
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
