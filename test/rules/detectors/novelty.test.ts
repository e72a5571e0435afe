import { expect, it } from 'vitest'
import { BREACH, CLEAR, STAY, type Verdict } from '../../../rules/detector.ts'
import { novelty } from '../../../rules/detectors/novelty.ts'

if (novelty.driven !== 'samples') throw new Error('a bank of single series')
const create = novelty.create
const MINUTE = 60_000
const DAY = 1440 * MINUTE
const START = Date.UTC(2026, 0, 5)

type Shape = (timeMs: number) => number
/** A day's rhythm with a little deterministic noise that repeats nothing exactly. */
const rhythm: Shape = (timeMs) =>
  100 + 40 * Math.sin((2 * Math.PI * timeMs) / DAY) + 3 * Math.sin(timeMs / 7919) * Math.sin(timeMs / 104_729)

function play(
  days: number,
  shape: Shape,
  parameters: object = {},
): { fired: number[]; scores: number[]; verdicts: Verdict[]; bank: ReturnType<typeof create> } {
  const bank = create(parameters)
  bank.slab.open(0)
  const [fired, scores, verdicts]: [number[], number[], Verdict[]] = [[], [], []]
  for (let timeMs = START; timeMs < START + days * DAY; timeMs += 5 * MINUTE) {
    const verdict = bank.step(0, timeMs, shape(timeMs))
    if (verdict === BREACH) fired.push(timeMs)
    verdicts.push(verdict)
    scores.push(bank.score?.(0) ?? NaN)
  }
  return { fired, scores, verdicts, bank }
}

it('is silent about a rhythm that goes on, with scores in [0, 1]', () => {
  const { fired, scores } = play(30, rhythm)
  expect(fired.filter((timeMs) => timeMs >= START + 10 * DAY)).toEqual([])
  expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
})

const night = START + 20 * DAY + 18 * 60 * MINUTE
it.each<[string, Shape]>([
  ['a spike', (t) => rhythm(t) + (t === night ? 120 : 0)],
  ['a fall to nothing', (t) => (t >= night && t < night + 60 * MINUTE ? 0 : rhythm(t))],
  ['a day without its night', (t) => (t >= night && t < night + 300 * MINUTE ? 125 : rhythm(t))],
  ['a level that moves', (t) => rhythm(t) + (t >= night ? 80 : 0)],
])('finds %s within the hour and not again and again', (_name, shape) => {
  const { fired } = play(22, shape)
  const found = fired.filter((timeMs) => timeMs >= START + 10 * DAY)
  expect(found[0]).toBeGreaterThanOrEqual(night)
  expect(found[0]).toBeLessThanOrEqual(night + 60 * MINUTE)
  expect(found.length).toBeLessThanOrEqual(6)
})

it('stops to be found by what has happened before, and is again by what is worse', () => {
  const spike =
    (sizes: number[]): Shape =>
    (t) => {
      const day = Math.floor((t - START) / DAY)
      return rhythm(t) + ((t - START) % DAY === 720 * MINUTE ? (sizes[day] ?? 0) : 0)
    }
  const sizes = Array.from({ length: 20 }, (_, day) => (day >= 12 && day < 18 ? 100 : day === 18 ? 250 : 0))
  const days = play(20, spike(sizes)).fired.map((timeMs) => Math.floor((timeMs - START) / DAY))
  expect([...new Set(days.filter((day) => day >= 10))]).toEqual([12, 18])
})

it('holds while the series stays there, at most for its time, and explains itself', () => {
  const { verdicts, bank } = play(21, (t) => rhythm(t) + (t >= night ? 80 : 0), { hold: '1h' })
  const at = (night - START) / (5 * MINUTE)
  expect(verdicts.slice(at, at + 12)).toContain(STAY)
  expect(verdicts.at(-1)).toBe(CLEAR)
  const firing = create({})
  firing.slab.open(0)
  let last: Verdict = CLEAR
  let timeMs = START
  while (last !== BREACH || timeMs < night)
    last = firing.step(0, timeMs, rhythm((timeMs += 5 * MINUTE)) + (timeMs >= night ? 80 : 0))
  const finding = firing.explain(0, { timeMs, value: 150, unit: 'percent' })
  expect(finding.says).toMatch(/^is 150 %, unlike anything before: .* times the largest so far \(\d/)
  expect(finding.related).toHaveLength(9)
  expect(finding.ruledOut?.[0]?.because).toMatch(/samples/)
  expect(bank.slab.bytesPerSlot).toBeLessThanOrEqual(1024)
})

it('says what it still has to learn, and fires nothing until then', () => {
  const { fired, bank, scores } = play(6, (t) => rhythm(t) + (t > START + 5 * DAY ? 500 : 0))
  expect(fired).toEqual([])
  expect(Math.max(...scores)).toBeGreaterThan(0.9)
  expect(bank.learning?.(0)).toBe('5 d 23 h of 7 d')
  expect(play(8, rhythm).bank.learning?.(0)).toBeNull()
  expect(play(0.25, rhythm).bank.learning?.(0)).toBe('72 of 150 samples')
})

it('has no scale: the same series times a million scores the same', () => {
  const shape: Shape = (t) => rhythm(t) + (t === night ? 50 : 0)
  const [small, large] = [play(21, shape).scores, play(21, (t) => 1e6 * shape(t)).scores]
  small.forEach((score, index) => expect(large[index]).toBeCloseTo(score, 3))
})

it('averages what comes faster than its pace and judges it once a span', () => {
  const bank = create({ learn: '1d' })
  bank.slab.open(0)
  const fired: number[] = []
  let judged = 0
  for (let timeMs = START; timeMs < START + 12 * DAY; timeMs += 30_000) {
    const late = timeMs >= START + 11 * DAY
    if (bank.step(0, timeMs, rhythm(timeMs) + (late ? 90 : 0)) === BREACH) fired.push(timeMs)
    if ((bank.score?.(0) ?? 0) > 0) judged++
  }
  expect(judged).toBeGreaterThan(11 * 280)
  expect(judged).toBeLessThan(12 * 330)
  const found = fired.filter((timeMs) => timeMs >= START + 6 * DAY)
  expect(found[0]).toBeGreaterThanOrEqual(START + 11 * DAY)
  expect(found[0]).toBeLessThanOrEqual(START + 11 * DAY + 15 * MINUTE)
})

it('finds a still series that moves once, and makes nothing of rounding', () => {
  const still: Shape = (t) => (t < night ? 100 + 1e-6 * Math.sin(t) : 101)
  const { fired } = play(21, still)
  expect(fired[0]).toBe(night)
  expect(fired.length).toBeLessThanOrEqual(3)
})
