import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BREACH, CLEAR, STAY } from '../../../rules/detector.ts'
import { flapping } from '../../../rules/detectors/flapping.ts'

const MINUTE_MS = 60_000
const START_MS = 1_700_000_000_000
const make = () =>
  flapping.driven === 'samples' ? flapping.create({ below: 1, changes: 4, within: '10m' }) : undefined!

it('fires at the fourth crossing within the time, stays down to half, and ends when it is quiet', () => {
  const bank = make()
  const verdicts = [1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1].map((value, minute) =>
    bank.step(0, START_MS + minute * MINUTE_MS, value),
  )
  expect(verdicts.slice(0, 5)).toEqual([CLEAR, CLEAR, STAY, STAY, BREACH])
  expect(verdicts.at(-1)).toBe(CLEAR)
  expect(bank.explain(0, { timeMs: START_MS + 5 * MINUTE_MS, value: 1, unit: 'bool' }).says).toContain(
    '4 times or more within 10 min',
  )
})

it('agrees with counting the crossings by hand', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 300 })), { maxLength: 60 }),
      (steps) => {
        const bank = make()
        let timeMs = START_MS
        const crossings: number[] = []
        let before: boolean | undefined
        for (const [good, seconds] of steps) {
          timeMs += seconds * 1000
          if (before !== undefined && before !== good) crossings.push(timeMs)
          before = good
          const count = crossings.filter((atMs) => timeMs - atMs < 10 * MINUTE_MS).length
          expect(bank.step(0, timeMs, good ? 1 : 0)).toBe(count >= 4 ? BREACH : count >= 2 ? STAY : CLEAR)
        }
      },
    ),
  )
})
