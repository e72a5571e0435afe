import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bank, BREACH, CLEAR, STAY, type Verdict } from '../../../rules/detector.ts'
import { leak } from '../../../rules/detectors/leak.ts'
import { normal, randomOf } from '../../sim/memory/random.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const STEP = 5 * MINUTE
const START = Date.UTC(2026, 0, 5)
const HOURLY = 12

function fresh(parameters: object = { bound: 100 }): Bank {
  const bank = leak.create(parameters)
  bank.slab.open(0)
  return bank
}

function feed(bank: Bank, values: readonly number[], startMs = START): Verdict[] {
  return values.map((value, index) => bank.step(0, startMs + index * STEP, value))
}

/** Hours of an office machine: a day's rhythm of 12 points, noise of 1.5, and what is laid over it. */
function machine(hours: number, seed: number, over: (hour: number) => number = () => 0): number[] {
  const random = randomOf(seed)
  return Array.from({ length: hours * HOURLY }, (_, index) => {
    const hour = index / HOURLY
    return 45 + 6 * Math.sin((2 * Math.PI * hour) / 24) + 1.5 * normal(random) + over(hour)
  })
}

const leaking =
  (start: number, fillHours: number) =>
  (hour: number): number =>
    hour < start ? 0 : (60 * (hour - start)) / fillHours

/** Hours from the first warning to the first value at 100; negative without a warning in time. */
function leadHours(values: readonly number[]): number {
  const full = values.findIndex((value) => value >= 100)
  const warned = feed(fresh(), values.slice(0, full)).indexOf(BREACH)
  return warned < 0 ? -1 : (full - warned) / HOURLY
}

describe('warns hours before memory is used up', () => {
  it.each([5, 10, 24, 60, 120])('of a leak that takes %i hours', (fillHours) => {
    for (const seed of [1, 2, 3])
      expect(leadHours(machine(60 + 2 * fillHours, seed, leaking(60, fillHours)))).toBeGreaterThan(2)
  })

  it('of a leak in a machine that was just set up, and of one that only grows by day', () => {
    expect(leadHours(machine(80, 4, leaking(2, 40)))).toBeGreaterThan(2)
    const daily = (hour: number): number =>
      hour < 72 ? 0 : 12 * (Math.floor((hour - 72) / 24) + Math.min(1, ((hour - 72) % 24) / 10))
    expect(leadHours(machine(260, 5, daily))).toBeGreaterThan(2)
  })

  it('downwards too', () => {
    const values = machine(140, 6, leaking(60, 30)).map((value) => 100 - value)
    expect(feed(fresh({ bound: 0, direction: 'down' }), values)).toContain(BREACH)
  })
})

describe('is silent', () => {
  it('about rhythm and noise, whatever their size', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 2, noNaN: true }), (seed, size) => {
        const values = machine(24 * 12, seed).map((value) => 55 + size * (value - 45))
        expect(feed(fresh(), values)).not.toContain(BREACH)
      }),
      { numRuns: 25 },
    )
  })

  it.each([
    ['a program that was started', (hour: number) => (hour > 70 ? 30 : 0)],
    ['a cache that warms up', (hour: number) => (hour > 70 ? 16 * (1 - Math.exp((70 - hour) / 5)) : 0)],
    ['a job each night', (hour: number) => (hour % 24 < 3 ? 8 * (hour % 24) : 0)],
    ['a dip and the way back', (hour: number) => (hour > 70 && hour < 82 ? -25 + 2 * (hour - 70) : 0)],
    ['a slow leak that is far from the bound', (hour: number) => 0.02 * hour],
  ])('about %s', (_name, over) => {
    for (const seed of [1, 2, 3]) expect(feed(fresh(), machine(200, seed, over))).not.toContain(BREACH)
  })

  it('about a level that stands at the bound', () => {
    expect(feed(fresh(), Array<number>(1000).fill(99.9))).not.toContain(BREACH)
    expect(feed(fresh(), Array<number>(1000).fill(100))).not.toContain(BREACH)
  })
})

describe('ends', () => {
  const rising = machine(84, 7, leaking(60, 30))

  it('when the program is restarted, and warns anew of the next leak', () => {
    const bank = fresh()
    expect(feed(bank, rising).at(-1)).not.toBe(CLEAR)
    const after = feed(bank, machine(100, 8, leaking(4, 25)).slice(0, 24 * HOURLY), START + 84 * HOUR)
    expect(after.slice(0, HOURLY)).toContain(CLEAR)
    expect(after).toContain(BREACH)
  })

  it('for good with the restart, though the means of hours still hold the leak', () => {
    for (const fillHours of [15, 23, 27, 35.5]) {
      const before = machine(100 + fillHours, 12, leaking(100, fillHours))
      const bank = fresh()
      expect(feed(bank, before)).toContain(BREACH)
      // The restart falls into the middle of a block of four hours; its first sample only ends the block before.
      const after = feed(bank, machine(48, 13), START + before.length * STEP).slice(1)
      expect(after).not.toContain(BREACH)
      expect(after.slice(0, HOURLY)).toContain(CLEAR)
    }
  })

  it('not for a dip that leaves most of it, however short the window that saw it last', () => {
    for (const fillHours of [15, 20, 30]) {
      const dip = 60 + 0.7 * fillHours
      const values = machine(60 + fillHours, 15, leaking(60, fillHours)).map((value, index) =>
        index / HOURLY >= dip && index / HOURLY < dip + 0.5 ? value - 10 : value,
      )
      const verdicts = feed(fresh(), values)
      expect(verdicts.indexOf(BREACH)).toBeLessThan(dip * HOURLY)
      expect(verdicts.slice(verdicts.indexOf(BREACH))).not.toContain(CLEAR)
    }
  })

  it('is told of a small rise too, where it leads out of the range of a calm machine', () => {
    const calm = (hours: number): number[] => machine(hours, 14).map((value) => 82 + 0.08 * (value - 45))
    const values = calm(60).concat(calm(30).map((value, index) => value + (15 * index) / (30 * HOURLY)))
    expect(feed(fresh(), calm(120))).not.toContain(BREACH)
    expect(feed(fresh(), values)).toContain(BREACH)
  })

  it('when it stops to grow, after half a day', () => {
    const bank = fresh()
    feed(bank, rising)
    const still = feed(bank, Array<number>(72 * HOURLY).fill(rising.at(-1) ?? 0), START + 84 * HOUR)
    expect(still[0]).not.toBe(CLEAR)
    expect(still.at(-1)).toBe(CLEAR)
    expect(bank.explain(0, { timeMs: START + 156 * HOUR, value: 80, unit: 'percent' }).forecast).toBeNull()
  })
})

