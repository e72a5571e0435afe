import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BREACH, CLEAR, type PeersBank, type PeersDetector, type Verdict } from '../../../rules/detector.ts'
import { peers } from '../../../rules/detectors/peers.ts'

const STEP_MS = 300_000
const HOUR = 12
const DAY = 24 * HOUR
const START_MS = Date.UTC(2026, 0, 5)
const detector: PeersDetector = peers
const PERCENT = { atLeast: 15 }

/** Deterministic noise in [-1, 1): a linear congruential generator (Numerical Recipes). */
function noise(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

type Cohort = { machines: number; days: number; seed?: number; parameters?: object }
/** What a machine does at a step, beside its noise. */
type Behaviour = (machine: number, step: number) => number

/** Runs a cohort: every machine against all the others, as the engine does. Verdicts by machine. */
function run({ machines, days, seed = 1, parameters = PERCENT }: Cohort, behaviour: Behaviour): Verdict[][] {
  const bank = detector.create(parameters)
  const random = noise(seed)
  const verdicts = Array.from({ length: machines }, (_, machine): Verdict[] => {
    bank.slab.open(machine)
    return []
  })
  for (let step = 0; step < Math.round(days * DAY); step++) {
    const values = verdicts.map((_, machine) => behaviour(machine, step) + 3 * random())
    values.forEach((value, machine) => {
      const others = values.filter((_, other) => other !== machine)
      const median = middle(others)
      const spread = 1.4826 * middle(others.map((other) => Math.abs(other - median)))
      const beside = { median, spread, count: others.length }
      verdicts[machine]!.push(bank.step(machine, START_MS + step * STEP_MS, value, beside))
    })
  }
  return verdicts
}

const RHYTHM: Behaviour = (_machine, step) => 38 + 15 * Math.sin((2 * Math.PI * step) / DAY)

function firing(verdicts: readonly Verdict[][]): number[] {
  return verdicts.flatMap((own, machine) => (own.includes(BREACH) ? [machine] : []))
}

describe('fires', () => {
  it('about the one machine that goes away from the others, whichever it is and wherever it goes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 9, max: 40 }),
        fc.nat(),
        fc.integer({ min: 30, max: 60 }),
        fc.boolean(),
        (machines, pick, by, down) => {
          const odd = pick % machines
          const verdicts = run({ machines, days: 2, seed: pick }, (machine, step) => {
            const away = machine === odd && step >= 1.5 * DAY ? (down ? -by : by) : 0
            return RHYTHM(machine, step) + away
          })
          expect(firing(verdicts)).toEqual([odd])
          expect(verdicts[odd]!.slice(0, 1.5 * DAY)).not.toContain(BREACH)
          expect(verdicts[odd]!.at(-1)).toBe(BREACH)
        },
      ),
      { numRuns: 15 },
    )
  })

  it('and resolves when it is back among them', () => {
    const verdicts = run({ machines: 12, days: 3 }, (machine, step) =>
      machine === 4 && step >= 1.5 * DAY && step < 2 * DAY ? 95 : RHYTHM(machine, step),
    )
    expect(verdicts[4]!.slice(1.5 * DAY, 2 * DAY)).toContain(BREACH)
    expect(verdicts[4]!.slice(2 * DAY + 3 * HOUR)).not.toContain(BREACH)
    expect(verdicts[4]!.at(-1)).toBe(CLEAR)
  })

  it('about one that stays behind when the others move, once they stand', () => {
    const verdicts = run({ machines: 12, days: 3 }, (machine, step) =>
      machine !== 7 && step >= 1.5 * DAY ? 80 : 30,
    )
    expect(firing(verdicts)).toEqual([7])
  })

  it('only in the direction that is asked for', () => {
    const odd: Behaviour = (machine, step) => (machine === 2 && step >= 1.5 * DAY ? 0 : 60)
    const one = (direction: string): number[] =>
      firing(run({ machines: 10, days: 2, parameters: { ...PERCENT, direction } }, odd))
    expect(one('up')).toEqual([])
    expect(one('down')).toEqual([2])
    expect(one('both')).toEqual([2])
  })
})

