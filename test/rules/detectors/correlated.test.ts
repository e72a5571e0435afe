import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correlated } from '../../../rules/detectors/correlated.ts'
import { BREACH, CLEAR, type VectorBank, type VectorDetector, type Verdict } from '../../../rules/detector.ts'

const STEP_MS = 300_000
const DAY = 288
const START_MS = Date.UTC(2026, 0, 5)
const SERIES = 10
const detector: VectorDetector = correlated
const METRICS = { metrics: ['load.one'] }

function fresh(parameters: object = METRICS): VectorBank {
  const bank = detector.create(parameters)
  bank.slab.open(0)
  return bank
}

/** Deterministic noise, about normal with deviation 1: the sum of four uniform numbers of a congruential generator. */
function noise(seed: number): () => number {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  }
  return () => (uniform() + uniform() + uniform() + uniform()) * Math.sqrt(3)
}

type Change = (value: number, series: number, row: number) => number

/** A machine with a daily rhythm that all series share in part, and noise of their own. */
function machine(days: number, seed: number, change: Change = (value) => value): Float64Array[] {
  const random = noise(seed)
  return Array.from({ length: Math.round(days * DAY) }, (_, row) => {
    const busy = 20 * Math.max(0, Math.sin((2 * Math.PI * row) / DAY))
    const common = random()
    return Float64Array.from({ length: SERIES }, (_value, series) =>
      change(30 + series + busy * (1 + series / SERIES) + common + 2 * random(), series, row),
    )
  })
}

function feed(bank: VectorBank, rows: readonly Float64Array[], from = 0): Verdict[] {
  return rows.map((row, index) => bank.step(0, START_MS + (from + index) * STEP_MS, row))
}

/** Rows at which a breach begins after `quiet` rows without. */
function openings(verdicts: readonly Verdict[], quiet = 24): number[] {
  let last = -Infinity
  return verdicts.flatMap((verdict, row) => {
    if (verdict === CLEAR) return []
    const opens = verdict === BREACH && row - last > quiet
    last = row
    return opens ? [row] : []
  })
}

describe('is silent', () => {
  it('about a healthy machine, whose noise is its own measure', () => {
    const opened = [1, 2, 3, 4, 5].map((seed) => openings(feed(fresh(), machine(35, seed))).length)
    // 20 machine-weeks that could open one.
    expect(opened.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(4)
  })

  it('about a backup that comes every night', () => {
    const backup: Change = (value, series, row) =>
      series < 6 && row % DAY >= 24 && row % DAY < 36 ? value + 40 : value
    const opened = openings(feed(fresh(), machine(35, 7, backup)))
    expect(opened.filter((row) => row > 14 * DAY)).toEqual([])
  })

  it('about a job that comes every week, from the second or third time on', () => {
    const weekly: Change = (value, series, row) =>
      series < 6 && Math.floor(row / DAY) % 7 === 6 && row % DAY >= 12 && row % DAY < 48 ? value + 40 : value
    const opened = openings(feed(fresh(), machine(56, 15, weekly)))
    expect(opened.filter((row) => row > 28 * DAY && row % (7 * DAY) >= 6 * DAY)).toEqual([])
  })

  it('about one series that goes wild alone', () => {
    const wild: Change = (value, series, row) => (series === 3 && row === 20 * DAY + 100 ? 1e6 : value)
    expect(feed(fresh(), machine(21, 8, wild))[20 * DAY + 100]).not.toBe(BREACH)
  })

  it('while it learns, and says how much is missing', () => {
    const bank = fresh()
    const verdicts = feed(
      bank,
      machine(6.9, 9, (value, _series, row) => (row > 5 * DAY ? value * 3 : value)),
    )
    expect(new Set(verdicts)).toEqual(new Set([CLEAR]))
    expect(bank.learning?.(0)).toMatch(/^6 d 2\d h of 7 d of history$/)
    feed(bank, machine(0.2, 9), Math.round(6.9 * DAY))
    expect(bank.learning?.(0)).toBeNull()
  })

  it('with fewer than three values at once', () => {
    const bank = fresh()
    feed(bank, machine(14, 10))
    const row = new Float64Array(SERIES).fill(NaN)
    row[0] = 1e6
    row[1] = 1e6
    expect(bank.step(0, START_MS + 14 * DAY * STEP_MS, row)).toBe(CLEAR)
  })
})

describe('fires', () => {
  it('when several series leave together what they do at this hour, and says which', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: DAY - 12 }), fc.boolean(), (seed, at, down) => {
        const from = 14 * DAY + at
        const off: Change = (value, series, row) =>
          row >= from && series < 6 ? value + (down ? -20 : 20) : value
        const rows = machine(15, seed, off)
        const bank = fresh()
        const verdicts = feed(bank, rows.slice(0, from + 1))
        expect(verdicts.at(-1)).toBe(BREACH)
        const names = Array.from({ length: SERIES }, (_, series) => `metric.${series}`)
        const finding = bank.explain(0, { timeMs: 0, value: null, unit: '' }, names)
        expect(finding.value).toBeGreaterThan(finding.threshold!)
        expect(new Set(finding.related?.slice(0, 6).map(({ series }) => series))).toEqual(
          new Set(names.slice(0, 6)),
        )
        for (const { value, expected } of finding.related?.slice(0, 6) ?? [])
          expect(Math.sign(value - expected!)).toBe(down ? -1 : 1)
        expect(finding.says).toMatch(/times as far .* metric\.[0-5] /)
      }),
      { numRuns: 10 },
    )
  })

  it('when the load of the day does not come', () => {
    const still: Change = (value, series, row) => (row >= 14 * DAY ? 30 + series + (value % 3) : value)
    const opened = openings(feed(fresh(), machine(15, 11, still)))
    expect(opened.some((row) => row >= 14 * DAY && row < 14.25 * DAY)).toBe(true)
  })

  it('about what comes at the hour of a weekly job but is far worse', () => {
    const worse: Change = (value, series, row) =>
      Math.floor(row / DAY) % 7 === 6 &&
      row % DAY >= 12 &&
      row % DAY < 48 &&
      series < (row > 40 * DAY ? 10 : 4)
        ? value + (row > 40 * DAY ? 60 : 12)
        : value
    expect(feed(fresh(), machine(42, 16, worse)).slice(41 * DAY)).toContain(BREACH)
  })

  it('once about a new level that lasts, and takes it as usual within a day', () => {
    const higher: Change = (value, _series, row) => (row >= 14 * DAY + 100 ? value + 30 : value)
    const verdicts = feed(fresh(), machine(18, 12, higher))
    expect(verdicts[14 * DAY + 100]).toBe(BREACH)
    expect(verdicts.slice(15 * DAY + 200)).not.toContain(BREACH)
  })
})

