import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BREACH, CLEAR } from '../../../rules/detector.ts'
import { counterRate } from '../../../rules/detectors/counter-rate.ts'

const MINUTE_MS = 60_000
const START_MS = 1_700_000_000_000
const make = (above: number) =>
  counterRate.driven === 'samples' ? counterRate.create({ above, per: '1h', window: '1h' }) : undefined!

it('fires on growth, not on the size of the counter, and ends when the growth has left the window', () => {
  const bank = make(10)
  expect(bank.step(0, START_MS, 5_000_000)).toBe(CLEAR)
  expect(bank.step(0, START_MS + MINUTE_MS, 5_000_010)).toBe(CLEAR)
  expect(bank.step(0, START_MS + 2 * MINUTE_MS, 5_000_011)).toBe(BREACH)
  expect(bank.step(0, START_MS + 70 * MINUTE_MS, 5_000_011)).toBe(CLEAR)
})

it('counts a restart of the counter from zero', () => {
  const bank = make(10)
  bank.step(0, START_MS, 900)
  expect(bank.step(0, START_MS + MINUTE_MS, 3)).toBe(CLEAR)
  expect(bank.explain(0, { timeMs: START_MS + MINUTE_MS, value: 3, unit: 'count' }).says).toContain(
    'grew by 3',
  )
})

it('never differs from the true growth by more than one part of the window', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 20 })), {
        minLength: 1,
        maxLength: 80,
      }),
      (steps) => {
        const bank = make(0)
        let timeMs = START_MS
        let counter = 0
        bank.step(0, timeMs, counter)
        const grown: [number, number][] = []
        for (const [by, minutes] of steps) {
          timeMs += minutes * MINUTE_MS
          counter += by
          grown.push([timeMs, by])
          const since = (minutesAgo: number): number =>
            grown.reduce((sum, [atMs, one]) => sum + (timeMs - atMs < minutesAgo * MINUTE_MS ? one : 0), 0)
          const fires = bank.step(0, timeMs, counter) === BREACH
          if (since(55) > 0) expect(fires).toBe(true)
          if (since(60) === 0) expect(fires).toBe(false)
        }
      },
    ),
  )
})
