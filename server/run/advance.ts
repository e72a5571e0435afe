import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { ErrorCode } from '../../contract/errors.ts'
import type { Db } from '../records/records.ts'
import { at } from '../records/schema.ts'
import { course } from './course.ts'
import { createRefusal } from './plan.ts'
import type { RunJob, RunPorts } from './ports.ts'
import { withdrawn } from './rights.ts'
import { countWaves, lockRun, type Retrying, type RunRow } from './rows.ts'

/** How often a job may be tried in all when nobody knows how it ended; only of scripts that may run twice. */
const ATTEMPTS = 3
const RETRY_AFTER_MS = 10_000
/** On top of the script's own time limit: so long after it left, a job may still be tried again. */
const RETRY_WITHIN_MS = 10 * 60_000
/** A guard against a fault of ours: no run has more steps at once than waves and releases allow. */
const MOST_STEPS = 1000

/** What is to happen once the transaction stands. */
export type Moved = { changed: boolean; send: string[]; end: string[] }

type Work = { db: Db; ports: RunPorts; run: RunRow; nowMs: number; moved: Moved }

/**
 * Brings one run as far as it goes now: lets devices go, begins the next wave, stops or ends it. Reads everything from
 * the rows, so it may be called at any time and as often as one likes.
 */
export async function advance(db: Db, ports: RunPorts, id: string, nowMs: number): Promise<Moved> {
  const moved: Moved = { changed: false, send: [], end: [] }
  const run = await lockRun(db, id)
  if (!run || run.state !== 'running') return moved
  const work: Work = { db, ports, run, nowMs, moved }
  const why = await withdrawn(db, ports, run)
  if (why !== null) {
    await finish(work, 'stopped', why)
    return moved
  }
  const held = (await ports.held(db)) !== null
  await letGoOfAway(work)
  for (let step = 0; step < MOST_STEPS; step++) {
    const { counts } = await countWaves(db, { id, wave: run.wave }, retrying(run), nowMs)
    const { concurrency, stop } = run.request
    const next = course({
      ...{ counts, held, concurrency, stop },
      ...{ wave: run.wave, lastWave: run.waves.length - 1 },
    })
    switch (next.next) {
      case 'wait':
        return moved
      case 'release':
        // What was left out makes room for others; what went is at work, and there is no more room.
        if ((await release(work, next.most)) > 0) return moved
        break
      case 'next-wave':
        await beginWave(work)
        break
      case 'stop':
        await finish(work, 'stopped', next.why)
        return moved
      case 'done':
        await finish(work, 'done', null)
        return moved
      default:
        next satisfies never
    }
  }
  return moved
}

function retrying(run: RunRow): Retrying {
  return {
    idempotent: run.idempotent,
    attempts: ATTEMPTS,
    afterMs: RETRY_AFTER_MS,
    withinMs: run.timeout_s * 1000 + RETRY_WITHIN_MS,
  }
}

async function beginWave({ db, run, nowMs, moved }: Work): Promise<void> {
  run.wave += 1
  run.wave_started_at = [...run.wave_started_at, at(nowMs)]
  moved.changed = true
  await db
    .updateTable('run')
    .set({ wave: run.wave, wave_started_at: run.wave_started_at })
    .where('run_id', '=', run.run_id)
    .execute()
  await letGoOfAway({ db, run, nowMs, moved })
}

/** Devices that are away: not waited for at all, or no longer than the order allows from the start of their wave. */
async function letGoOfAway({ db, run, nowMs, moved }: Omit<Work, 'ports'>): Promise<void> {
  const skip = run.request.offline === 'skip'
  const since = nowMs - run.request.expiresInS * 1000
  // Waves begin one after the other: those whose time is over are the first ones.
  const over = skip
    ? run.wave + 1
    : run.wave_started_at.filter((started) => started.getTime() <= since).length
  if (over === 0) return
  const code: ErrorCode = skip ? 'DEVICE_OFFLINE' : 'COMMAND_EXPIRED'
  const { numUpdatedRows } = await db
    .updateTable('run_device')
    .set({ left_out: code })
    .where('run_id', '=', run.run_id)
    .where('job_id', 'is', null)
    .where('left_out', 'is', null)
    .where('wave', '<', over)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('presence')
            .select('presence_id')
            .whereRef('presence.device_id', '=', 'run_device.device_id')
            .where('offline_at', 'is', null),
        ),
      ),
    )
    .executeTakeFirst()
  if (numUpdatedRows > 0n) moved.changed = true
}

