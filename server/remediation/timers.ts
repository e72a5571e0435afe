import { sql } from 'kysely'
import type { JobState } from '../../contract/command.ts'
import type { Db } from '../records/records.ts'
import { at } from '../records/schema.ts'
import { advance } from './advance.ts'
import { lockJobInOrder, stepJob, type Work } from './effects.ts'
import type { JobRow } from './job-rows.ts'
import { ACTIVE_STATES, type JobEvent } from './job-state.ts'

/** A device says `started` at once; after this long without a word nobody knows. */
const WORD_WITHIN_MS = 60_000
/** On top of a script's own time limit, for the result to arrive. */
const RESULT_GRACE_MS = 120_000

/** Jobs on which a limit has passed, by the server's clock; of one job only where `id` is given. */
export async function dueJobs(db: Db, nowMs: number, id?: string): Promise<string[]> {
  const select = db
    .selectFrom('job')
    .innerJoin('script', 'script.digest', 'job.script_digest')
    .select('job.job_id')
    .where((eb) =>
      eb.or([
        eb.and([eb('state', '=', 'pending'), eb('expires_at', '<=', at(nowMs))]),
        eb.and([eb('state', '=', 'sent'), eb('sent_at', '<=', at(nowMs - WORD_WITHIN_MS))]),
        eb.and([
          eb('state', '=', 'running'),
          sql<boolean>`sent_at + make_interval(secs => (script.content->>'timeoutS')::integer)
            <= ${at(nowMs - RESULT_GRACE_MS)}`,
        ]),
        eb.and([eb('state', '=', 'succeeded'), eb('verify_by', '<=', at(nowMs))]),
      ]),
    )
  const rows = await (id === undefined ? select : select.where('job_id', '=', id)).execute()
  return rows.map((row) => row.job_id)
}

/** Jobs that went out before `sinceMs` and are still at work: their devices may have kept a word for the server. */
export async function jobsAtWork(db: Db, sinceMs: number): Promise<string[]> {
  const rows = await db
    .selectFrom('job')
    .select('job_id')
    .where('sent_at', '<', at(sinceMs))
    .where((eb) =>
      eb.or([
        eb('state', 'in', ['sent', 'running']),
        eb.and([eb('state', '=', 'succeeded'), eb('verify_by', 'is not', null)]),
      ]),
    )
    .execute()
  return rows.map((row) => row.job_id)
}

/**
 * Incidents that wait for a decision while no job of theirs is at work, and ended ones that were not settled because
 * the server stopped in between. Information without a remedy asks for nobody and is left out. Each part starts
 * from what is in hand (see migration 0003), never from all that ever was.
 */
export async function unsettledIncidents(db: Db): Promise<string[]> {
  const waiting = await db
    .selectFrom('incident')
    .select('incident_id')
    .where('state', 'in', ['open', 'remediating'])
    .where((eb) => eb.or([eb('severity', '<>', 'info'), sql<boolean>`remedy ? 'name'`]))
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('job')
            .select('job.job_id')
            .whereRef('job.incident_id', '=', 'incident.incident_id')
            .where(inHand(ACTIVE_STATES)),
        ),
      ),
    )
    .execute()
  const overWithJobs = await db
    .selectFrom('job')
    .innerJoin('incident', 'incident.incident_id', 'job.incident_id')
    .select('incident.incident_id')
    .where(inHand(['pending']))
    .where('incident.state', '=', 'resolved')
    .execute()
  const overWithTicket = await db
    .selectFrom('ticket')
    .innerJoin('incident', 'incident.incident_id', 'ticket.incident_id')
    .select('incident.incident_id')
    .where('ticket.state', '=', 'new')
    .where('incident.state', '=', 'resolved')
    .execute()
  const all = [...waiting, ...overWithJobs, ...overWithTicket]
  return [...new Set(all.map((row) => row.incident_id))]
}

/** Jobs in these states, or waiting to be verified. */
function inHand(states: readonly JobState[]) {
  return sql<boolean>`(job.state in (${sql.join(states)})
    or (job.state = 'succeeded' and job.verify_by is not null))`
}

/** Pending jobs, oldest first, with their devices. */
export async function pendingJobs(db: Db, device?: string): Promise<{ id: string; device: string }[]> {
  let select = db
    .selectFrom('job')
    .select(['job_id', 'device_id'])
    .where('state', '=', 'pending')
    .orderBy('created_at')
  if (device !== undefined) select = select.where('device_id', '=', device)
  return (await select.execute()).map((row) => ({ id: row.job_id, device: row.device_id }))
}

/** Applies the limit that has passed on one job, and brings its incident forward. */
export async function passLimit(work: Work, id: string): Promise<void> {
  const job = await lockJobInOrder(work.db, id)
  if (!job || (await dueJobs(work.db, work.nowMs, id)).length === 0) return
  const event = limitEvent(job)
  if (event) await stepJob(work, job, event)
  if (job.incident_id !== null) await advance(work, job.incident_id)
  // Whoever has an edge of its own by now is not verified any more.
  if (job.state === 'succeeded')
    await work.db
      .updateTable('job')
      .set({ verify_by: null })
      .where('job_id', '=', id)
      .where('state', '=', 'succeeded')
      .execute()
}

function limitEvent(job: JobRow): JobEvent | undefined {
  switch (job.state) {
    case 'pending':
      return { type: 'expire', why: 'the device did not come online, or was busy, until it expired' }
    case 'sent':
      return { type: 'lost', why: 'the device said nothing within a minute' }
    case 'running':
      return { type: 'lost', why: 'no result within the time limit of the script' }
    case 'succeeded':
    case 'verified':
    case 'failed':
    case 'refused':
    case 'cancelled':
    case 'expired':
    case 'unknown':
      return undefined
    default:
      return job.state satisfies never
  }
}