describe('is silent', () => {
  it('when the whole cohort shifts, at once or within a quarter of an hour', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 9, max: 40 }),
        fc.integer({ min: -35, max: 60 }),
        fc.nat(),
        (machines, by, seed) => {
          const verdicts = run({ machines, days: 2, seed }, (machine, step) => {
            const shifts = step >= 1.5 * DAY + (machine % 3)
            return RHYTHM(machine, step) + (shifts ? by : 0)
          })
          expect(firing(verdicts)).toEqual([])
        },
      ),
      { numRuns: 15 },
    )
  })

  it('about two natural groups, however uneven', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 30 }),
        fc.integer({ min: 1, max: 15 }),
        fc.nat(),
        (machines, second, seed) => {
          const verdicts = run({ machines, days: 3, seed }, (machine, step) =>
            machine < Math.min(second, machines - 1) ? 90 : RHYTHM(machine, step) / 2,
          )
          expect(firing(verdicts)).toEqual([])
        },
      ),
      { numRuns: 15 },
    )
  })

  it('about a burst that is short beside `over`, and a difference under `atLeast`', () => {
    const burst: Behaviour = (machine, step) =>
      machine === 3 && step >= 1.5 * DAY && step < 1.5 * DAY + 1 ? 95 : 40
    expect(firing(run({ machines: 12, days: 2 }, burst))).toEqual([])
    const small: Behaviour = (machine, step) => (machine === 3 && step >= 1.5 * DAY ? 50 : 40)
    expect(firing(run({ machines: 12, days: 2 }, small))).toEqual([])
  })

  it('within a cohort that spreads wide by itself', () => {
    const wide: Behaviour = (machine, step) =>
      ((machine * 37 + step * 13) % 97) + (machine === 5 && step > 500 ? 30 : 0)
    expect(firing(run({ machines: 20, days: 2.5 }, wide))).toEqual([])
  })

  it('beside fewer than `minPeers`, and until it was seen beside them for long enough', () => {
    const odd: Behaviour = (machine, step) => (machine === 0 && step >= 1.5 * DAY ? 95 : 40)
    expect(firing(run({ machines: 8, days: 2 }, odd))).toEqual([])
    expect(firing(run({ machines: 9, days: 2 }, odd))).toEqual([0])
    const early: Behaviour = (machine, step) => (machine === 0 && step >= 0.5 * DAY ? 95 : 40)
    expect(run({ machines: 9, days: 0.99 }, early)[0]).not.toContain(BREACH)
  })
})

describe('one slot', () => {
  const beside = { median: 38, spread: 6, count: 31 }
  const feed = (bank: PeersBank, value: number, from: number, steps: number, count = 31): Verdict[] =>
    Array.from({ length: steps }, (_, index) =>
      bank.step(0, START_MS + (from + index) * STEP_MS, value, { ...beside, count }),
    )
  const fresh = (): PeersBank => {
    const bank = detector.create({ ...PERCENT, deviations: 5 })
    bank.slab.open(0)
    return bank
  }

  it('says from whom it differs and what was ruled out', () => {
    const bank = fresh()
    feed(bank, 40, 0, 1.1 * DAY)
    expect(bank.score!(0)).toBe(0)
    expect(feed(bank, 92, Math.round(1.1 * DAY), 2 * HOUR).at(-1)).toBe(BREACH)
    const finding = bank.explain(0, { timeMs: START_MS, value: 92, unit: 'percent' })
    expect(finding.says).toBe('differs from the 31 others: 92 % against 38 % ± 6')
    expect(finding.threshold).toBe(68)
    expect(finding.ruledOut).toHaveLength(2)
    expect(bank.score!(0)).toBeGreaterThan(0.5)
  })

  it('says what is missing while it learns', () => {
    const bank = fresh()
    feed(bank, 40, 0, 10, 5)
    expect(bank.learning!(0)).toBe('5 of 8 peers')
    feed(bank, 40, 10, 6 * HOUR)
    expect(bank.learning!(0)).toMatch(/^[56] h.* of 24 h beside its peers$/)
    feed(bank, 40, 10 + 6 * HOUR, DAY)
    expect(bank.learning!(0)).toBeNull()
  })

  it('keeps a firing alert when some peers go silent, and lets it go when half of the least are gone', () => {
    const bank = fresh()
    feed(bank, 40, 0, 1.1 * DAY)
    const at = Math.round(1.1 * DAY)
    expect(feed(bank, 92, at, 2 * HOUR).at(-1)).toBe(BREACH)
    expect(feed(bank, 92, at + 2 * HOUR, 3, 6)).not.toContain(CLEAR)
    expect(feed(bank, 92, at + 2 * HOUR + 3, 3, 3)).toEqual([CLEAR, CLEAR, CLEAR])
  })

  it('goes on from a snapshot as if nothing had been', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 400, maxLength: 500 }),
        fc.nat({ max: 399 }),
        (values, cut) => {
          const held = values.map((value, index) => (index > 350 ? 95 : value / 5))
          const steps = (bank: PeersBank, from: number, to: number): Verdict[] =>
            held
              .slice(from, to)
              .map((value, index) => bank.step(0, START_MS + (from + index) * STEP_MS, value, beside))
          const whole = fresh()
          const expected = steps(whole, 0, held.length)
          const before = fresh()
          steps(before, 0, cut)
          const after = fresh()
          after.slab.load(
            1,
            before.slab.dump(1).map((part) => part.slice()),
          )
          expect(steps(after, cut, held.length)).toEqual(expected.slice(cut))
        },
      ),
      { numRuns: 20 },
    )
  })
})

it('refuses a history that is no longer than the mean', () => {
  expect(detector.check({ ...PERCENT, over: '1h', after: '2h' })).toHaveLength(1)
  expect(detector.check(PERCENT)).toEqual([])
})