/** Orders for the next devices whose turn it is and that are connected; what was tried and is unknown goes first. */
async function release({ db, ports, run, nowMs, moved }: Work, most: number): Promise<number> {
  const { afterMs, withinMs } = retrying(run)
  const { rows } = await sql<{
    device: string
    client: string
    wave: number
    attempt: number | null
    revoked: boolean
  }>`
    select d.device_id as device, d.client_id as client, d.wave, j.attempt,
      device.revoked_at is not null as revoked
    from run_device d
    join presence p on p.device_id = d.device_id and p.offline_at is null
    join device on device.device_id = d.device_id
    left join job j on j.job_id = d.job_id
    where d.run_id = ${run.run_id} and d.wave <= ${run.wave} and d.left_out is null
      and (d.job_id is null or (${run.idempotent} and j.state = 'unknown' and j.attempt < ${ATTEMPTS}
        and j.sent_at <= ${at(nowMs - afterMs)} and j.sent_at > ${at(nowMs - withinMs)}))
    order by d.job_id is null, d.wave, d.place limit ${most}`.execute(db)
  const script = await ports.script(db, run.script_digest)
  const refusalOn = script
    ? createRefusal(ports, script)
    : () => ({ code: 'NOT_FOUND' as const, why: 'the script is gone' })
  const jobs: RunJob[] = []
  for (const { device, client, wave, attempt, revoked } of rows) {
    const foreign = run.allowed_clients !== null && !run.allowed_clients.includes(client)
    const code: ErrorCode | undefined = revoked
      ? 'DEVICE_REVOKED'
      : foreign
        ? 'FORBIDDEN'
        : refusalOn(device)?.code
    if (code !== undefined) {
      await leaveOut(db, run.run_id, device, code)
      continue
    }
    jobs.push({
      id: randomUUID(),
      ...{ client, device, digest: run.script_digest, dryRun: run.request.dryRun },
      parameters: run.request.parameters,
      orderedBy: run.ordered_by,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + run.request.expiresInS * 1000,
      run: { id: run.run_id, wave, attempt: (attempt ?? 0) + 1 },
    })
  }
  await ports.jobs.insert(db, jobs)
  if (jobs.length > 0)
    await sql`update run_device set job_id = new.job_id
      from unnest(${jobs.map(({ device }) => device)}::text[], ${jobs.map(({ id }) => id)}::uuid[])
        as new (device_id, job_id)
      where run_device.run_id = ${run.run_id} and run_device.device_id = new.device_id`.execute(db)
  moved.changed = true
  moved.send.push(...jobs.map(({ id }) => id))
  return jobs.length
}

async function leaveOut(db: Db, run: string, device: string, code: ErrorCode): Promise<void> {
  await db
    .updateTable('run_device')
    .set({ left_out: code })
    .where('run_id', '=', run)
    .where('device_id', '=', device)
    .execute()
}

/** The end of a run: what has not left is taken back; what is at work comes to its own end. */
async function finish(
  { db, run, nowMs, moved, ports }: Work,
  state: 'stopped' | 'done',
  why: string | null,
): Promise<void> {
  await db
    .updateTable('run')
    .set({ state, why, ended_at: at(nowMs) })
    .where('run_id', '=', run.run_id)
    .execute()
  await ports.note(db, {
    who: 'server',
    action: `run.${state === 'done' ? 'end' : 'stop'}`,
    client: null,
    subject: run.run_id,
    detail: { script: run.script_digest, why },
  })
  moved.changed = true
  if (state === 'stopped') moved.end.push(...(await jobsOf(db, run.run_id, ['pending'])))
}

/** Jobs of a run in these states. */
export async function jobsOf(
  db: Db,
  run: string,
  states: readonly ('pending' | 'sent' | 'running')[],
): Promise<string[]> {
  const rows = await db
    .selectFrom('job')
    .select('job_id')
    .where('run_id', '=', run)
    .where('state', 'in', states)
    .execute()
  return rows.map((row) => row.job_id)
}
