import { expect, it } from 'vitest'
import { compileTrees } from '../../../rules/models/additive-trees.ts'
import { fitTrees } from '../../bench/drives/boosting.ts'
import { averagePrecision } from '../../bench/drives/dataset.ts'

it('learns an interaction and what a missing value means, and the compiled trees say the same', () => {
  const rows = Array.from({ length: 4000 }, (_, index) => {
    const a = (index * 7919) % 100
    const b = (index * 104_729) % 97
    const missing = index % 10 === 0
    const fails = missing ? index % 20 === 0 : a > 70 && b > 60
    return { features: Float64Array.from([missing ? NaN : a, b, index % 20]), fails, weight: 1 }
  })
  const features = ['a', 'b', 'c']
  const trees = fitTrees(features, rows, { trees: 60, depth: 3, rate: 0.3, l2: 1, seed: 1 })
  const score = compileTrees(trees, features)
  const scores = rows.map((row) => score(row.features))
  expect(
    averagePrecision(
      scores,
      rows.map(({ fails }) => fails),
    ),
  ).toBeGreaterThan(0.98)
  expect(JSON.stringify(fitTrees(features, rows, { trees: 60, depth: 3, rate: 0.3, l2: 1, seed: 1 }))).toBe(
    JSON.stringify(trees),
  )
})

it('scores ties as one step', () => {
  expect(averagePrecision([3, 2, 1], [true, false, true])).toBeCloseTo((1 + 2 / 3) / 2)
  expect(averagePrecision([1, 1, 1, 1], [true, false, false, false])).toBe(0.25)
})
