import { describe, expect, it } from 'vitest'
import { bucketing, checkQuery, HOUR_MS, withGaps } from '../../../server/store/buckets.ts'

const query = { client: 'c', device: 'd', metric: 'cpu.used_percent', fromMs: 0, toMs: HOUR_MS, points: 600 }

describe('buckets', () => {
  it('are whole seconds, and whole hours from one hour on or before raw samples are kept', () => {
    expect(bucketing(query, 0)).toEqual({ stepMs: 6000, hourly: false })
    expect(bucketing({ ...query, toMs: 1000 }, 0)).toEqual({ stepMs: 1000, hourly: false })
    expect(bucketing({ ...query, toMs: 90 * 24 * HOUR_MS }, 0)).toEqual({ stepMs: 4 * HOUR_MS, hourly: true })
    expect(bucketing(query, 1)).toEqual({ stepMs: HOUR_MS, hourly: true })
  })

  it('refuse a span that ends before it begins', () => {
    expect(() => checkQuery({ ...query, fromMs: 2, toMs: 1 })).toThrow(/toMs: must not be before fromMs/)
    expect(() => checkQuery(query)).not.toThrow()
  })
})

describe('gaps', () => {
  const values = (times: number[], stepMs: number) =>
    withGaps(
      times,
      times.map(() => 1),
      stepMs,
    )

  it('are one null each, one bucket after the earlier point', () => {
    expect(values([0, 10, 20, 60, 70], 10)).toEqual({
      timesMs: [0, 10, 20, 30, 60, 70],
      values: [1, 1, 1, null, 1, 1],
    })
  })

  it('are not seen in a line that is sampled more seldom than its buckets, for any step', () => {
    for (let step = 1; step <= 10; step++) {
      const times = Array.from({ length: 50 }, (_, i) => Math.floor((i * 10) / step) * step)
      expect(values(times, step).values).not.toContain(null)
    }
  })

  it('are not seen in no points, one or two', () => {
    expect(values([], 10).values).toEqual([])
    expect(values([5], 10).values).toEqual([1])
    expect(values([0, 1000], 10).values).toEqual([1, 1])
  })

  it('show a mean that overflowed as nothing', () => {
    expect(withGaps([0], [Infinity], 10).values).toEqual([null])
  })
})
