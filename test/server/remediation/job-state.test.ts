import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JOB_STATES, type JobState } from '../../../contract/command.ts'
import { isActive, isFinal, jobStep, type JobEvent } from '../../../server/remediation/job-state.ts'

const EVENTS: JobEvent[] = [
  { type: 'send' },
  { type: 'returned', why: 'r' },
  { type: 'started' },
  { type: 'exited', success: true, why: '0' },
  { type: 'exited', success: false, why: '1' },
  { type: 'timed-out', why: 't' },
  { type: 'refused', code: 'COMMAND_FORGED', why: 'f' },
  { type: 'refused', code: 'COMMAND_REPLAYED', why: 'p' },
  { type: 'stopped', why: 's' },
  { type: 'unsure', why: 'u' },
  { type: 'cancel', why: 'c' },
  { type: 'expire', why: 'e' },
  { type: 'lost', why: 'l' },
  { type: 'verify', why: 'v' },
  { type: 'fail-verification', why: 'x' },
]
const events = fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 })
const device = fc.array(
  fc.constantFrom(
    ...EVENTS.filter(({ type }) => ['started', 'exited', 'timed-out', 'stopped', 'unsure'].includes(type)),
  ),
  { maxLength: 12 },
)
const run = (state: JobState, list: readonly JobEvent[]) =>
  list.reduce((present, event) => jobStep(present, event).state, state)

/** Every move that may ever be seen; written down here a second time, so that a slip in the code shows. */
const LEGAL = new Set([
  'pending>sent',
  'pending>cancelled',
  'pending>expired',
  'pending>refused',
  'sent>pending',
  'sent>running',
  'sent>succeeded',
  'sent>failed',
  'sent>refused',
  'sent>cancelled',
  'sent>unknown',
  'running>succeeded',
  'running>failed',
  'running>cancelled',
  'running>unknown',
  'unknown>succeeded',
  'unknown>failed',
  'unknown>cancelled',
  'unknown>refused',
  'succeeded>verified',
  'succeeded>failed',
])

describe('the states of a job', () => {
  it('makes the legal moves and no other, and all of them', () => {
    const seen = new Set<string>()
    for (const state of JOB_STATES)
      for (const event of EVENTS) {
        const step = jobStep(state, event)
        if (step.changed) seen.add(`${state}>${step.state}`)
        else expect(step.state).toBe(state)
      }
    expect([...seen].filter((move) => !LEGAL.has(move))).toEqual([])
    expect([...LEGAL].filter((move) => !seen.has(move))).toEqual([])
  })
  it('never leaves a final state', () => {
    fc.assert(
      fc.property(fc.constantFrom(...JOB_STATES.filter(isFinal)), events, (state, list) => {
        expect(run(state, list)).toBe(state)
      }),
    )
  })
  it('never goes out again once the device has had it, unless nothing reached the device', () => {
    fc.assert(
      fc.property(events, (list) => {
        let state: JobState = 'pending'
        let had = false
        for (const event of list) {
          const step = jobStep(state, event)
          if (step.changed && event.type !== 'send' && event.type !== 'returned') had = true
          if (had) expect(step.changed && step.state === 'sent').toBe(false)
          state = step.state
        }
      }),
    )
  })
  it('keeps the first ending that the device tells, however often and in whatever order more come', () => {
    fc.assert(
      fc.property(device, fc.integer({ min: 0, max: 12 }), (list, repeat) => {
        const ended = run('sent', list)
        const again = [...list.slice(0, repeat), ...list, ...list]
        if (!isActive(ended) && ended !== 'unknown') expect(run(ended, again)).toBe(ended)
      }),
    )
  })
  it('ends the same when `started` comes late, twice or never', () => {
    for (const exited of EVENTS.filter(({ type }) => type === 'exited')) {
      const started: JobEvent = { type: 'started' }
      const ends = [[exited], [started, exited], [exited, started], [started, started, exited, exited]]
      expect(new Set(ends.map((list) => run('sent', list))).size).toBe(1)
    }
  })
  it('lets only the device settle what nobody knows', () => {
    fc.assert(
      fc.property(events, (list) => {
        const server = list.filter(
          ({ type }) => !['exited', 'timed-out', 'stopped', 'refused'].includes(type),
        )
        expect(run('unknown', server)).toBe('unknown')
      }),
    )
    expect(run('unknown', [{ type: 'exited', success: true, why: '0' }])).toBe('succeeded')
  })
  it('says why, always', () => {
    for (const state of JOB_STATES)
      for (const event of EVENTS) {
        const { changed, why } = jobStep(state, event)
        if (!changed) expect(why).toContain(state)
      }
  })
})
