import { describe, expect, it } from 'vitest'
import { GRACE_MS, judgeDue, nextTimes } from '../../../server/run/occurrence.ts'

const T = (text: string): number => Date.parse(text)
const cron = (text: string, timeZone = 'UTC') => ({ kind: 'cron', cron: text, timeZone }) as const

describe('the times of a schedule', () => {
  it('are those of the wall clock in its time zone, over a change to summer time too', () => {
    const times = nextTimes(cron('30 8 * * *', 'Europe/Madrid'), T('2026-03-28T00:00:00Z'), 3)
    expect(times.map((time) => new Date(time).toISOString())).toEqual([
      '2026-03-28T07:30:00.000Z',
      '2026-03-29T06:30:00.000Z',
      '2026-03-30T06:30:00.000Z',
    ])
  })

  it('that the clock skips come at its change, and those that it shows twice come once', () => {
    const next = (text: string, after: string): string[] =>
      nextTimes(cron(text, 'Europe/Madrid'), T(after), 2).map((time) => new Date(time).toISOString())
    // 29 March: 02:00 is 03:00. 25 October: 03:00 is 02:00 again.
    expect(next('30 2 * * *', '2026-03-28T12:00:00Z')).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    expect(next('30 2 * * *', '2026-10-24T12:00:00Z')).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
    // Asked in the hour that comes again, after it has run.
    for (const after of ['2026-10-25T00:30:00.400Z', '2026-10-25T01:10:00Z', '2026-10-25T01:30:01Z'])
      expect(next('30 2 * * *', after)[0]).toBe('2026-10-26T01:30:00.000Z')
    // What comes each half hour goes on through both.
    const half = nextTimes(cron('*/30 * * * *', 'Europe/Madrid'), T('2026-10-25T00:10:00Z'), 5)
    expect(half.map((time) => time - T('2026-10-25T00:30:00Z'))).toEqual(
      [0, 1, 2, 3, 4].map((step) => step * 1_800_000),
    )
    expect(nextTimes(cron('0 3 31 2 *'), 0, 1)).toEqual([])
  })

  it('come after the moment that is given, whatever the clock of the machine says', () => {
    expect(nextTimes(cron('0 0 1 1 *'), T('2031-06-01T00:00:00Z'), 1)).toEqual([T('2032-01-01T00:00:00Z')])
    expect(nextTimes(cron('* * * * *'), T('2001-01-01T00:00:00Z'), 2)).toEqual([
      T('2001-01-01T00:01:00Z'),
      T('2001-01-01T00:02:00Z'),
    ])
    expect(nextTimes({ kind: 'at', atMs: 5000 }, 4999, 5)).toEqual([5000])
    expect(nextTimes({ kind: 'at', atMs: 5000 }, 5000, 5)).toEqual([])
    expect(nextTimes({ kind: 'now' }, 0, 5)).toEqual([])
  })

  it.each([
    ['61 * * * *', 'UTC', 'when.cron'],
    ['* * * *', 'UTC', 'when.cron'],
    ['* * * * * *', 'UTC', 'when.cron'],
    ['every day', 'UTC', 'when.cron'],
    ['* * * * *', 'Europe/Nowhere', 'when.timeZone'],
  ])('refuse %s in %s', (text, timeZone, field) => {
    expect(() => nextTimes(cron(text, timeZone), 0, 1)).toThrow(
      expect.objectContaining({
        code: 'REQUEST_INVALID',
        faults: [expect.objectContaining({ field })],
      }),
    )
  })
})

describe('an occurrence that is due', () => {
  const when = cron('0 * * * *')
  const dueMs = T('2026-11-29T10:00:00Z')

  it('begins, and the next is after now', () => {
    expect(judgeDue({ when, dueMs, nowMs: dueMs + 500, busy: false })).toEqual({
      begin: true,
      why: null,
      nextMs: T('2026-11-29T11:00:00Z'),
    })
  })

  it('begins once within the grace, however many were missed', () => {
    const often = cron('* * * * *')
    const nowMs = dueMs + 10 * 60_000 + 1
    expect(judgeDue({ when: often, dueMs, nowMs, busy: false })).toEqual({
      begin: true,
      why: null,
      nextMs: T('2026-11-29T10:11:00Z'),
    })
  })

  it('is missed beyond the grace', () => {
    const due = judgeDue({ when, dueMs, nowMs: dueMs + GRACE_MS + 1, busy: false })
    expect(due).toMatchObject({ begin: false, nextMs: T('2026-11-29T11:00:00Z') })
    expect(due.why).toMatch(/missed/)
    expect(judgeDue({ when, dueMs, nowMs: dueMs + GRACE_MS, busy: false }).begin).toBe(true)
  })

  it('is left out while the one before is at work', () => {
    const due = judgeDue({ when, dueMs, nowMs: dueMs, busy: true })
    expect(due).toMatchObject({ begin: false, nextMs: T('2026-11-29T11:00:00Z') })
    expect(due.why).toMatch(/at work/)
  })
})
