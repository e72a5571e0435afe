import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Alert, FIRING, INACTIVE, nextAlert, PENDING } from '../../rules/alert.ts'
import { BREACH, CLEAR, STAY, type Verdict } from '../../rules/detector.ts'

const NONE: Alert = { phase: INACTIVE, sinceMs: 0, clearMs: 0 }

function run(verdicts: [number, Verdict][], times: { forMs: number; keepMs: number }): string[] {
  let alert = NONE
  let lastMs = 0
  return verdicts.flatMap(([timeMs, verdict]) => {
    const gapMs = lastMs === 0 ? 0 : timeMs - lastMs
    lastMs = timeMs
    const next = nextAlert(alert, { verdict, timeMs, gapMs, usualGapMs: 0 }, times)
    alert = next.alert
    return next.change === null ? [] : [`${next.change}@${timeMs}`]
  })
}

it('waits for `for`, holds for `keep`', () => {
  const steps: [number, Verdict][] = [
    [1, BREACH],
    [2, BREACH],
    [3, BREACH],
    [4, STAY],
    [5, CLEAR],
    [6, BREACH],
    [7, CLEAR],
    [8, CLEAR],
    [9, CLEAR],
  ]
  expect(run(steps, { forMs: 2, keepMs: 2 })).toEqual(['pending@1', 'firing@3', 'resolved@9'])
  expect(run(steps, { forMs: 0, keepMs: 0 })).toEqual(['firing@1', 'resolved@5', 'firing@6', 'resolved@7'])
})

it('cancels what is pending as soon as the condition is not fully met', () => {
  expect(
    run(
      [
        [1, BREACH],
        [2, STAY],
        [3, BREACH],
        [4, CLEAR],
      ],
      { forMs: 5, keepMs: 0 },
    ),
  ).toEqual(['pending@1', 'cancelled@2', 'pending@3', 'cancelled@4'])
})

it('counts no time in which nothing was seen', () => {
  const minutes = (m: number): number => 1 + m * 60_000
  expect(
    run(
      [
        [minutes(0), BREACH],
        [minutes(480), BREACH],
        [minutes(485), BREACH],
        [minutes(490), BREACH],
      ],
      { forMs: 600_000, keepMs: 0 },
    ),
  ).toEqual([`pending@${minutes(0)}`, `firing@${minutes(490)}`])
})

it('never fires before `for`, and only fires and resolves in turn', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.constantFrom<Verdict>(CLEAR, STAY, BREACH))),
      fc.nat(100),
      fc.nat(100),
      (steps, forMs, keepMs) => {
        let timeMs = 1
        let alert = NONE
        let breachSinceMs: number | null = null
        for (const [gapMs, verdict] of steps) {
          timeMs += gapMs
          const before = alert.phase
          const { alert: after, change } = nextAlert(
            alert,
            { verdict, timeMs, gapMs, usualGapMs: 0 },
            { forMs, keepMs },
          )
          if (verdict !== BREACH) breachSinceMs = null
          else breachSinceMs ??= timeMs
          if (change === 'firing') {
            expect(before).not.toBe(FIRING)
            expect(timeMs - breachSinceMs!).toBeGreaterThanOrEqual(forMs)
          }
          if (change === 'resolved') expect([before, after.phase, verdict]).toEqual([FIRING, INACTIVE, CLEAR])
          if (change === 'cancelled') expect([before, after.phase]).toEqual([PENDING, INACTIVE])
          if (change === null) expect(after.phase).toBe(before)
          alert = after
        }
      },
    ),
  )
})
