import { expect, it } from 'vitest'
import { BREACH, CLEAR } from '../../../rules/detector.ts'
import { absence } from '../../../rules/detectors/absence.ts'

it('counts from the last sample, and from the first look where none ever came', () => {
  const bank = absence.create({ after: '4m' })
  bank.slab.open(0)
  expect(bank.tick(0, 1_000_000)).toBe(CLEAR)
  expect(bank.tick(0, 1_239_999)).toBe(CLEAR)
  expect(bank.tick(0, 1_240_000)).toBe(BREACH)
  expect(bank.step(0, 1_250_000, 0)).toBe(CLEAR)
  expect(bank.tick(0, 1_489_999)).toBe(CLEAR)
  expect(bank.tick(0, 1_490_000)).toBe(BREACH)
  expect(bank.explain(0, { timeMs: 1_490_000, value: null, unit: 'seconds' })).toMatchObject({
    value: 240,
    threshold: 240,
    says: 'was not seen for 4 min; the bound is 4 min',
  })
})
