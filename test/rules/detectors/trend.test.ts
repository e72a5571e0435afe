import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bank, BREACH, CLEAR, type SlotDetector, type Verdict } from '../../../rules/detector.ts'
import { trend as anyTrend } from '../../../rules/detectors/trend.ts'
import { CALM } from '../../sim/disk/calm.ts'
import { FILLING } from '../../sim/disk/filling.ts'
import { type SimulatedDisk, simulateDisk } from '../../sim/disk/simulate.ts'

const trend: SlotDetector = anyTrend
const IMMINENT = { bound: 99.5, horizon: '1h', window: '6h', from: 40 }
const SOON = { bound: 99.5, horizon: '72h', window: '28d', from: 40 }
const START_MS = Date.UTC(2026, 0, 5)
const MINUTE_MS = 60_000

function fresh(parameters: object): Bank {
  const bank = trend.create(parameters)
  bank.slab.open(0)
  return bank
}

function feed(bank: Bank, values: readonly number[], stepMs: number): Verdict[] {
  return values.map((value, index) => bank.step(0, START_MS + index * stepMs, value))
}

function watch(bank: Bank, { minutes, values }: SimulatedDisk, from = 0, to = minutes.length): Verdict[] {
  const verdicts: Verdict[] = []
  for (let index = from; index < to; index++)
    verdicts.push(bank.step(0, START_MS + minutes[index]! * MINUTE_MS, values[index]!))
  return verdicts
}

function ramp(from: number, slope: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + slope * index)
}

