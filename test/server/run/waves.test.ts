import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_WAVES, type Wave } from '../../../contract/run.ts'
import { waveAt, waveEnds } from '../../../server/run/waves.ts'

const anyWaves = fc.array(
  fc.oneof(
    fc.record({ devices: fc.integer({ min: 1, max: 20_000 }) }),
    fc.record({ percent: fc.double({ min: 0.01, max: 100, noNaN: true }) }),
  ),
  { minLength: 1, maxLength: 10 },
)

describe('waves', () => {
  it.each([
    [1, DEFAULT_WAVES, [1]],
    [2, DEFAULT_WAVES, [1, 2]],
    [5, DEFAULT_WAVES, [1, 2, 3, 5]],
    [150, DEFAULT_WAVES, [1, 2, 15, 150]],
    [10_000, DEFAULT_WAVES, [1, 100, 1000, 10_000]],
    [10, [{ percent: 100 }], [10]],
    [10, [{ devices: 3 }, { devices: 2 }], [3, 4, 10]],
    [0, DEFAULT_WAVES, []],
  ] satisfies [number, Wave[], number[]][])('of %i devices by %j end at %j', (devices, waves, ends) => {
    expect(waveEnds(devices, waves)).toEqual(ends)
  })

  it('put every device into exactly one wave, each with at least one more than before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12_000 }), anyWaves, (devices, waves) => {
        const ends = waveEnds(devices, waves)
        expect(ends.at(-1)).toBe(devices)
        expect(ends.every((end, index) => end > (ends[index - 1] ?? 0))).toBe(true)
        expect(ends.length).toBeLessThanOrEqual(waves.length + 1)
        const sizes = ends.map(() => 0)
        let last = 0
        for (let place = 0; place < devices; place++) {
          const wave = waveAt(place, ends)
          if (wave < last) throw new Error(`place ${place} is in wave ${wave}, after wave ${last}`)
          last = wave
          sizes[wave] = (sizes[wave] ?? NaN) + 1
        }
        expect(sizes).toEqual(ends.map((end, index) => end - (ends[index - 1] ?? 0)))
        expect(waveAt(devices, ends)).toBe(-1)
      }),
      { numRuns: 100 },
    )
  })

  it('reach at least what each percentage says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12_000 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (devices, percent) => {
          const [first] = waveEnds(devices, [{ percent }])
          expect(first).toBeGreaterThanOrEqual(Math.floor((devices * percent) / 100))
          expect(first).toBeLessThanOrEqual(Math.max(1, Math.ceil((devices * percent) / 100)))
        },
      ),
    )
  })
})
