import { expect, it } from 'vitest'
import { BREACH, CLEAR } from '../../../rules/detector.ts'
import { hazard } from '../../../rules/detectors/hazard.ts'

const DAY_MS = 86_400_000
const START_MS = 1_700_000_000_000
const make = () =>
  hazard.driven === 'alerts' ? hazard.create({ model: 'drive-failure', above: 0.2, clear: 0.1 }) : undefined!
const counts = (...values: number[]): Float64Array => Float64Array.from(values)

it('fires for a drive whose pending and uncorrectable sectors grow, and says which', () => {
  const bank = make()
  bank.named!(0, { disk: 'sda', model: 'ST3000DM001' })
  const verdicts = Array.from({ length: 40 }, (_, day) =>
    bank.step(0, START_MS + day * DAY_MS, 900 + day, counts(day * 8, day, 0, day * 4, day * 4)),
  )
  expect(verdicts[0]).toBe(CLEAR)
  expect(verdicts.at(-1)).toBe(BREACH)
  const finding = bank.explain(0, { timeMs: START_MS + 40 * DAY_MS, value: 940, unit: 'days' })
  expect(finding.value).toBeGreaterThan(0.2)
  expect(finding.says).toMatch(
    /chance of [\d.]+ % to fail within 30 days, \d+ times .* attribute 187 is 39, rose 39 times/,
  )
  expect(finding.related).toHaveLength(5)
})

it('is silent about an old drive without a mark, and names old damage that stands still', () => {
  const bank = make()
  for (let day = 0; day < 60; day++)
    expect(bank.step(0, START_MS + day * DAY_MS, 1500 + day, counts(4, 0, 0, 0, 0))).toBe(CLEAR)
  const finding = bank.explain(0, { timeMs: START_MS + 60 * DAY_MS, value: 1560, unit: 'days' })
  expect(finding.ruledOut).toMatchObject([{ explanation: 'old damage that no longer grows (attribute 5)' }])
})

it('knows nothing of a drive that tells no counts, and says so', () => {
  const bank = make()
  expect(bank.learning!(0)).toContain('SMART counts')
  expect(bank.step(0, START_MS, 900, counts(NaN, NaN, NaN, NaN, NaN))).toBe(CLEAR)
  expect(bank.score!(0)).toBe(0)
})
