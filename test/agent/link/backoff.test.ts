import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBackoff } from '../../../agent/link/backoff.ts'

describe('backoff', () => {
  it('waits evenly between 0 and the doubled base, never over the cap, and starts again after a reset', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
          minLength: 1,
          maxLength: 100,
        }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 200_000 }),
        (rolls, baseMs, capMs) => {
          let at = 0
          const backoff = createBackoff({ baseMs, capMs, random: () => rolls[at++ % rolls.length]! })
          rolls.forEach((roll, n) =>
            expect(backoff.next()).toBeCloseTo(roll * Math.min(capMs, baseMs * 2 ** n), 6),
          )
          backoff.reset()
          at = 0
          expect(backoff.next()).toBeCloseTo(rolls[0]! * Math.min(capMs, baseMs), 6)
        },
      ),
    )
  })

  it('spreads a fleet of 10,000 over the cap after a long outage', () => {
    const counts = new Array<number>(12).fill(0)
    for (let agent = 0; agent < 10_000; agent++) {
      const backoff = createBackoff({ baseMs: 2000, capMs: 120_000, random: Math.random })
      let wait = 0
      for (let n = 0; n < 12; n++) wait = backoff.next()
      counts[Math.floor(wait / 10_000)]! += 1
    }
    for (const count of counts) expect(count).toBeGreaterThan(600)
  })
})
