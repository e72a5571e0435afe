import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JOB_STATES } from '../../../contract/command.ts'
import { INCIDENT_STATES } from '../../../contract/incident.ts'
import { course, isCredited, type CourseJob } from '../../../server/remediation/course.ts'

const job = (over: Partial<CourseJob> = {}): CourseJob => ({
  id: 'j1',
  state: 'succeeded',
  reason: null,
  idempotent: true,
  startedAtMs: 100,
  endedAtMs: 200,
  verifyByMs: 10_000,
  ...over,
})
const open = { state: 'remediating', resolvedAtMs: null, verifyWithinMs: 1000 } as const
const resolved = (resolvedAtMs: number) =>
  ({ state: 'resolved', resolvedAtMs, verifyWithinMs: 1000 }) as const

describe('the course of an incident', () => {
  it('begins with a decision', () => {
    expect(course({ ...open, state: 'open' }, [], 0)).toMatchObject({ next: 'decide', trigger: 'edge' })
  })
  it('waits for the rule, and no longer than its time', () => {
    expect(course(open, [job()], 9_999).next).toBe('wait')
    expect(course(open, [job()], 10_000)).toMatchObject({ next: 'verify-failed', job: 'j1' })
  })
  it('tries again after a failure, and after an unknown end only what may run twice', () => {
    expect(course(open, [job({ state: 'failed' })], 0)).toMatchObject({ next: 'decide', trigger: 'retry' })
    expect(course(open, [job({ state: 'unknown' })], 0)).toMatchObject({ next: 'decide', trigger: 'retry' })
    expect(course(open, [job({ state: 'unknown', idempotent: false })], 0)).toMatchObject({
      next: 'escalate',
    })
  })
  it.each(['refused', 'cancelled', 'expired'] as const)('hands a remedy that was %s to a person', (state) => {
    expect(course(open, [job({ state, reason: 'because' })], 0)).toMatchObject({
      next: 'escalate',
      why: expect.stringContaining('because'),
    })
  })
  it('credits the remedy after which the rule recovered, also while it still ran', () => {
    for (const at of [100, 150, 200, 1200])
      expect(course(resolved(at), [job()], 0)).toMatchObject({ next: 'settle', credit: 'j1' })
  })
  it('credits nothing that came before it started or too long after', () => {
    for (const at of [99, 1201]) expect(course(resolved(at), [job()], 0)).toMatchObject({ credit: null })
    expect(isCredited(resolved(150), { startedAtMs: null, endedAtMs: 200 })).toBe(false)
  })
  it('cancels what need not run any more', () => {
    expect(course(resolved(150), [job({ state: 'pending' })], 0)).toMatchObject({
      cancel: ['j1'],
      credit: null,
    })
  })
  it('never orders a remedy for what is over, with a person, or while one is at work', () => {
    const jobs = fc.array(
      fc.record({
        id: fc.uuid(),
        state: fc.constantFrom(...JOB_STATES),
        reason: fc.constant(null),
        idempotent: fc.boolean(),
        startedAtMs: fc.option(fc.integer({ min: 0, max: 1000 })),
        endedAtMs: fc.option(fc.integer({ min: 0, max: 1000 })),
        verifyByMs: fc.option(fc.integer({ min: 0, max: 1000 })),
      }),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...INCIDENT_STATES),
        jobs,
        fc.integer({ min: 0, max: 1000 }),
        (state, list, now) => {
          const plan = course(
            { state, resolvedAtMs: state === 'resolved' ? 500 : null, verifyWithinMs: 100 },
            list,
            now,
          )
          expect(plan.why).not.toBe('')
          if (plan.next !== 'decide') return
          expect(['open', 'remediating']).toContain(state)
          expect(['pending', 'sent', 'running', 'succeeded', 'verified']).not.toContain(list.at(-1)?.state)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
