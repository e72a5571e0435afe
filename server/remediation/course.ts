import type { JobState } from '../../contract/command.ts'
import type { IncidentState } from '../../contract/incident.ts'
import { isActive } from './job-state.ts'

/** A remedy's job as its incident sees it. Start and end by the clock of the device, `verifyByMs` by the server's. */
export type CourseJob = {
  id: string
  state: JobState
  reason: string | null
  idempotent: boolean
  startedAtMs: number | null
  endedAtMs: number | null
  verifyByMs: number | null
}

/** `resolvedAtMs` by the clock of the device, as all samples are. */
export type CourseIncident = {
  state: IncidentState
  resolvedAtMs: number | null
  /** How long after the remedy's end the rule may take to recover. */
  verifyWithinMs: number
}

export type Course =
  | { next: 'wait'; why: string }
  | { next: 'decide'; trigger: 'edge' | 'retry'; why: string }
  | { next: 'verify-failed'; job: string; why: string }
  | { next: 'escalate'; why: string }
  /** The incident is over: `credit` names the job that ended it, if one did; `cancel` those that need not run. */
  | { next: 'settle'; credit: string | null; cancel: string[]; why: string }

/**
 * Where an incident goes from here, from its state and the jobs ordered on its present edge, oldest first. Called
 * after every change and by the timer; asking twice is harmless, which is how everything resumes after a restart.
 */
export function course(incident: CourseIncident, jobs: readonly CourseJob[], nowMs: number): Course {
  switch (incident.state) {
    case 'resolved':
      return settle(incident, jobs)
    case 'escalated':
      return escalated(jobs.at(-1), nowMs)
    case 'open':
    case 'remediating':
      return forward(jobs.at(-1), nowMs)
    default:
      return incident.state satisfies never
  }
}

/** A late word of the device may still tell that the remedy ran: the rule has its time here too. */
function escalated(last: CourseJob | undefined, nowMs: number): Course {
  if (last?.state === 'succeeded' && (last.verifyByMs ?? 0) <= nowMs)
    return {
      next: 'verify-failed',
      job: last.id,
      why: 'the remedy ran, but the rule did not recover in time',
    }
  return { next: 'wait', why: 'a person decides' }
}

function forward(last: CourseJob | undefined, nowMs: number): Course {
  if (last === undefined) return { next: 'decide', trigger: 'edge', why: 'nothing was tried yet' }
  const because = last.reason === null ? '' : `: ${last.reason}`
  switch (last.state) {
    case 'pending':
    case 'sent':
    case 'running':
      return { next: 'wait', why: 'the remedy is at work' }
    case 'succeeded':
      if (last.verifyByMs !== null && last.verifyByMs > nowMs)
        return { next: 'wait', why: 'the rule has time to recover' }
      return {
        next: 'verify-failed',
        job: last.id,
        why: 'the remedy ran, but the rule did not recover in time',
      }
    case 'verified':
      return { next: 'wait', why: 'the remedy mended it' }
    case 'failed':
      return { next: 'decide', trigger: 'retry', why: `the remedy failed${because}` }
    case 'unknown':
      if (last.idempotent)
        return { next: 'decide', trigger: 'retry', why: `nobody knows whether the remedy ran${because}` }
      return {
        next: 'escalate',
        why: `nobody knows whether the remedy ran, and it must not run twice${because}`,
      }
    case 'refused':
      return { next: 'escalate', why: `the device refused the remedy${because}` }
    case 'cancelled':
      return { next: 'escalate', why: `the remedy was cancelled${because}` }
    case 'expired':
      return { next: 'escalate', why: `the remedy could not be sent${because}` }
    default:
      return last.state satisfies never
  }
}

function settle(incident: CourseIncident, jobs: readonly CourseJob[]): Course {
  const cancel = jobs.filter((job) => job.state === 'pending').map((job) => job.id)
  const credit = jobs.findLast((job) => job.state === 'succeeded' && isCredited(incident, job))
  if (credit) return { next: 'settle', credit: credit.id, cancel, why: 'the rule recovered after the remedy' }
  const why = jobs.some((job) => isActive(job.state) && job.state !== 'pending')
    ? 'the rule recovered; the remedy still runs'
    : 'the rule recovered without a remedy'
  return { next: 'settle', credit: null, cancel, why }
}

/**
 * A remedy is credited when the rule recovered after its process started and no later than `verifyWithin` after
 * it ended. A recovery while it still ran counts, once it ends well; one before it started does not. Both times
 * are of the device's own clock, so it does not matter whether that is right.
 */
export function isCredited(
  incident: CourseIncident,
  job: Pick<CourseJob, 'startedAtMs' | 'endedAtMs'>,
): boolean {
  const { resolvedAtMs, verifyWithinMs } = incident
  if (resolvedAtMs === null || job.startedAtMs === null || job.endedAtMs === null) return false
  return resolvedAtMs >= job.startedAtMs && resolvedAtMs <= job.endedAtMs + verifyWithinMs
}
