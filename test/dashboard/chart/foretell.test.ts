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
    expect(drawn.earliest).toEqual([null, 80, 100, 100, 100])
    expect(drawn.latest).toEqual([null, 80, 85, 90, 100])
  })

  it('leaves the late edge level where the bound may never be reached', () => {
    const drawn = foretell({ ...evidence, forecast: { ...evidence.forecast!, latestMs: null } })
    expect(drawn.latest).toEqual([null, 80, 80, 80])
  })

  it('draws only what was measured, and the bound, without a forecast', () => {
    const drawn = foretell({ ...evidence, forecast: null, threshold: 75 })
    expect(drawn.timesMs).toEqual([0, 10 * MINUTE])
    expect(drawn.bound).toEqual([75, 75])
    expect([...drawn.forecast, ...drawn.earliest, ...drawn.latest]).toEqual(Array(6).fill(null))
  })

  it('shows no bound for what is only yes or no', () => {
    expect(boundOf({ ...evidence, forecast: null, threshold: 1, unit: 'bool' })).toBeNull()
  })
})
