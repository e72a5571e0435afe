import { expect, it } from 'vitest'
import { BREACH, CLEAR, STAY } from '../../../rules/detector.ts'
import { expiry } from '../../../rules/detectors/expiry.ts'

const DAY_MS = 86_400_000
const START_MS = 1_700_000_000_000
const make = (parameters: object) => (expiry.driven === 'samples' ? expiry.create(parameters) : undefined!)
const run = (bank: ReturnType<typeof make>, days: number[]) =>
  days.map((left, index) => bank.step(0, START_MS + index * DAY_MS, left))

it('fires when so many days are left and ends with the renewal', () => {
  expect(run(make({ within: '14d' }), [16, 15, 14, 13, 90, 89])).toEqual([
    CLEAR,
    STAY,
    BREACH,
    BREACH,
    CLEAR,
    CLEAR,
  ])
})

it('fires early for what used to be renewed sooner, and says so', () => {
  const bank = make({ within: '14d', lateBy: '3d' })
  const verdicts = run(bank, [32, 31, 30, 90, 60, 31, 29, 28, 27])
  expect(verdicts).toEqual([...Array<number>(7).fill(CLEAR), STAY, BREACH])
  const finding = bank.explain(0, { timeMs: START_MS, value: 27, unit: 'days' })
  expect(finding.says).toContain('renewed with 30 d left')
  expect(finding.ruledOut).toHaveLength(1)
  expect(finding.forecast).toMatchObject({ atMs: START_MS + 27 * DAY_MS })
})

it('foretells nothing that has ended', () => {
  const bank = make({ within: '7d' })
  expect(run(bank, [-2])).toEqual([BREACH])
  expect(bank.explain(0, { timeMs: START_MS, value: -2, unit: 'days' })).toMatchObject({
    forecast: null,
    says: 'ended 2 d ago',
  })
})

it('does not expect back at once what was renewed long before its end', () => {
  const verdicts = run(make({ within: '14d', lateBy: '3d' }), [80, 90, 60, 30])
  expect(verdicts).toEqual(Array(4).fill(CLEAR))
})
