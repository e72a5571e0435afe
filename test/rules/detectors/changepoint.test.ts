import { expect, it } from 'vitest'
import { BREACH, CLEAR, type Verdict } from '../../../rules/detector.ts'
import { changepoint } from '../../../rules/detectors/changepoint.ts'

if (changepoint.driven !== 'samples') throw new Error('a bank of single series')
const create = changepoint.create
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const START = Date.UTC(2026, 0, 5)

/** A fixed sequence of noise, about standard normal: the sum of twelve numbers of a linear congruential generator. */
function noise(): () => number {
  let seed = 12_345
  const next = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  return () => Array.from({ length: 12 }, next).reduce((sum, value) => sum + value, -6)
}

type Shape = (timeMs: number, normal: number) => number
const daily: Shape = (timeMs, normal) => 50 + 20 * Math.sin((2 * Math.PI * timeMs) / DAY) + normal

function play(
  days: number,
  shape: Shape,
  parameters: object = {},
): { fired: number[]; last: Verdict; bank: ReturnType<typeof create> } {
  const bank = create(parameters)
  bank.slab.open(0)
  const normal = noise()
  const fired: number[] = []
  let last: Verdict = CLEAR
  for (let timeMs = START; timeMs < START + days * DAY; timeMs += 5 * MINUTE) {
    last = bank.step(0, timeMs, shape(timeMs, normal()))
    if (last === BREACH) fired.push(timeMs)
  }
  return { fired, last, bank }
}

it('is silent about a daily rhythm with noise and a spike, for sixty days', () => {
  const spike = START + 30 * DAY
  expect(play(60, (t, n) => daily(t, n) + (t >= spike && t < spike + HOUR ? 80 : 0)).fired).toEqual([])
})

it('finds a shift of the level within hours, accepts it after a day, and finds the way back', () => {
  const [up, back] = [START + 20 * DAY + 4 * HOUR, START + 26 * DAY]
  const { fired } = play(32, (t, n) => daily(t, n) + (t >= up && t < back ? 4 : 0))
  expect(fired[0]).toBeGreaterThan(up)
  expect(fired[0]).toBeLessThanOrEqual(up + 9 * HOUR)
  const episodes = fired.filter((timeMs, index) => timeMs - (fired[index - 1] ?? 0) > HOUR)
  expect(episodes).toHaveLength(2)
  expect(episodes[1]).toBeGreaterThan(back)
  expect(episodes[1]).toBeLessThanOrEqual(back + 9 * HOUR)
  const first = fired.filter((timeMs) => timeMs < back)
  expect((first.at(-1) ?? 0) - (first[0] ?? 0)).toBeLessThanOrEqual(DAY + HOUR)
})

it('finds a series that stops to vary and says so', () => {
  const at = START + 20 * DAY
  const { fired, bank } = play(21, (t, n) => daily(t, t >= at ? 0 : n))
  expect(fired[0]).toBeGreaterThan(at)
  const finding = bank.explain(0, { timeMs: START + 21 * DAY, value: 50, unit: 'percent' })
  expect(finding.says).toMatch(/^varies \d+\.\d times as little within an hour/)
  expect(finding.ruledOut).toHaveLength(3)
  expect(play(21, (t, n) => daily(t, t >= at ? 0 : n), { of: 'level' }).fired).toEqual([])
})

it('judges only after it has learnt, in the direction and from the size that were asked for', () => {
  const at = START + 20 * DAY
  const rise: Shape = (t, n) => daily(t, n) + (t >= at ? 4 : 0)
  expect(play(20.5, rise, { of: 'level' }).fired.length).toBeGreaterThan(0)
  expect(play(20.5, rise, { of: 'level', direction: 'down' }).fired).toEqual([])
  expect(play(20.5, rise, { of: 'level', atLeast: 30 }).fired).toEqual([])
  expect(play(21, rise, { learn: '30d' }).bank.learning?.(0)).toMatch(/^2[01]\.\d of 30 days$/)
})
