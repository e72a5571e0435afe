import type { Selectable } from 'kysely'
import type { LiveEvent } from '../../contract/views.ts'
import type { IncidentEvent } from '../../contract/incident.ts'
import type { Db } from '../records/records.ts'
import type { Tables } from '../records/schema.ts'
import { lockJob, updateJob, type JobChange, type JobRow } from './job-rows.ts'
import { isActive, jobStep, type JobEvent } from './job-state.ts'
import { outputHashes, type KeptOutput } from './output-hash.ts'
import type { Deed, IncidentKey, Ports } from './ports.ts'

export type IncidentRow = Selectable<Tables['incident']>

/**
 * What is to happen once the transaction stands: who is told, which jobs may go, and which runs go on. `deeds` enter the
 * audit chain as the last thing in it, since whoever has the chain must wait for no row.
 */
export type Effects = { events: LiveEvent[]; dispatch: string[]; runs: string[]; deeds: Deed[] }

/** One piece of work inside a transaction. */
export type Work = { db: Db; ports: Ports; nowMs: number; effects: Effects }

/** The name under which an incident's story is told. */
export function keyOf(incident: IncidentRow): IncidentKey {
  return { client: incident.client_id, id: incident.incident_id }
}

/** Adds a line to the story of an incident and lets its readers know. */
export async function tell(
  work: Work,
  incident: { client_id: string; incident_id: string; device_id: string },
  kind: IncidentEvent['kind'],
  detail: Record<string, unknown>,
): Promise<void> {
  const key = { client: incident.client_id, id: incident.incident_id }
  await work.ports.incidents.tell(work.db, key, [{ atMs: work.nowMs, kind, detail }])
  work.effects.events.push({ type: 'incident', id: incident.incident_id, device: incident.device_id })
}

/** The incident, locked until the transaction ends. */
export async function lockIncident(db: Db, id: string): Promise<IncidentRow | undefined> {
  return db.selectFrom('incident').selectAll().where('incident_id', '=', id).forUpdate().executeTakeFirst()
}

/** Locks a job, and its incident before it: the one order in which everybody locks. */
export async function lockJobInOrder(db: Db, id: string): Promise<JobRow | undefined> {
  const row = await db.selectFrom('job').select('incident_id').where('job_id', '=', id).executeTakeFirst()
  if (!row) return undefined
  if (row.incident_id !== null) await lockIncident(db, row.incident_id)
  return lockJob(db, id)
}

/** Takes one step of a locked job, with whatever else its row is to hold; false when it does not fit its state. */
export async function stepJob(
  work: Work,
  job: JobRow,
  event: JobEvent,
  columns: Omit<JobChange, 'state'> = {},
): Promise<boolean> {
  const { state, changed, why } = jobStep(job.state, event)
  if (!changed) return false
  const reason = why === '' ? null : why.slice(0, 2000)
  await updateJob(work.db, job.job_id, { ...columns, state, reason })
  work.effects.events.push({ type: 'job', id: job.job_id })
  if (job.run_id !== null && !isActive(state)) work.effects.runs.push(job.run_id)
  const judged = event.type === 'verify' || event.type === 'fail-verification'
  if (!isActive(state) && !judged) work.effects.deeds.push(endOf(job, { ...columns, state, reason }))
  if (job.incident_id !== null && !judged)
    await tell(work, { ...job, incident_id: job.incident_id }, 'remedy-state', {
      job: job.job_id,
      remedy: job.script,
      state,
      reason,
      exitCode: columns.exit_code ?? null,
    })
  return true
}

/** How a job ended, for the audit chain: with the hashes of what it printed, null where nothing came of that. */
function endOf(job: JobRow, { state, reason, exit_code, ...told }: JobChange): Deed {
  return {
    ...{ who: 'server', action: 'job.end', client: job.client_id, subject: job.job_id },
    detail: { device: job.device_id, state, reason, exitCode: exit_code ?? null, ...hashesOf(told) },
  }
}

function hashesOf({
  stdout,
  stderr,
  fields,
  transcript,
}: Omit<JobChange, 'state'>): { output: string; shown: string } | { output: null } {
  if (stdout === undefined && stderr === undefined) return { output: null }
  return outputHashes({
    ...{ stdout: stdout ?? '', stderr: stderr ?? '' },
    // As the database has them: what it cannot hold was taken out when they became JSON.
    fields: JSON.parse(fields ?? '{}') as KeptOutput['fields'],
    transcript: JSON.parse(transcript ?? '[]') as KeptOutput['transcript'],
  })
}
