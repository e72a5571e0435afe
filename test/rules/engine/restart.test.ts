import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlertTransition } from '../../../contract/rules.ts'
import { DETECTORS } from '../../../rules/detectors/all.ts'
import { createEngine, type Engine } from '../../../rules/engine/engine.ts'
import { splitSnapshot } from '../../../rules/engine/snapshot/format.ts'
import type { CompiledRule } from '../../../rules/language/compiled.ts'
import { DEVICE, layoutOf, rulesOf } from '../support.ts'

const T0 = Date.UTC(2026, 0, 5)
const STEP_MS = 15 * 60_000
const MACHINES = 9

/** A rule of each detector that this test's data concern. A new detector needs a line here. */
const RULES: Record<string, string> = {
  threshold: 'signal: { metric: cpu.used_percent }\nthreshold: { above: 90, clear: 80 }\nfor: 30m\nkeep: 30m',
  absence: 'signal: { metric: service.up }\nabsence: { after: 2h }',
  trend: 'signal: { metric: disk.used_percent }\ntrend: { bound: 100, horizon: 24h, window: 2d }',
  leak: 'signal: { metric: memory.used_percent }\nleak: { bound: 100 }',
  seasonal: 'signal: { metric: load.1m }\nseasonal: { learn: 3d, over: 1h, sensitivity: 0.99 }',
  changepoint: 'signal: { metric: load.1m }\nchangepoint: { learn: 3d, sensitivity: 0.99 }',
  novelty: 'signal: { metric: load.1m }\nnovelty: { learn: 3d }',
  correlated:
    'signal: { metric: cpu.used_percent }\ncorrelated: { metrics: [load.1m, memory.used_percent, temperature.celsius], every: 15m, after: 3d, sensitivity: 2 }',
  peers:
    'signal: { metric: load.1m }\npeers: { atLeast: 2, after: 1d, over: 1h, minPeers: 5, deviations: 3 }',
  composite:
    'signal: { metric: cpu.used_percent }\ncomposite: { all: [{ above: 70 }, { signal: { metric: load.1m }, above: 3 }], unless: [{ rule: absence }] }',
  'counter-rate':
    'signal: { metric: network.errors_per_second }\ncounter-rate: { above: 40, per: 1h, window: 4h }',
  expiry: 'signal: { metric: certificate.remaining_days }\nexpiry: { within: 7d }',
  flapping: 'signal: { metric: network.up }\nflapping: { below: 1, changes: 3, within: 8h }',
  wear: 'signal: { metric: smart.wear_percent }\nwear: { bound: 90, horizon: 60d, minSpan: 3d }',
  hazard: 'signal: { metric: smart.power_on_days }\nhazard: { model: drive-failure, above: 0.05 }',
}

const LAYOUTS = [
  layoutOf(
    'cpu.used_percent',
    'load.1m',
    'memory.used_percent',
    'service.up{service=a}',
    'network.up{interface=e}',
  ),
  layoutOf(
    'disk.used_percent{mount=/,fs=ext4}',
    'temperature.celsius{sensor=cpu}',
    'network.errors_per_second{interface=e}',
    'certificate.remaining_days{certificate=c}',
    'smart.wear_percent{disk=sda}',
    'smart.power_on_days{disk=sda,model=m}',
    'smart.attribute_raw{attribute=5,disk=sda}',
    'smart.attribute_raw{attribute=187,disk=sda}',
    'smart.attribute_raw{attribute=188,disk=sda}',
    'smart.attribute_raw{attribute=197,disk=sda}',
    'smart.attribute_raw{attribute=198,disk=sda}',
  ),
  layoutOf('cpu.used_percent', 'load.1m', 'temperature.celsius{sensor=board}', 'network.up{interface=e}'),
]
const DEVICES = Array.from({ length: MACHINES }, (_, index) => ({
  ...DEVICE,
  device: `d-${String(index).repeat(16)}`,
}))

/** Chance of a place and time, the same in every run: an integer hash to [0, 1). */
function chance(...seeds: number[]): number {
  let hash = 2_166_136_261
  for (const seed of seeds) hash = Math.imul(hash ^ (seed + 0x9e37), 16_777_619) ^ (hash >>> 13)
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32
}

