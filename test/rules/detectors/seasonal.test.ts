import { expect, it } from 'vitest'
import { BREACH, CLEAR, STAY, type Verdict } from '../../../rules/detector.ts'
import { seasonal } from '../../../rules/detectors/seasonal.ts'

if (seasonal.driven !== 'samples') throw new Error('a bank of single series')
const create = seasonal.create
const MINUTE = 60_000
const DAY = 1440 * MINUTE
const MONDAY = Date.UTC(2026, 0, 5)

/** Office hours: busy on weekdays from 8 to 18, quiet else; noise from a fixed generator. */
function office(timeMs: number): number {
  const day = Math.floor((timeMs - MONDAY) / DAY)
  const hour = ((timeMs - MONDAY) % DAY) / (60 * MINUTE)
  const busy = day % 7 < 5 && hour >= 8 && hour < 18
  const noise = Math.sin(timeMs / 7919) + Math.sin(timeMs / 104_729)
  return (busy ? 60 : 10) + noise
}

type Change = (value: number, timeMs: number) => number
function play(
  days: number,
  change: Change = (value) => value,
  parameters: object = {},
): { verdicts: [number, Verdict][]; scores: number[]; bank: ReturnType<typeof create> } {
  const bank = create(parameters)
  bank.slab.open(0)
  const verdicts: [number, Verdict][] = []
  const scores: number[] = []
  for (let timeMs = MONDAY; timeMs < MONDAY + days * DAY; timeMs += 5 * MINUTE) {
    verdicts.push([timeMs, bank.step(0, timeMs, change(office(timeMs), timeMs))])
    scores.push(bank.score?.(0) ?? NaN)
  }
  return { verdicts, scores, bank }
}
const breaches = (verdicts: [number, Verdict][]): number[] =>
  verdicts.filter(([, verdict]) => verdict === BREACH).map(([timeMs]) => timeMs)

it('is silent about the rhythm of days and weeks, which it has learnt', () => {
  const { verdicts, scores } = play(35)
  expect(breaches(verdicts).filter((timeMs) => timeMs >= MONDAY + 15 * DAY)).toEqual([])
  expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
})

it('fires when a night is as busy as a day, says what was usual, and ends with it', () => {
  const from = MONDAY + 30 * DAY + 2 * 60 * MINUTE
  const { verdicts, bank } = play(30.125, (value, timeMs) => (timeMs >= from ? 60 : value))
  const fired = breaches(verdicts).filter((timeMs) => timeMs >= MONDAY + 15 * DAY)
  expect(fired[0]).toBeGreaterThanOrEqual(from)
  expect(fired[0]).toBeLessThanOrEqual(from + 20 * MINUTE)
  const at = MONDAY + 30.125 * DAY - 5 * MINUTE
  const finding = bank.explain(0, { timeMs: at, value: 60, unit: 'percent' })
  expect(finding.says).toMatch(/where (9|10|11)\.?\d* % is usual at this hour \(Wednesday 02:00 UTC\)/)
  expect(finding.related?.[0]?.expected).toBeCloseTo(10, -0.5)
  const ended = play(31, (value, timeMs) => (timeMs >= from && timeMs < from + 90 * MINUTE ? 60 : value))
  const after = ended.verdicts.filter(([timeMs]) => timeMs >= from + 150 * MINUTE)
  expect(after.some(([, verdict]) => verdict !== CLEAR)).toBe(false)
  expect(ended.verdicts.some(([timeMs, verdict]) => timeMs >= from && verdict === STAY)).toBe(true)
})

it('judges only after it has learnt, in the direction and from the size that were asked for', () => {
  const young = play(5, (value, timeMs) => (timeMs > MONDAY + 4 * DAY ? 500 : value))
  expect(breaches(young.verdicts)).toEqual([])
  expect(young.bank.learning?.(0)).toBe('5.0 of 14 days')
  const night = MONDAY + 30 * DAY
  const rise = (value: number, timeMs: number): number => (timeMs >= night ? 60 : value)
  const late = ({ verdicts }: { verdicts: [number, Verdict][] }): number[] =>
    breaches(verdicts).filter((timeMs) => timeMs >= MONDAY + 15 * DAY)
  expect(late(play(30.1, rise)).length).toBeGreaterThan(0)
  expect(late(play(30.1, rise, { direction: 'down' }))).toEqual([])
  expect(late(play(30.1, rise, { atLeast: 70 }))).toEqual([])
})

it('refuses a mean over more than two hours', () => {
  expect(seasonal.check({ over: '3h' })).toMatchObject([{ field: 'over' }])
  expect(seasonal.check({ over: '2h' })).toEqual([])
})

it('a spike of one sample is no deviation, and no state grows', () => {
  const at = MONDAY + 30 * DAY + 120 * MINUTE
  const { verdicts, bank } = play(31, (value, timeMs) => (timeMs === at ? value + 12 : value))
  expect(breaches(verdicts).filter((timeMs) => timeMs >= at)).toEqual([])
  expect(bank.slab.bytesPerSlot).toBeLessThanOrEqual(1200)
})
