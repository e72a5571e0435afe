import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { availabilityOf, type Stretch } from '../../../server/report/availability.ts'

const stretch = fc
  .tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 300 }))
  .map(([a, b]): Stretch => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) }))

describe('availability', () => {
  it('is the time online over the time watched', () => {
    expect(availabilityOf({ fromMs: 0, toMs: 100 }, [{ fromMs: -50, toMs: 90 }], [])).toEqual({
      watchedMs: 100,
      onlineMs: 90,
      excludedMs: 0,
      percent: 90,
    })
  })

  it('leaves maintenance out of both', () => {
    expect(
      availabilityOf(
        { fromMs: 0, toMs: 100 },
        [
          { fromMs: 0, toMs: 40 },
          { fromMs: 60, toMs: 100 },
        ],
        [{ fromMs: 40, toMs: 60 }],
      ),
    ).toEqual({ watchedMs: 80, onlineMs: 80, excludedMs: 20, percent: 100 })
  })

  it('says nothing where nothing was watched', () => {
    expect(availabilityOf({ fromMs: 10, toMs: 10 }, [], []).percent).toBeNull()
  })

  it('agrees with counting moments one by one, whatever overlaps', () => {
    fc.assert(
      fc.property(
        stretch,
        fc.array(stretch, { maxLength: 6 }),
        fc.array(stretch, { maxLength: 4 }),
        (watched, online, excluded) => {
          const within = (all: Stretch[], at: number): boolean =>
            all.some(({ fromMs, toMs }) => at >= fromMs && at < toMs)
          const moments = Array.from({ length: 301 }, (_, at) => at).filter((at) => within([watched], at))
          const counted = moments.filter((at) => !within(excluded, at))
          const result = availabilityOf(watched, online, excluded)
          expect(result.watchedMs).toBe(counted.length)
          expect(result.onlineMs).toBe(counted.filter((at) => within(online, at)).length)
          expect(result.excludedMs).toBe(moments.length - counted.length)
        },
      ),
    )
  })
})
