import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  REOPEN_WITHIN_MS,
  transition,
  type IncidentCore,
  type Outcome,
} from '../../../server/incident/transition.ts'
import { alert, ruleFacts } from './alerts.ts'

const rule = ruleFacts()
function after(current: IncidentCore | null, ...steps: Parameters<typeof alert>[0][]): Outcome {
  let outcome: Outcome = { change: 'none', incident: current, events: [], why: '', worsened: false }
  for (const step of steps) outcome = transition(outcome.incident, alert(step), rule)
  return outcome
}
const resolvedAt = (atMs: number) => ({ kind: 'resolved', atMs, value: 40 }) as const

describe('an incident', () => {
  it('opens with the figures of its alert, and says so', () => {
    const { change, incident, events } = after(null, {})
    expect(change).toBe('opened')
    expect(incident).toMatchObject({
      state: 'open',
      priority: 'P3',
      openedAtMs: 1_000_000,
      resolvedAtMs: null,
    })
    expect(events).toMatchObject([{ kind: 'opened', detail: { value: 96, sentence: '/srv is 96 % full' } }])
  })
  it('is not made by a pending alert, nor by one that never fired', () => {
    expect(after(null, { kind: 'pending' })).toMatchObject({ change: 'none', incident: null })
    expect(after(null, { kind: 'cancelled' })).toMatchObject({ change: 'none', incident: null })
    expect(after(null, resolvedAt(5))).toMatchObject({ change: 'none', incident: null })
  })
  it('is not made by a rule that is no longer in force, but ends without it', () => {
    expect(transition(null, alert(), undefined).change).toBe('none')
    const open = after(null, {}).incident
    expect(transition(open, alert(resolvedAt(1_100_000)), undefined).change).toBe('resolved')
  })
  it('resolves when the last of its alerts does', () => {
    const two = after(null, {}, { fingerprint: 'other' })
    expect(two.incident?.fingerprints).toHaveLength(2)
    const one = after(two.incident, resolvedAt(1_050_000))
    expect(one).toMatchObject({ change: 'updated', incident: { state: 'open' } })
    expect(one.events[0]?.detail).toMatchObject({ cleared: true, value: 40 })
    const none = after(one.incident, { ...resolvedAt(1_060_000), fingerprint: 'other' })
    expect(none).toMatchObject({
      change: 'resolved',
      incident: { state: 'resolved', resolvedBy: 'itself', resolvedAtMs: 1_060_000, fingerprints: [] },
    })
  })
  it('keeps the remedy at work when another alert joins', () => {
    const open = { ...after(null, {}).incident!, state: 'remediating' as const }
    expect(after(open, { fingerprint: 'other' }).incident?.state).toBe('remediating')
  })
  it('worsens with a graver rule: priority, title and remedy follow, the opening stays', () => {
    const open = after(null, {}).incident
    const grave = ruleFacts({
      severity: 'critical',
      impact: 'low',
      title: { en: 'Full', es: 'Lleno' },
      tier: 'L2',
    })
    const { incident, worsened } = transition(open, alert({ rule: 'disk-now-full', atMs: 1_200_000 }), grave)
    expect(worsened).toBe(true)
    expect(incident).toMatchObject({
      severity: 'critical',
      impact: 'medium',
      priority: 'P2',
      tier: 'L2',
      title: { en: 'Full' },
      openedAtMs: 1_000_000,
    })
    expect(incident?.fingerprints).toHaveLength(2)
  })
  it('takes over the remedy of a rule that joins when it has none', () => {
    const without = ruleFacts({ remedy: undefined, noRemedy: 'look first' })
    const open = transition(null, alert(), without).incident
    expect(open).toMatchObject({ remedy: null, noRemedy: 'look first' })
    const joined = transition(open, alert({ rule: 'b', fingerprint: 'b' }), rule)
    expect(joined.incident).toMatchObject({ remedy: { name: 'clear-temp' }, noRemedy: null })
  })
})

describe('a cause that comes back', () => {
  const over = after(null, {}, resolvedAt(1_100_000)).incident!
  const again = (later: number) => ({ atMs: 1_100_000 + later })

  it('within ten minutes of going away by itself is the same incident', () => {
    const { change, incident, events } = after(over, again(REOPEN_WITHIN_MS))
    expect(change).toBe('reopened')
    expect(incident).toMatchObject({
      state: 'open',
      openedAtMs: 1_000_000,
      resolvedAtMs: null,
      resolvedBy: null,
    })
    expect(events[0]?.kind).toBe('reopened')
  })
  it('later is a new one', () => {
    expect(after(over, again(REOPEN_WITHIN_MS + 1)).change).toBe('opened')
  })
  it.each(['remedy', 'person'] as const)('after a %s ended it is a new one at once', (resolvedBy) => {
    expect(after({ ...over, resolvedBy }, again(1)).change).toBe('opened')
  })
  it('is found also when the clock of the device went back', () => {
    expect(after(over, again(-50_000)).change).toBe('reopened')
  })
})

describe('any course of alerts', () => {
  const step = fc.record({
    kind: fc.constantFrom('pending' as const, 'firing' as const, 'resolved' as const, 'cancelled' as const),
    fingerprint: fc.constantFrom('a', 'b', 'c'),
    graver: fc.boolean(),
    gapMs: fc.integer({ min: 1, max: 20 * 60_000 }),
  })
  function play(
    steps: {
      kind: 'pending' | 'firing' | 'resolved' | 'cancelled'
      fingerprint: string
      graver: boolean
      gapMs: number
    }[],
  ) {
    let current: IncidentCore | null = null
    let atMs = 1_000_000
    const firing = new Set<string>()
    const outcomes: Outcome[] = []
    for (const { kind, fingerprint, graver, gapMs } of steps) {
      atMs += gapMs
      const before: IncidentCore | null = current
      const frozen = JSON.stringify(before)
      const outcome = transition(
        before,
        alert({ kind, fingerprint, atMs, rule: graver ? 'grave' : 'mild' }),
        ruleFacts({ severity: graver ? 'critical' : 'warning' }),
      )
      if (kind === 'firing') firing.add(fingerprint)
      else if (kind !== 'pending') firing.delete(fingerprint)
      expect(JSON.stringify(before)).toBe(frozen)
      current = outcome.incident
      outcomes.push(outcome)
      expect(current !== null && current.state !== 'resolved').toBe(firing.size > 0)
      if (current && current.state !== 'resolved') expect(new Set(current.fingerprints)).toEqual(firing)
      expect(outcome.events.length > 0).toBe(outcome.change !== 'none')
      expect(outcome.why).not.toBe('')
    }
    return outcomes
  }
  it('has an open incident exactly while an alert of the cause fires', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => void play(steps)))
  })
  it('ends as many incidents as it opens, save one', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const changes = play(steps).map((outcome) => outcome.change)
        const begun = changes.filter((change) => change === 'opened' || change === 'reopened').length
        const ended = changes.filter((change) => change === 'resolved').length
        expect(begun - ended).toBeGreaterThanOrEqual(0)
        expect(begun - ended).toBeLessThanOrEqual(1)
      }),
    )
  })
  it('does nothing new when the same alert is replayed at once', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
        const last = play(steps).at(-1)!
        const { kind, fingerprint } = steps.at(-1)!
        const atMs = 1_000_000 + steps.reduce((sum, one) => sum + one.gapMs, 0)
        const replay = transition(last.incident, alert({ kind, fingerprint, atMs }), rule)
        expect(['none', 'updated']).toContain(replay.change)
        expect(replay.incident?.state).toBe(last.incident?.state)
      }),
    )
  })
})
