import { describe, expect, it } from 'vitest'
import { closeGaps, loneValues } from '../../../dashboard/chart/gaps.ts'

describe('gaps in a line', () => {
  it('are closed where one report is missing, and stay where more are', () => {
    const times = [0, 1, 31, 32, 92, 93]
    const values = [5, null, 6, null, 7, null]
    expect(closeGaps(times, values, 40)).toEqual({
      timesMs: [0, 31, 32, 92, 93],
      values: [5, 6, null, 7, null],
    })
    expect(closeGaps(times, values, 70)).toEqual({ timesMs: [0, 31, 92, 93], values: [5, 6, 7, null] })
    expect(closeGaps(times, values, 0)).toEqual({ timesMs: times, values })
  })

  it('leave no line where nothing was ever read', () => {
    expect(closeGaps([0, 30], [null, null], 40)).toEqual({ timesMs: [0], values: [null] })
    expect(closeGaps([], [], 40)).toEqual({ timesMs: [], values: [] })
  })

  it('leave values alone that only a point can show', () => {
    expect(loneValues([1, null, 2, 3, null, 4])).toEqual([0, 5])
    expect(loneValues([1, undefined, 2, null, undefined, 3])).toEqual([5])
    expect(loneValues([null, null])).toEqual([])
  })
})
