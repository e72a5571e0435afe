import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { addToTail, fadeTail, TAIL_WIDTH, tailQuantile } from '../../../../rules/state/usual/tail.ts'

const CELL = 10 ** (1 / 32)

it('says a quantile to within a cell, whatever stands beside it in the array', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.011, max: 99, noNaN: true }), { minLength: 50, maxLength: 400 }),
      fc.constantFrom(0.02, 0.1, 0.5),
      (figures, share) => {
        const tail = new Float32Array(3 * TAIL_WIDTH).fill(9)
        tail.fill(0, TAIL_WIDTH, 2 * TAIL_WIDTH)
        for (const figure of figures) addToTail(tail, TAIL_WIDTH, figure, 1)
        const quantile = tailQuantile(tail, TAIL_WIDTH, share)
        const beyond = (bound: number): number => figures.filter((figure) => figure > bound).length
        expect(beyond(quantile * CELL)).toBeLessThanOrEqual(share * figures.length)
        expect(beyond(quantile / CELL)).toBeGreaterThanOrEqual(Math.floor(share * figures.length))
      },
    ),
  )
})

it('is 0 while empty; fading changes weights, not the quantile; what lies outside counts at the ends', () => {
  const tail = new Float32Array(TAIL_WIDTH)
  expect(tailQuantile(tail, 0, 0.02)).toBe(0)
  for (let index = 1; index <= 1000; index++) addToTail(tail, 0, index / 100, 1)
  const before = tailQuantile(tail, 0, 0.02)
  fadeTail(tail, 0, 0.5)
  expect(tailQuantile(tail, 0, 0.02)).toBeCloseTo(before, 3)
  expect(tail.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(500, 3)
  for (let index = 0; index < 500; index++) addToTail(tail, 0, 1e9, 1)
  expect(tailQuantile(tail, 0, 0.02)).toBeGreaterThan(90)
  const low = new Float32Array(TAIL_WIDTH)
  addToTail(low, 0, 0, 1)
  expect(tailQuantile(low, 0, 0.02)).toBeLessThan(0.0108)
})
