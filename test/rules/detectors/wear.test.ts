import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BREACH, CLEAR, STAY } from '../../../rules/detector.ts'
import { wear } from '../../../rules/detectors/wear.ts'

const DAY_MS = 86_400_000
const START_MS = 1_700_000_000_000
const make = (parameters: object) => (wear.driven === 'samples' ? wear.create(parameters) : undefined!)

it('foretells the end of a drive from its pace, with an interval that holds the truth', () => {
  const bank = make({ bound: 100, direction: 'up', horizon: '90d', minSpan: '21d' })
  let firedAt: number | undefined
  for (let day = 0; day < 300; day++) {
    const verdict = bank.step(0, START_MS + day * DAY_MS, Math.floor(40 + day * 0.2))
    if (verdict === BREACH && firedAt === undefined) firedAt = day
  }
  // 40 % and 0.2 % a day: full on day 300, so 90 days before is day 210; values come in whole percents.
  expect(firedAt).toBeGreaterThan(195)
  expect(firedAt).toBeLessThan(225)
  const { forecast } = bank.explain(0, { timeMs: START_MS + 299 * DAY_MS, value: 99, unit: 'percent' })
  expect(forecast!.earliestMs).toBeLessThanOrEqual(START_MS + 305 * DAY_MS)
  expect(forecast!.latestMs! >= START_MS + 300 * DAY_MS).toBe(true)
  expect(forecast!.r2).toBeGreaterThan(0.95)
})

it('is silent for what wears so slowly that it outlives the horizon, and while it has seen too little', () => {
  const bank = make({ bound: 100, direction: 'up', horizon: '90d', minSpan: '21d' })
  for (let day = 0; day < 400; day++)
    expect(bank.step(0, START_MS + day * DAY_MS, Math.floor(day / 30))).toBe(CLEAR)
  const young = make({ bound: 100, direction: 'up', horizon: '90d', minSpan: '21d' })
  expect(young.learning!(0)).toContain('of 3 weeks')
  for (let day = 0; day < 14; day++) expect(young.step(0, START_MS + day * DAY_MS, 60 + day)).toBe(CLEAR)
})

it('is not moved by a battery that regains some charge after a rest', () => {
  const bank = make({ bound: 70, direction: 'down', horizon: '60d', minSpan: '21d' })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99 }), (phase) => {
      bank.slab.open(0)
      let first = Infinity
      for (let day = 0; day < 250; day++) {
        const regained = (day + phase) % 25 < 2 ? 2 : 0
        const verdict = bank.step(0, START_MS + day * DAY_MS, 100 - day * 0.12 + regained)
        if (verdict === BREACH) first = Math.min(first, day)
        if (first < Infinity && day < 249) expect([BREACH, STAY]).toContain(verdict)
      }
      // 70 % is reached on day 250: the warning comes 60 days before, give or take a fortnight.
      expect(Math.abs(first - 190)).toBeLessThan(20)
    }),
    { numRuns: 25 },
  )
})
