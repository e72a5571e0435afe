import { Cron } from 'croner'
import { VigiaError } from '../../contract/errors.ts'
import type { RunWhen } from '../../contract/run.ts'

/** How late an occurrence may still begin, after the server was away. */
export const GRACE_MS = 15 * 60_000

/**
 * The next `count` times after `afterMs` at which a run is to begin, in Unix milliseconds; for `now` none. Throws
 * REQUEST_INVALID for an expression that is none, a time zone that nobody knows, and a time that never comes.
 */
export function nextTimes(when: RunWhen, afterMs: number, count: number): number[] {
  switch (when.kind) {
    case 'now':
      return []
    case 'at':
      return when.atMs > afterMs ? [when.atMs] : []
    case 'cron': {
      const times = cronOf(when).nextRuns(count, new Date(afterMs))
      return times.map((time) => time.getTime())
    }
    default:
      return when satisfies never
  }
}

function cronOf({ cron, timeZone }: Extract<RunWhen, { kind: 'cron' }>): Cron {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch (thrown) {
    throw invalid('when.timeZone', `there is no time zone ${JSON.stringify(timeZone)}`, thrown)
  }
  try {
    // Paused, and asked only with a time of ours: it has no clock and no timer here.
    return new Cron(cron, { mode: '5-part', timezone: timeZone, paused: true })
  } catch (thrown) {
    throw invalid('when.cron', thrown instanceof Error ? thrown.message : String(thrown), thrown)
  }
}

function invalid(field: string, message: string, cause: unknown): VigiaError {
  return new VigiaError('REQUEST_INVALID', `${field}: ${message}`, { faults: [{ field, message }], cause })
}

/** What becomes of an occurrence that is due. */
export type Due = { begin: boolean; why: string | null; nextMs: number | null }

/**
 * Judges an occurrence that was due at `dueMs`: it begins unless the one before is still at work, or it is later than
 * the grace. However many were missed, one begins at most; the next is after now.
 */
export function judgeDue(options: { when: RunWhen; dueMs: number; nowMs: number; busy: boolean }): Due {
  const { when, dueMs, nowMs, busy } = options
  const nextMs = nextTimes(when, nowMs, 1)[0] ?? null
  const due = new Date(dueMs).toISOString()
  if (nowMs - dueMs > GRACE_MS)
    return { begin: false, why: `what was due at ${due} was missed: the server was away`, nextMs }
  if (busy)
    return { begin: false, why: `what was due at ${due} was left out: the run before is at work`, nextMs }
  return { begin: true, why: null, nextMs }
}
