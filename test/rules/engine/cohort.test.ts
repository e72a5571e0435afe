import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { CLEAR, type Peers, type PeersBank } from '../../../rules/detector.ts'
import { createCohorts } from '../../../rules/engine/cohort.ts'
import { createSlab } from '../../../rules/state/slab.ts'

const MINUTE_MS = 60_000
const START_MS = 1_700_000_000_000

/** A bank that only writes down what it is told of the peers. */
function listener(heard: Map<number, Peers>): PeersBank {
  return {
    slab: createSlab({ unused: { type: 'u8' } }),
    step(slot, _timeMs, _value, peers) {
      heard.set(slot, { ...peers })
      return CLEAR
    },
    explain: () => ({ value: null, unit: '', threshold: null, forecast: null, says: '' }),
  }
}

const middle = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

function byHand(others: number[]): Peers {
  const median = middle(others)
  const spread = 1.4826 * middle(others.map((value) => Math.abs(value - median)))
  return { median, spread, count: others.length }
}

const aValue = fc.integer({ min: -20, max: 20 })

it('tells each member the median and the spread of the others, in two groups, while some leave and come', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(aValue, fc.boolean(), fc.boolean()), { maxLength: 60 }), (members) => {
      const clock = { lastTickMs: START_MS }
      const cohorts = createCohorts(clock)
      const heard = [new Map<number, Peers>(), new Map<number, Peers>()]
      const groups = [cohorts.newGroup(0), cohorts.newGroup(0)]
      const banks = groups.map((group, index) => cohorts.besidePeers(group, listener(heard[index]!)))
      const groupOf = (slot: number): number => Number(members[slot]![1])
      const steps = (atMs: number): void =>
        members.forEach(([value], slot) => banks[groupOf(slot)]!.step(slot, atMs, value))
      members.forEach((_, slot) => cohorts.join({ group: groups[groupOf(slot)]!, slot }, 'c|s'))
      members.forEach(([, , leaves], slot) => {
        if (leaves) cohorts.leave(groups[groupOf(slot)]!, slot)
      })
      steps(START_MS)
      cohorts.refresh(START_MS + MINUTE_MS)
      steps(START_MS + MINUTE_MS)
      const stay = members.flatMap(([value, , leaves], slot) => (leaves ? [] : [{ value, slot }]))
      for (const { slot } of stay) {
        const others = stay.filter((one) => one.slot !== slot).map(({ value }) => value)
        const all = stay.map(({ value }) => value)
        // In a large cohort its own weight is nothing.
        const expected = { ...byHand(stay.length <= 32 ? others : all), count: others.length }
        const told = heard[groupOf(slot)]!.get(slot)!
        expect(told.count).toBe(expected.count)
        expect(told.median).toBeCloseTo(expected.median, 9)
        expect(told.spread).toBeCloseTo(expected.spread, 9)
      }
    }),
  )
})

it('leaves out who has been silent', () => {
  const clock = { lastTickMs: START_MS }
  const cohorts = createCohorts(clock)
  const heard = new Map<number, Peers>()
  const group = cohorts.newGroup(0)
  const bank = cohorts.besidePeers(group, listener(heard))
  for (let slot = 0; slot < 3; slot++) {
    cohorts.join({ group, slot }, 'c|s')
    bank.step(slot, START_MS, slot * 10)
  }
  clock.lastTickMs = START_MS + 10 * MINUTE_MS
  bank.step(0, clock.lastTickMs, 0)
  bank.step(1, clock.lastTickMs, 10)
  cohorts.refresh(clock.lastTickMs)
  bank.step(0, clock.lastTickMs + 1, 0)
  bank.step(2, clock.lastTickMs + 1, 20)
  expect(heard.get(0)).toMatchObject({ median: 10, count: 1 })
  expect(heard.get(2)).toMatchObject({ median: 5, count: 2 })
})
