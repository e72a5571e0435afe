import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bank, BREACH, CLEAR, type Verdict } from '../../../rules/detector.ts'
import { trend } from '../../../rules/detectors/trend.ts'

const IMMINENT = { bound: 100, horizon: '1h', window: '1h', from: 50 }
const SOON = { bound: 100, horizon: '8h', window: '12h', minSamples: 120 }

function feed(bank: Bank, values: readonly number[], stepMs: number, startMs = 1_000_000): Verdict[] {
  return values.map((value, index) => bank.step(0, startMs + index * stepMs, value))
}

function fresh(parameters: object): Bank {
  const bank = trend.create(parameters)
  bank.slab.open(0)
  return bank
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

describe('fires on a ramp', () => {
  it.each([1_000, 5_000, 30_000, 60_000])(
    'sampled each %i ms, whatever its steepness within reach',
    (stepMs) => {
      fc.assert(
        fc.property(fc.double({ min: 0.1, max: 1, noNaN: true }), fc.integer(), (share, seed) => {
          // Reaches the bound within 120 samples and within 50 minutes.
          const count = Math.min(120, Math.floor(3_000_000 / stepMs))
          const slope = (40 / count) * (1 + share)
          const random = noise(seed)
          const values = ramp(60, slope, count)
            .map((value) => value + 0.05 * random())
            .filter((value) => value < 100)
          fc.pre(values.length >= 40)
          expect(feed(fresh(IMMINENT), values, stepMs)).toContain(BREACH)
        }),
        { numRuns: 50 },
      )
    },
  )

  it('with a forecast whose interval holds the truth', () => {
    const bank = fresh(SOON)
    const random = noise(7)
    const values = ramp(70, 0.05, 300).map((value) => value + 0.2 * random())
    expect(feed(bank, values, 60_000).at(-1)).toBe(BREACH)
    const nowMs = 1_000_000 + 299 * 60_000
    const { forecast, says } = bank.explain(0, { timeMs: nowMs, value: values.at(-1)!, unit: 'percent' })
    const truthMs = 1_000_000 + 600 * 60_000
    expect(forecast!.atMs / truthMs).toBeCloseTo(1, 1)
    expect(forecast!.earliestMs).toBeLessThan(truthMs)
    expect(forecast!.latestMs).toBeGreaterThan(truthMs)
    expect(forecast!.slopePerHour).toBeCloseTo(3, 1)
    expect(says).toMatch(/rises by (2\.9|3|3\.0)\S* % an hour and reaches 100 % in \d/)
  })

  it('also downwards', () => {
    const bank = fresh({ bound: 0, direction: 'down', horizon: '1h', window: '1h' })
    expect(feed(bank, ramp(40, -0.4, 90), 30_000)).toContain(BREACH)
  })

  it('on a fill that begins after hours of stillness', () => {
    const values = [...ramp(55, 0, 600), ...ramp(55, 0.5, 80)]
    const verdicts = feed(fresh(IMMINENT), values, 30_000)
    expect(verdicts.slice(0, 600)).not.toContain(BREACH)
    expect(verdicts.slice(600)).toContain(BREACH)
  })
})

describe('never fires', () => {
  it('with fewer than 30 samples', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 29 }),
        fc.integer({ min: 1_000, max: 600_000 }),
        (values, stepMs) => {
          expect(feed(fresh(IMMINENT), values, stepMs)).not.toContain(BREACH)
          expect(
            feed(
              fresh(IMMINENT),
              values.toSorted((a, b) => a - b),
              stepMs,
            ),
          ).not.toContain(BREACH)
        },
      ),
    )
  })

  it.each([
    ['1 s', 1_000],
    ['30 s', 30_000],
  ])('on noise around a level, sampled each %s', (_name, stepMs) => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 3, noNaN: true }), (seed, size) => {
        const random = noise(seed)
        const values = Array.from({ length: 1000 }, () => 95 + size * random())
        expect(feed(fresh(IMMINENT), values, stepMs)).not.toContain(BREACH)
      }),
      { numRuns: 100 },
    )
  })

  it('on a flat series, however near the bound, nor on one that stands past it', () => {
    for (const level of [51, 99.99, 100, 120])
      expect(feed(fresh(IMMINENT), ramp(level, 0, 500), 30_000)).not.toContain(BREACH)
  })

  it('on a single step or a staircase of two', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0.5, max: 20, noNaN: true }),
        (first, second, height) => {
          const values = [
            ...ramp(55, 0, first),
            ...ramp(55 + height, 0, second),
            ...ramp(55 + 2 * height, 0, 400),
          ]
          expect(feed(fresh(SOON), values, 60_000)).not.toContain(BREACH)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('on a sawtooth that turns well below the bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 60 }), fc.integer(), (period, seed) => {
        const random = noise(seed)
        const values = Array.from(
          { length: 1500 },
          (_, index) => 55 + 12 * ((index % period) / period) + 0.3 * random(),
        )
        // At its top the bound is 33 % away: within half an hour only where a tooth lasts under 11 samples.
        expect(feed(fresh({ ...IMMINENT, horizon: '30m' }), values, 60_000)).not.toContain(BREACH)
      }),
      { numRuns: 60 },
    )
  })

  it('before `from`, and when the span is under a quarter of what it foretells', () => {
    expect(feed(fresh({ ...IMMINENT, from: 90 }), ramp(50, 0.5, 75), 30_000)).not.toContain(BREACH)
    // 40 samples over 40 s see at most 160 s ahead; the bound is 400 s away.
    expect(feed(fresh(IMMINENT), ramp(56, 0.1, 40), 1_000)).not.toContain(BREACH)
  })
})

describe('recovers', () => {
  it('with the first sample after space was freed, at 1 s as at 30 s', () => {
    for (const stepMs of [1_000, 30_000]) {
      const verdicts = feed(fresh(IMMINENT), [...ramp(20, 1.4, 50), 10, 10.1, 10.2], stepMs)
      expect(verdicts[49]).toBe(BREACH)
      expect(verdicts.slice(50)).toEqual([CLEAR, CLEAR, CLEAR])
    }
  })

  it('only after a quarter of the window when the rise merely stops, and never by noise in between', () => {
    const verdicts = feed(fresh(IMMINENT), [...ramp(20, 1, 75), ...ramp(94, 0, 200)], 30_000)
    const still = verdicts.slice(75)
    expect(still.slice(0, 30)).not.toContain(CLEAR)
    expect(still.at(-1)).toBe(CLEAR)
  })

  it('not while a disk that it foretold to be full is full', () => {
    const verdicts = feed(fresh(IMMINENT), [...ramp(25, 1, 75), ...ramp(100, 0, 1000)], 30_000)
    expect(new Set(verdicts.slice(75))).toEqual(new Set([BREACH]))
  })
})

it('holds a constant number of bytes a series', () => {
  const bank = fresh(IMMINENT)
  const before = bank.slab.bytes()
  feed(bank, ramp(0, 0.001, 20_000), 1_000)
  expect(bank.slab.bytes()).toBe(before)
  expect(bank.slab.bytesPerSlot).toBeLessThan(160)
})

it('refuses a horizon that it cannot see and a from past the bound', () => {
  expect(
    trend.check({ bound: 100, horizon: '5h', window: '1h', from: 100 }).map(({ field }) => field),
  ).toEqual(['from', 'horizon'])
})
