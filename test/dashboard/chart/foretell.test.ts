import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../../contract/rules.ts'
import { boundOf, foretell } from '../../../dashboard/chart/foretell.ts'

const MINUTE = 60_000
const evidence: Evidence = {
  value: 80,
  unit: 'percent',
  threshold: null,
  points: [
    [0, 70],
    [10 * MINUTE, 80],
  ],
  forecast: {
    bound: 100,
    atMs: 30 * MINUTE,
    earliestMs: 20 * MINUTE,
    latestMs: 50 * MINUTE,
    slopePerHour: 60,
    samples: 30,
    spanMs: 10 * MINUTE,
    r2: 0.99,
  },
  sentence: '',
}

describe('the drawing of a forecast', () => {
  it('goes from the last point to the bound at the foretold time, with both edges', () => {
    const drawn = foretell(evidence)
    expect(drawn.timesMs).toEqual([0, 10, 20, 30, 50].map((minutes) => minutes * MINUTE))
    expect(drawn.measured).toEqual([70, 80, null, null, null])
    expect(drawn.bound).toEqual([100, 100, 100, 100, 100])
    expect(drawn.forecast).toEqual([null, 80, 90, 100, null])
    expect(drawn.high).toEqual([null, 80, 100, 100, 100])
    expect(drawn.low).toEqual([null, 80, 85, 90, 100])
  })

  it('follows the curve that the rule gave, joined to the last point', () => {
    const curve: [number, number, number, number][] = [
      [5 * MINUTE, 1, 1, 1],
      [11 * MINUTE, 82, 81, 84],
      [30 * MINUTE, 100, 95, 104],
    ]
    const drawn = foretell({ ...evidence, forecast: { ...evidence.forecast!, curve } })
    expect(drawn.timesMs).toEqual([0, 10, 11, 30].map((minutes) => minutes * MINUTE))
    expect(drawn.forecast).toEqual([null, 80, 82, 100])
    expect(drawn.low).toEqual([null, 80, 81, 95])
    expect(drawn.high).toEqual([null, 80, 84, 104])
  })

  it('goes on to the latest time where one edge has come to the bound', () => {
    const curve: [number, number, number, number][] = [
      [10 * MINUTE, 80, 80, 80],
      [30 * MINUTE, 100, 90, 100],
    ]
    const drawn = foretell({ ...evidence, forecast: { ...evidence.forecast!, curve } })
    expect(drawn.timesMs.at(-1)).toBe(50 * MINUTE)
    expect(drawn.low.at(-1)).toBe(100)
    expect(drawn.forecast.at(-1)).toBeNull()
  })

  it('keeps the higher edge above where a value falls towards its bound', () => {
    const falling = { ...evidence.forecast!, bound: 0, slopePerHour: -60 }
    const { low, high } = foretell({ ...evidence, forecast: falling })
    expect(low.every((value, index) => value === null || value <= high[index]!)).toBe(true)
  })

  it('leaves the late edge level where the bound may never be reached', () => {
    const drawn = foretell({ ...evidence, forecast: { ...evidence.forecast!, latestMs: null } })
    expect(drawn.low).toEqual([null, 80, 80, 80])
  })

  it('draws only what was measured, and the bound, without a forecast', () => {
    const drawn = foretell({ ...evidence, forecast: null, threshold: 75 })
    expect(drawn.timesMs).toEqual([0, 10 * MINUTE])
    expect(drawn.bound).toEqual([75, 75])
    expect([...drawn.forecast, ...drawn.low, ...drawn.high]).toEqual(Array(6).fill(null))
  })

  it('shows no bound for what is only yes or no', () => {
    expect(boundOf({ ...evidence, forecast: null, threshold: 1, unit: 'bool' })).toBeNull()
  })
})
