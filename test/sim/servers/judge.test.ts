import { expect, it } from 'vitest'
import { BREACH, CLEAR } from '../../../rules/detector.ts'
import { runsOf, type Server } from '../../bench/servers/data.ts'
import {
  bestSetting,
  falsePerWeek,
  leaveOneOut,
  type Outcome,
  outcomeOf,
  recallOf,
} from '../../bench/servers/judge.ts'

const HOUR_MS = 3_600_000

/** A server of 100 unlabelled and 2,016 labelled rows (a week) with these events, in rows of the labelled part. */
function server(...events: [number, number][]): Server {
  return {
    name: 's',
    names: ['a'],
    rows: Array.from({ length: 2116 }, () => Float64Array.of(0)),
    testFrom: 100,
    labelledRuns: events.length,
    events: events.map(([from, to]) => [from + 100, to + 100]),
  }
}

/** Judges these spans of rows of the labelled part as a breach. */
function at(...spans: [number, number][]): (one: Server) => () => typeof BREACH | typeof CLEAR {
  return () => {
    let row = -101
    return () => {
      row++
      return spans.some(([from, to]) => row >= from && row < to) ? BREACH : CLEAR
    }
  }
}

it('finds an event by an incident that opens in it, or up to an hour before and is still open', () => {
  const one = server([500, 520])
  const outcome = (...spans: [number, number][]): Outcome => outcomeOf(one, at(...spans), HOUR_MS)
  expect(outcome([519, 520])).toMatchObject({ found: 1, false: 0, incidents: 1 })
  expect(outcome([488, 489])).toMatchObject({ found: 1, false: 0 })
  expect(outcome([520, 530])).toMatchObject({ found: 0, false: 1 })
  // Over before the event began: an hour after its last row.
  expect(outcome([480, 481])).toMatchObject({ found: 0, false: 1 })
  // Opened long before and still open: no find, and not counted as false either.
  expect(outcome([400, 510])).toMatchObject({ found: 0, false: 0, touching: 1 })
})

it('counts every incident that touches no event, and never a row twice', () => {
  const outcome = outcomeOf(server([500, 520]), at([100, 200], [700, 701], [703, 704], [900, 901]), HOUR_MS)
  expect(outcome).toMatchObject({ found: 0, events: 1, false: 3, incidents: 3 })
  expect(falsePerWeek(outcome)).toBe(3)
  expect(recallOf(outcome)).toBe(0)
})

it('leaves out incidents that opened in the unlabelled part', () => {
  expect(outcomeOf(server([10, 20]), at([-50, 15]), HOUR_MS)).toMatchObject({ found: 0, incidents: 0 })
})

it('merges labelled runs that are closer than asked', () => {
  const labelled = [...'0110011000110'].map((digit) => digit === '1')
  expect(runsOf(labelled, 0)).toEqual([
    [1, 3],
    [5, 7],
    [10, 12],
  ])
  expect(runsOf(labelled, 3)).toEqual([
    [1, 7],
    [10, 12],
  ])
})

it('chooses a setting within the limit, and for each server on the others', () => {
  const outcome = (found: number, falseOnes: number): Outcome => ({
    found,
    events: 4,
    false: falseOnes,
    touching: 0,
    incidents: 0,
    weeks: 1,
  })
  expect(bestSetting([outcome(1, 0), outcome(3, 1), outcome(3, 0), outcome(4, 2)], 1)).toBe(2)
  expect(bestSetting([outcome(4, 2)], 1)).toBeNull()
  // Setting 1 suits server a only; judged on a, it was chosen on b, where setting 0 is better.
  const left = leaveOneOut(
    [
      [outcome(1, 0), outcome(2, 0)],
      [outcome(4, 0), outcome(0, 0)],
    ],
    1,
  )
  expect(left.found).toBe(1 + 0)
})
