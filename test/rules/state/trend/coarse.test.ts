import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { keepCoarse } from '../../../../rules/state/trend/coarse.ts'

it('reads back each number within 1/16384 of the largest of its row, whatever the order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.double({ min: -1e9, max: 1e9, noNaN: true })), {
        minLength: 1,
        maxLength: 40,
      }),
      (writes) => {
        const row = { cells: new Int16Array(16), steps: new Float32Array(2), width: 8 }
        const kept = new Float64Array(8)
        let largest = 0
        for (const [place, value] of writes) {
          keepCoarse(row, 1, place, { value, finest: 0.001 })
          kept[place] = value
          largest = Math.max(largest, Math.abs(value))
        }
        const wrong = Math.max(0.001, largest / 16_384)
        kept.forEach((value, place) =>
          expect(Math.abs(row.cells[8 + place]! * row.steps[1]! - value)).toBeLessThanOrEqual(wrong * 1.001),
        )
        expect(row.cells.subarray(0, 8).every((cell) => cell === 0)).toBe(true)
      },
    ),
  )
})

it('is fine again some rounds after a number that was far larger than the others', () => {
  const row = { cells: new Int16Array(8), steps: new Float32Array(1), width: 8 }
  const keep = (place: number, value: number): void => keepCoarse(row, 0, place, { value, finest: 0.001 })
  keep(3, 1e9)
  for (let round = 0; round < 2; round++) for (let place = 0; place < 8; place++) keep(place, 5 + place / 10)
  for (let place = 1; place < 8; place++)
    expect(row.cells[place]! * row.steps[0]!).toBeCloseTo(5 + place / 10, 2)
})
