import { expect, it } from 'vitest'
import { expandSeries } from '../../../rules/testing/notation.ts'

it('expands as promtool does', () => {
  expect(expandSeries('0+10x3')).toEqual([0, 10, 20, 30])
  expect(expandSeries('1-2x2 5')).toEqual([1, -1, -3, 5])
  expect(expandSeries('4x2 _ -0.5x1')).toEqual([4, 4, 4, null, -0.5, -0.5])
  expect(expandSeries('_x3 1e3 stale')).toEqual([null, null, null, 1000, 'stale'])
})

it('names what it does not understand', () => {
  for (const bad of ['1x', 'a', '1+x3', '1++2x3', 'NaN']) expect(() => expandSeries(`1 ${bad}`)).toThrow(bad)
  expect(() => expandSeries('1x999999999')).toThrow(RangeError)
})