/** What a machine reports: a rhythm of the day, and for the first machine trouble in its last third. */
function valueOf(metric: string, machine: number, round: number, rounds: number): number {
  const noise = chance(machine, round, metric.length)
  const trouble = machine === 0 && round > (rounds * 2) / 3
  const into = trouble ? round - (rounds * 2) / 3 : 0
  const day = Math.sin((2 * Math.PI * round) / 96)
  switch (metric) {
    case 'cpu.used_percent':
      return 40 + 15 * day + 8 * noise + (trouble && round % 40 > 20 ? 45 : 0)
    case 'load.1m':
      return 1.5 + 0.5 * day + 0.2 * noise + (trouble ? 4 : 0)
    case 'memory.used_percent':
      return Math.min(99, 50 + 2 * noise + into * 0.3)
    case 'disk.used_percent':
      return Math.min(99, 60 + 0.1 * noise + into * 0.25)
    case 'service.up':
      return trouble && round % 60 > 30 ? NaN : 1
    case 'temperature.celsius':
      return 50 + 5 * day + noise + (trouble ? 15 : 0)
    case 'network.errors_per_second':
      return round * 3 + into * 100
    case 'certificate.remaining_days':
      return 16 - round / 96
    case 'smart.wear_percent':
      return 60 + into * 0.2
    case 'smart.power_on_days':
      return 1500 + Math.floor(round / 96)
    case 'network.up':
      return trouble ? round % 2 : 1
    default:
      return Math.floor(into) * 8
  }
}

type Script = { rounds: number; second: number[]; duplicates: ReadonlySet<number>; late: ReadonlySet<number> }

/** Plays a fleet; before round n of `restarts` the engine is replaced by one made of its snapshot. */
function play(
  rules: readonly CompiledRule[],
  { rounds, second, duplicates, late }: Script,
  restarts: ReadonlySet<number>,
) {
  const out: AlertTransition[] = []
  let engine = createEngine({ rules })
  for (let round = 0; round < rounds; round++) {
    if (restarts.has(round)) engine = reborn(engine, rules)
    const timeMs = T0 + round * STEP_MS
    engine.tick(timeMs, out)
    DEVICES.forEach((device, machine) => {
      const send = (which: number, atMs: number, isLate: boolean, of = round): void => {
        const layout = LAYOUTS[which]!
        const values = layout.series.map(({ metric }) => valueOf(metric, machine, of, rounds))
        engine.observe(device, { layout, timeMs: atMs, values, late: isLate }, out)
      }
      const first = second.includes(round % 97) ? 2 : 0
      send(first, timeMs + machine, false)
      if (duplicates.has(round)) send(first, timeMs + machine, false)
      if (late.has(round) && round > 0) send(0, timeMs - STEP_MS + machine, true, round - 1)
      send(1, timeMs + 20_000 + machine, false)
      if (duplicates.has(round)) send(1, timeMs + 20_000 + machine, false)
    })
  }
  return { out, engine }
}

function reborn(engine: Engine, rules: readonly CompiledRule[]): Engine {
  const next = createEngine({ rules })
  next.restore(engine.snapshot())
  return next
}

const rulesFor = (name: string): CompiledRule[] => {
  const wanted = name === 'composite' ? ['absence', 'composite'] : [name]
  return rulesOf(...wanted.map((each) => `name: ${each}\n${RULES[each]}`))
}

it('has a rule of every detector', () => {
  expect(DETECTORS.filter(({ name }) => RULES[name] === undefined).map(({ name }) => name)).toEqual([])
})

describe('the same reports give the same transitions and the same state with a restart at any points', () => {
  it.each(DETECTORS.map(({ name }) => name))('%s', (name) => {
    const rules = rulesFor(name)
    const rounds = 960
    const points = fc.uniqueArray(fc.integer({ min: 0, max: rounds - 1 }), { maxLength: 5 })
    fc.assert(
      fc.property(
        points,
        points,
        points,
        fc.array(fc.nat(96), { maxLength: 8 }),
        (restarts, duplicates, late, second) => {
          const script = { rounds, second, duplicates: new Set(duplicates), late: new Set(late) }
          const expected = play(rules, script, new Set())
          const actual = play(rules, script, new Set(restarts))
          expect(actual.out).toEqual(expected.out)
          expect(bodyOf(actual.engine)).toBe(bodyOf(expected.engine))
        },
      ),
      { numRuns: 6 },
    )
  })

  it('where each detector has something to say', () => {
    const quiet = { rounds: 960, second: [], duplicates: new Set<number>(), late: new Set<number>() }
    const silent = DETECTORS.filter(({ name }) => {
      const { out } = play(rulesFor(name), quiet, new Set())
      return !out.some(({ rule, kind }) => rule === name && kind === 'firing')
    })
    expect(silent.map(({ name }) => name)).toEqual([])
  })
})

it('a report that comes twice, or again when it is late, changes nothing', () => {
  const rules = rulesOf(...DETECTORS.map(({ name }) => `name: ${name}\n${RULES[name]}`))
  const clean = { rounds: 200, second: [5, 6, 7], duplicates: new Set<number>(), late: new Set<number>() }
  const all = new Set(Array.from({ length: 200 }, (_, round) => round))
  const expected = play(rules, clean, new Set())
  const twice = play(rules, { ...clean, duplicates: all, late: all }, new Set())
  expect(twice.out).toEqual(expected.out)
  expect(expected.out.length).toBeGreaterThan(5)
})

function bodyOf(engine: Engine): string {
  return Buffer.from(splitSnapshot(engine.snapshot()).body).toString('base64')
}