/** Deterministic uniform noise in [-1, 1): a linear congruential generator (Numerical Recipes). */
function noise(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

describe('foretells', () => {
  it.each(Object.keys(FILLING))('%s, before it is full', (kind) => {
    for (const seed of [101, 202]) {
      const disk = simulateDisk(kind, kind, seed)
      const days = watch(fresh(SOON), disk).indexOf(BREACH)
      const minutes = watch(fresh(IMMINENT), disk).indexOf(BREACH)
      const first = Math.min(...[days, minutes].filter((index) => index >= 0))
      expect(first, `${kind} ${seed}`).toBeLessThan(disk.values.length - 1)
    }
  })

  it('a leak of weeks three days ahead, with an interval that holds the truth', () => {
    const random = noise(7)
    const bank = fresh(SOON)
    // 1.2 % a day from 60 %: full after 32.9 days.
    const values = ramp(60, 1.2 / 288, 288 * 32).map((value) => value + 0.1 * random())
    const verdicts = feed(bank, values, 300_000)
    const first = verdicts.indexOf(BREACH) / 288
    expect(first).toBeGreaterThan(28)
    expect(first).toBeLessThan(31)
    const now = 288 * 32 - 1
    const moment = { timeMs: START_MS + now * 300_000, value: values[now]!, unit: 'percent' }
    const { forecast, says, ruledOut } = bank.explain(0, moment)
    const truthMs = START_MS + (39.5 / 1.2) * 86_400_000
    expect((forecast!.atMs - moment.timeMs) / (truthMs - moment.timeMs)).toBeCloseTo(1, 0)
    expect(forecast!.slopePerHour).toBeCloseTo(0.05, 2)
    expect(forecast!.earliestMs).toBeLessThan(forecast!.atMs)
    expect(forecast!.latestMs).toBeGreaterThan(forecast!.atMs)
    expect(forecast!.basis).toMatch(/highest value of each of the last \d+ days/)
    expect(forecast!.curve!.at(-1)![1]).toBeCloseTo(99.5, 3)
    for (const [, value, low, high] of forecast!.curve!) {
      expect(low).toBeLessThanOrEqual(value + 1e-9)
      expect(high).toBeGreaterThanOrEqual(value - 1e-9)
    }
    expect(ruledOut!.length).toBe(3)
    expect(says).toMatch(/rises by 0\.0\d+ % an hour and reaches 99\.5 % in/)
  })

  it('a weekly job that came twice and fills the disk when it comes again, a day ahead and to the hours', () => {
    // 7 % each Saturday from 02:00 to 05:00: the third one, on day 19, passes 99.5 %.
    const days = (index: number): number => index / 288
    const job = (day: number, at: number): number => 7 * Math.min(1, Math.max(0, (day - at - 2 / 24) * 8))
    const values = Array.from({ length: 288 * 19 }, (_, index) => {
      const day = days(index)
      return 79.2 + job(day, 5) + job(day, 12)
    })
    const bank = fresh(SOON)
    const first = days(feed(bank, values, 300_000).indexOf(BREACH))
    expect(first).toBeGreaterThan(16)
    expect(first).toBeLessThan(18)
    const now = values.length - 1
    const moment = { timeMs: START_MS + now * 300_000, value: values[now]!, unit: 'percent' }
    const hours = (bank.explain(0, moment).forecast!.atMs - moment.timeMs) / 3_600_000
    expect(hours).toBeGreaterThan(2)
    expect(hours).toBeLessThan(10)
  })

  it.each([1_000, 5_000, 30_000])('a fill within the hour, sampled each %i ms, minutes ahead', (stepMs) => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 1, noNaN: true }), fc.integer(), (share, seed) => {
        const count = Math.min(120, Math.floor(3_000_000 / stepMs))
        const random = noise(seed)
        const values = [...ramp(60, 0, 5), ...ramp(60, (40 / count) * (1 + share), count)]
          .map((value) => value + 0.05 * random())
          .filter((value) => value < 99.5)
        expect(feed(fresh(IMMINENT), values, stepMs)).toContain(BREACH)
      }),
      { numRuns: 30 },
    )
  })

  it('also downwards, the same as upwards', () => {
    const values = [...ramp(60, 0, 3000), ...ramp(60, 0.4, 95)]
    const up = feed(fresh(SOON), values, 300_000)
    const down = feed(
      fresh({ bound: 0.5, direction: 'down', horizon: '72h', window: '28d', from: 60 }),
      values.map((value) => 100 - value),
      300_000,
    )
    expect(up).toContain(BREACH)
    expect(down.indexOf(BREACH)).toBeGreaterThan(3000)
  })

  it('what grows beyond where the rises before it ended', () => {
    const tooth = Array.from({ length: 288 * 14 }, (_, index) => 40 + (30 * (index % 144)) / 144)
    const verdicts = feed(fresh(SOON), [...tooth, ...ramp(40, 30 / 144, 285)], 300_000)
    expect(verdicts.slice(0, tooth.length)).not.toContain(BREACH)
    const first = verdicts.indexOf(BREACH)
    expect(first).toBeGreaterThan(tooth.length + 144)
    expect(first).toBeLessThan(tooth.length + 200)
  })
})

describe('is silent about', () => {
  it.each(Object.keys(CALM))('%s', (kind) => {
    for (const seed of [303, 404]) {
      const disk = simulateDisk(kind, kind, seed)
      expect(watch(fresh(SOON), disk), `${kind} ${seed}`).not.toContain(BREACH)
      expect(watch(fresh(IMMINENT), disk), `${kind} ${seed}`).not.toContain(BREACH)
    }
  })

  it('anything with fewer than 30 samples', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 29 }),
        fc.integer({ min: 1_000, max: 600_000 }),
        (values, stepMs) => {
          expect(feed(fresh(IMMINENT), values, stepMs)).not.toContain(BREACH)
          expect(feed(fresh(SOON), values, stepMs)).not.toContain(BREACH)
        },
      ),
    )
  })

  it('a level, however near the bound, and one that stands past it', () => {
    for (const level of [51, 98.9, 99.49, 100, 120])
      expect(feed(fresh(SOON), ramp(level, 0, 3000), 300_000)).not.toContain(BREACH)
  })

  it('two steps on different weekdays, and what is left holds one more: nothing says that it comes', () => {
    const values = Array.from({ length: 288 * 28 }, (_, index) => {
      const day = index / 288
      return 79.2 + (day < 5.1 ? 0 : 7) + (day < 10.6 ? 0 : 7)
    })
    expect(feed(fresh(SOON), values, 300_000)).not.toContain(BREACH)
  })

  it('noise around a level', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 2, noNaN: true }), (seed, size) => {
        const random = noise(seed)
        const values = Array.from({ length: 2000 }, () => 94 + size * random())
        expect(feed(fresh(SOON), values, 300_000)).not.toContain(BREACH)
      }),
      { numRuns: 30 },
    )
  })
})

