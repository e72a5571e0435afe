import { sql, type Selectable, type Updateable } from 'kysely'
import type { JobResult, JobState, ParameterValues } from '../../contract/command.ts'
import type { JobView } from '../../contract/incident.ts'
import type { Db } from '../records/records.ts'
import { at, json, ms, text, type Tables } from '../records/schema.ts'
import type { JobEvent } from './job-state.ts'

/** A job with what its script says of itself. */
export type JobRow = Selectable<Tables['job']> & {
  script: string
  script_version: number
  idempotent: boolean
  timeout_s: number
  success_codes: number[]
}

/** Jobs with their script; add the conditions. */
export function jobRows(db: Db) {
  return db
    .selectFrom('job')
    .innerJoin('script', 'script.digest', 'job.script_digest')
    .selectAll('job')
    .select([
      'script.name as script',
      'script.version as script_version',
      sql<boolean>`(script.content->>'idempotent')::boolean`.as('idempotent'),
      sql<number>`(script.content->>'timeoutS')::integer`.as('timeout_s'),
      sql<number[]>`script.content->'successCodes'`.as('success_codes'),
    ])
}

/** One job, locked until the transaction ends. Lock its incident first: everyone does, so nobody waits in a circle. */
export async function lockJob(db: Db, id: string): Promise<JobRow | undefined> {
  return jobRows(db).where('job.job_id', '=', id).forUpdate('job').executeTakeFirst()
}

/** A job as pages and the CLI see it. Start and end by the clock of the device. */
export function toJobView(row: JobRow): JobView {
  return {
    id: row.job_id,
    client: row.client_id,
    device: row.device_id,
    script: row.script,
    scriptVersion: row.script_version,
    scriptDigest: row.script_digest,
    parameters: row.parameters,
    state: row.state,
    reason: row.reason,
    incident: row.incident_id,
    ticket: row.ticket_id,
    run: row.run_id,
    wave: row.wave,
    dryRun: row.dry_run,
    orderedBy: row.ordered_by,
    createdAtMs: ms(row.created_at),
    sentAtMs: ms(row.sent_at),
    startedAtMs: ms(row.started_at),
    endedAtMs: ms(row.ended_at),
    expiresAtMs: ms(row.expires_at),
    exitCode: row.exit_code,
    stdout: row.stdout,
    stderr: row.stderr,
    fields: row.fields,
    stdoutBytes: row.stdout_bytes,
    stderrBytes: row.stderr_bytes,
    transcript: row.transcript,
  }
}

export type NewJob = {
  id: string
  client: string
  device: string
  digest: string
  parameters: ParameterValues
  orderedBy: string
  createdAtMs: number
  expiresAtMs: number
  /** For what it is done: an incident, a ticket, or a run with its wave and which attempt it is. */
  incident?: string | null
  ticket?: string | undefined
  run?: { id: string; wave: number; attempt: number }
  dryRun?: boolean
}

/** Stores pending jobs. */
export async function insertJobs(db: Db, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return
  await db
    .insertInto('job')
    .values(
      jobs.map((job) => ({
        job_id: job.id,
        client_id: job.client,
        device_id: job.device,
        incident_id: job.incident ?? null,
        ticket_id: job.ticket ?? null,
        run_id: job.run?.id ?? null,
        wave: job.run?.wave ?? null,
        attempt: job.run?.attempt ?? 1,
        dry_run: job.dryRun ?? false,
        script_digest: job.digest,
        parameters: json(job.parameters),
        state: 'pending' as const,
        reason: null,
        ordered_by: job.orderedBy,
        sequence: null,
        created_at: at(job.createdAtMs),
        sent_at: null,
        started_at: null,
        ended_at: null,
        expires_at: at(job.expiresAtMs),
        verify_by: null,
        exit_code: null,
      })),
    )
    .execute()
}

export type JobChange = Omit<Updateable<Tables['job']>, 'state'> & { state: JobState }

/** Changes a job's row. */
export async function updateJob(db: Db, id: string, change: JobChange): Promise<void> {
  await db.updateTable('job').set(change).where('job_id', '=', id).execute()
}

/** What a device's message about a job means. The device was busy: nothing ran, the order may go again. */
export function eventOf(result: JobResult, successCodes: readonly number[]): JobEvent {
  const why = wordsOf(result)
  switch (result.outcome) {
    case 'started':
      return { type: 'started' }
    case 'exited': {
      const success = result.exitCode !== null && successCodes.includes(result.exitCode)
      return { type: 'exited', success, why: why || `exit code ${result.exitCode ?? 'unknown'}` }
    }
    case 'timeout':
      return { type: 'timed-out', why: why || 'SCRIPT_TIMEOUT' }
    case 'refused':
      if (result.code === 'COMMAND_BUSY') return { type: 'returned', why: 'COMMAND_BUSY' }
      return { type: 'refused', code: result.code ?? '', why }
    case 'cancelled':
      return { type: 'stopped', why: why || 'ended on request' }
    case 'unknown':
      return { type: 'unsure', why: why || 'JOB_UNKNOWN' }
    default:
      return result.outcome satisfies never
  }
}

/** How it ended: the code, which people look up, and the device's own words. */
function wordsOf({ code, message }: JobResult): string {
  return text([code, message].filter((part) => part !== null && part !== '').join(': '))
}

/** What a device's message writes into the row: nothing of a start for an ending that came without one. */
export function columnsOf(result: JobResult): Omit<Updateable<Tables['job']>, 'state'> {
  if (result.outcome === 'started') return { started_at: at(result.timeMs) }
  const ran = result.outcome !== 'refused' && result.outcome !== 'unknown'
  return {
    ...(ran ? { ended_at: at(result.timeMs) } : {}),
    ...(ran && result.durationMs !== null
      ? { started_at: at(Math.max(0, result.timeMs - Math.round(result.durationMs))) }
      : {}),
    // As PowerShell shows it: a code of Windows beyond 31 bits is negative.
    exit_code: result.exitCode === null ? null : result.exitCode | 0,
    stdout: text(result.stdout),
    stderr: text(result.stderr),
    fields: json(result.fields),
    stdout_bytes: result.stdoutBytes,
    stderr_bytes: result.stderrBytes,
    transcript: json(result.transcript),
  }
}