describe('holds as a property', () => {
  it('the unit of a series does not matter', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.integer({ min: -6, max: 24 }), { minLength: SERIES, maxLength: SERIES }),
        (seed, powers) => {
          const rows = machine(9, seed, (value, _series, row) => (row > 8.5 * DAY ? value * 1.4 : value))
          const scaled = rows.map((row) => row.map((value, series) => value * 2 ** powers[series]!))
          expect(feed(fresh(), scaled)).toEqual(feed(fresh(), rows))
        },
      ),
      { numRuns: 5 },
    )
  })

  it('a snapshot at any point changes nothing', () => {
    const rows = machine(10, 13, (value, series, row) => (row > 9 * DAY && series < 7 ? value + 25 : value))
    const whole = feed(fresh(), rows)
    expect(whole).toContain(BREACH)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: rows.length - 1 }), (cut) => {
        const before = fresh()
        feed(before, rows.slice(0, cut))
        const after = fresh()
        after.slab.load(
          1,
          before.slab.dump(1).map((part) => part.slice()),
        )
        expect(feed(after, rows.slice(cut), cut)).toEqual(whole.slice(cut))
      }),
      { numRuns: 10 },
    )
  })

  it('scores lie in [0, 1] and one half is where an incident opens; gaps and missing values never break it', () => {
    const bank = fresh()
    const random = noise(14)
    let timeMs = START_MS
    machine(20, 14).forEach((row, index) => {
      timeMs += random() > 2.5 ? 9 * 3_600_000 : STEP_MS
      const holed = row.map((value) => (random() > 1.5 ? NaN : index % 700 === 0 ? value * 5 : value))
      const verdict = bank.step(0, timeMs, holed)
      const score = bank.score!(0)
      expect(score >= 0 && score <= 1).toBe(true)
      if (score > 0) expect(verdict === BREACH).toBe(score > 0.5)
    })
    expect(bank.learning?.(0)).toBeNull()
  })

  it('series beyond the width are left out', () => {
    const bank = fresh()
    const wide = Float64Array.from({ length: bank.width + 9 }, (_, series) => series)
    expect(bank.step(0, START_MS, wide)).toBe(CLEAR)
    const names = Array.from(wide, String)
    expect(bank.explain(0, { timeMs: START_MS, value: null, unit: '' }, names).related).toEqual([])
  })
})

it('refuses spans that it cannot learn from', () => {
  expect(detector.check({ ...METRICS, every: '20m', after: '1d' }).map(({ field }) => field)).toEqual([
    'every',
    'after',
  ])
  expect(detector.check(METRICS)).toEqual([])
  expect(detector.everyMsOf(METRICS)).toBe(STEP_MS)
  expect(detector.metricsOf(METRICS)).toEqual(['load.one'])
})