describe('recovers', () => {
  it('with the first sample after space was freed', () => {
    for (const stepMs of [1_000, 30_000]) {
      const verdicts = feed(fresh(IMMINENT), [...ramp(40, 0, 5), ...ramp(40, 1, 57), 20, 20.1, 20.2], stepMs)
      expect(verdicts[61]).toBe(BREACH)
      expect(verdicts.slice(62)).toEqual([CLEAR, CLEAR, CLEAR])
    }
  })

  it('when the rise merely stops, and not by noise in between', () => {
    const verdicts = feed(
      fresh(IMMINENT),
      [...ramp(40, 0, 5), ...ramp(40, 1, 57), ...ramp(96, 0, 200)],
      30_000,
    )
    expect(verdicts.slice(62, 80)).not.toContain(CLEAR)
    expect(verdicts.at(-1)).toBe(CLEAR)
  })

  it('not while a disk that it foretold to be full is full', () => {
    const verdicts = feed(fresh(IMMINENT), [...ramp(40, 1, 59), ...ramp(100, 0, 500)], 30_000)
    expect(new Set(verdicts.slice(59))).toEqual(new Set([BREACH]))
  })
})

it('judges the same after a restart at any point, out of a snapshot', () => {
  const kinds = [...Object.keys(FILLING), ...Object.keys(CALM)]
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.integer({ min: 1, max: 999 }),
      fc.double({ min: 0.05, max: 0.99, noNaN: true }),
      (kind, seed, share) => {
        const disk = simulateDisk(kind, kind, seed)
        const cut = Math.floor(share * disk.values.length)
        const before = fresh(SOON)
        watch(before, disk, 0, cut)
        const after = fresh(SOON)
        const parts = before.slab.dump(1).map((part) => Uint8Array.from(part))
        after.slab.load(1, parts)
        expect(watch(after, disk, cut)).toEqual(watch(before, disk, cut))
      },
    ),
    { numRuns: 12 },
  )
}, 30_000)

it('goes on after a gap of hours, days and weeks', () => {
  for (const gapDays of [0.5, 3, 40]) {
    const bank = fresh(SOON)
    feed(bank, ramp(60, 0.5 / 288, 288 * 15), 300_000)
    const laterMs = START_MS + (15 + gapDays) * 86_400_000
    const verdicts = ramp(68, 0, 600).map((value, index) => bank.step(0, laterMs + index * 300_000, value))
    expect(verdicts, `${gapDays} days`).not.toContain(BREACH)
  }
})

it('holds a constant number of bytes a series, at most 1.5 KB', () => {
  const bank = fresh(SOON)
  const before = bank.slab.bytes()
  feed(bank, ramp(0, 0.001, 20_000), 60_000)
  expect(bank.slab.bytes()).toBe(before)
  expect(bank.slab.bytesPerSlot).toBeLessThanOrEqual(1536)
  expect(fresh(IMMINENT).slab.bytesPerSlot).toBeLessThan(800)
})

it('says what it still has to learn', () => {
  const bank = fresh(SOON)
  feed(bank, ramp(50, 0, 10), 300_000)
  expect(bank.learning!(0)).toBe('10 of 30 samples')
  feed(bank, ramp(50, 0, 100), 300_000)
  expect(bank.learning!(0)).toMatch(/of the first day/)
})

it('refuses a horizon that it cannot see and a from past the bound', () => {
  expect(
    trend.check({ bound: 100, horizon: '5h', window: '1h', from: 100 }).map(({ field }) => field),
  ).toEqual(['from', 'horizon'])
})