describe('explains', () => {
  it('with a forecast whose interval holds the truth, and what was ruled out', () => {
    const values = machine(140, 9, leaking(60, 40))
    const full = values.findIndex((value) => value >= 100)
    const bank = fresh()
    const at = feed(bank, values).indexOf(BREACH)
    const again = fresh()
    feed(again, values.slice(0, at + 1))
    const nowMs = START + at * STEP
    const { says, forecast, ruledOut } = again.explain(0, {
      timeMs: nowMs,
      value: values[at]!,
      unit: 'percent',
    })
    expect(says).toMatch(/^is [\d.]+ %, has grown by [\d.]+ % in .* reaches 100 % in .* \(80 % interval /)
    const truthMs = START + full * STEP
    expect(Math.abs(forecast!.atMs - truthMs)).toBeLessThan(0.75 * (truthMs - nowMs))
    expect(forecast!.earliestMs).toBeLessThan(forecast!.atMs)
    expect(forecast!.curve).toHaveLength(13)
    expect(forecast!.curve![12]![1]).toBeCloseTo(100)
    expect(forecast!.basis).toMatch(/of history/)
    expect(ruledOut!.map(({ explanation }) => explanation)).toEqual([
      'daily rhythm or nightly job',
      'one-off step, as of a program that was started',
      'cache that warms up and levels off',
      'noise and load',
      'return to a level it had before',
    ])
  })

  it('says how much history it lacks', () => {
    const bank = fresh()
    expect(bank.learning?.(0)).toBe('no sample yet')
    feed(bank, machine(5, 1))
    expect(bank.learning?.(0)).toBe('4 h 55 min of 26 h of history')
    feed(bank, machine(30, 1), START + 5 * HOUR)
    expect(bank.learning?.(0)).toBeNull()
  })

  it('refuses a horizon beyond what it can look back on', () => {
    expect(leak.check({ bound: 100, horizon: '11d' })).toMatchObject([{ field: 'horizon' }])
    expect(leak.check({ bound: 100, horizon: '10d' })).toEqual([])
  })
})

describe('state', () => {
  const values = machine(110, 10, leaking(60, 40))

  it('is at most 1.5 KB a series', () => {
    expect(fresh().slab.bytesPerSlot).toBeLessThanOrEqual(1536)
  })

  it('gives the same verdicts after a restart at any point', () => {
    const whole = feed(fresh(), values)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: values.length - 1 }), (cut) => {
        const before = fresh()
        feed(before, values.slice(0, cut))
        const parts = before.slab.dump(1).map((part) => part.slice())
        const after = leak.create({ bound: 100 })
        after.slab.load(1, parts)
        expect(feed(after, values.slice(cut), START + cut * STEP)).toEqual(whole.slice(cut))
      }),
      { numRuns: 12 },
    )
  })

  it('bears gaps: neither an error nor an alert on a healthy machine, and a leak is still seen', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(
          fc.record({ hour: fc.integer({ min: 1, max: 280 }), hours: fc.integer({ min: 1, max: 60 }) }),
          {
            maxLength: 6,
          },
        ),
        (seed, gaps) => {
          const bank = fresh()
          machine(290, seed).forEach((value, index) => {
            const hour = index / HOURLY
            if (gaps.some((gap) => hour >= gap.hour && hour < gap.hour + gap.hours)) return
            expect([CLEAR, STAY]).toContain(bank.step(0, START + index * STEP, value))
          })
        },
      ),
      { numRuns: 15 },
    )
    const bank = fresh()
    const seen = values.map((value, index) =>
      (index / HOURLY) % 10 < 2 ? CLEAR : bank.step(0, START + index * STEP, value),
    )
    expect(seen).toContain(BREACH)
  })

  it('keeps the slots apart', () => {
    const bank = fresh()
    bank.slab.open(1)
    const calm = machine(110, 11)
    const verdicts = values.map((value, index) => {
      const timeMs = START + index * STEP
      expect(bank.step(1, timeMs, calm[index]!)).toBe(CLEAR)
      return bank.step(0, timeMs, value)
    })
    expect(verdicts).toEqual(feed(fresh(), values))
  })
})
