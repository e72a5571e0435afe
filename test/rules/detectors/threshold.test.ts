import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BREACH, CLEAR, STAY } from '../../../rules/detector.ts'
import { threshold } from '../../../rules/detectors/threshold.ts'

it('breaches past the bound, stays down to clear, and is clear there', () => {
  const bank = threshold.create({ above: 90, clear: 80 })
  expect([91, 90, 85, 80].map((value) => bank.step(0, 1, value))).toEqual([BREACH, STAY, STAY, CLEAR])
  const below = threshold.create({ below: 7, clear: 8 })
  expect([6, 7, 7.5, 8].map((value) => below.step(0, 1, value))).toEqual([BREACH, STAY, STAY, CLEAR])
})

it('refuses a clear on the wrong side of the bound', () => {
  expect(threshold.check({ above: 90, clear: 95 })).toMatchObject([{ field: 'clear' }])
  expect(threshold.check({ below: 7, clear: 5 })).toMatchObject([{ field: 'clear' }])
  expect(threshold.check({ above: 90, clear: 90 })).toEqual([])
})

it('never flaps while a value wanders between clear and the bound', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 80, max: 90, minExcluded: true, noNaN: true }), { minLength: 1 }),
      fc.boolean(),
      (values, wasFiring) => {
        const bank = threshold.create({ above: 90, clear: 80 })
        let firing = wasFiring
        for (const value of values) {
          const verdict = bank.step(0, 1, value)
          firing = verdict === BREACH || (verdict === STAY && firing)
          expect(firing).toBe(wasFiring)
        }
      },
    ),
  )
})

it('says the value and the bound', () => {
  const bank = threshold.create({ above: 90, clear: 80 })
  const finding = bank.explain(0, { timeMs: 1, value: 93.25, unit: 'percent' })
  expect(finding).toMatchObject({ value: 93.25, threshold: 90, forecast: null })
  expect(finding.says).toBe('is 93.3 %; the bound is above 90 %, clear at 80 %')
})
