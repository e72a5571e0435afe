import { sql, type Selectable } from 'kysely'
import type { RunRequest, RunView } from '../../contract/run.ts'
import { readerNow } from '../records/reader.ts'
import type { Db } from '../records/records.ts'
import { at, json, ms, type Tables } from '../records/schema.ts'
import type { WaveCounts } from './course.ts'
import type { TargetDevice } from './targets.ts'
import { waveAt } from './waves.ts'

export type RunRow = Selectable<Tables['run']> & {
  script: string
  script_version: number
  title: string
  idempotent: boolean
  timeout_s: number
}

/** Runs with what their script says of itself; add the conditions. */
export function runRows(db: Db) {
  return db
    .selectFrom('run')
    .innerJoin('script', 'script.digest', 'run.script_digest')
    .selectAll('run')
    .select([
      'script.name as script',
      'script.version as script_version',
      sql<string>`script.content->>'title'`.as('title'),
      sql<boolean>`(script.content->>'idempotent')::boolean`.as('idempotent'),
      sql<number>`(script.content->>'timeoutS')::integer`.as('timeout_s'),
    ])
}

/** A run, locked until the transaction ends. */
export async function lockRun(db: Db, id: string): Promise<RunRow | undefined> {
  return runRows(db).where('run.run_id', '=', id).forUpdate('run').executeTakeFirst()
}

export type NewRun = {
  id: string
  digest: string
  request: RunRequest
  schedule: string | null
  state: 'scheduled' | 'running'
  orderedBy: string
  clients: readonly string[] | null
  nowMs: number
  nextMs: number | null
  devices: readonly TargetDevice[]
  ends: readonly number[]
}

const PAGE = 1000

/** Stores a run with its devices, each in its wave. */
export async function insertRun(db: Db, run: NewRun): Promise<void> {
  await db
    .insertInto('run')
    .values({
      run_id: run.id,
      script_digest: run.digest,
      request: json(run.request),
      schedule_id: run.schedule,
      state: run.state,
      why: null,
      ordered_by: run.orderedBy,
      allowed_clients: run.clients === null ? null : [...run.clients],
      created_at: at(run.nowMs),
      started_at: null,
      ended_at: null,
      next_at: at(run.nextMs),
    })
    .execute()
  if (run.state === 'running') await startRun(db, run)
}

/** Gives a run its devices and lets its first wave begin. */
export async function startRun(
  db: Db,
  run: Pick<NewRun, 'id' | 'devices' | 'ends' | 'nowMs'>,
): Promise<void> {
  for (let from = 0; from < run.devices.length; from += PAGE)
    await db
      .insertInto('run_device')
      .values(
        run.devices.slice(from, from + PAGE).map((device, index) => ({
          run_id: run.id,
          client_id: device.client,
          device_id: device.id,
          wave: waveAt(from + index, run.ends),
          place: from + index,
          job_id: null,
          left_out: null,
        })),
      )
      .execute()
  await db
    .updateTable('run')
    .set({
      state: 'running',
      started_at: at(run.nowMs),
      next_at: null,
      wave: 0,
      waves: [...run.ends],
      wave_started_at: [at(run.nowMs)],
    })
    .where('run_id', '=', run.id)
    .execute()
}

/** How a job may be tried again after nobody knew how it ended. */
export type Retrying = { idempotent: boolean; attempts: number; afterMs: number; withinMs: number }

/** Where the devices of the waves stand that have begun, counted in the database. */
export async function countWaves(
  db: Db,
  run: { id: string; wave: number },
  { idempotent, attempts, afterMs, withinMs }: Retrying,
  nowMs: number,
): Promise<{ counts: WaveCounts[]; leftOut: number }> {
  const retries = idempotent
    ? sql<boolean>`j.attempt < ${attempts} and j.sent_at > ${at(nowMs - withinMs)}`
    : sql<boolean>`false`
  const { rows } = await sql<{ wave: number; stand: string; count: number }>`
    select d.wave, case
      when d.left_out is not null then 'left-out'
      when d.job_id is null then case when p.presence_id is null then 'away' else 'ready' end
      when j.state = 'pending' then case when p.presence_id is null then 'parked' else 'atWork' end
      when j.state in ('sent', 'running') then 'atWork'
      when j.state in ('succeeded', 'verified') then 'ok'
      when j.state = 'unknown' and ${retries} then
        case when j.sent_at <= ${at(nowMs - afterMs)} and p.presence_id is not null then 'retryDue' else 'retryLater' end
      when j.state in ('failed', 'refused', 'unknown') then 'failed'
      else 'over' end as stand, count(*) as count
    from run_device d
    left join job j on j.job_id = d.job_id
    left join presence p on p.device_id = d.device_id and p.offline_at is null
    where d.run_id = ${run.id} and d.wave <= ${run.wave}
    group by 1, 2`.execute(db)
  const counts = Array.from({ length: run.wave + 1 }, (_, wave) => emptyCounts(wave))
  let leftOut = 0
  for (const { wave, stand, count } of rows) {
    if (stand === 'left-out') leftOut += count
    const row = counts[wave]
    if (row && stand in row) row[stand as keyof WaveCounts] = count
  }
  return { counts, leftOut }
}

function emptyCounts(wave: number): WaveCounts {
  return { wave, ready: 0, away: 0, atWork: 0, parked: 0, retryDue: 0, retryLater: 0, ok: 0, failed: 0 }
}

/** Jobs of runs by state; `waiting` are devices whose turn has not come, `left-out` those whose turn will not. */
export async function countStates(
  db: Db,
  runs: readonly string[],
): Promise<Map<string, { devices: number; counts: Record<string, number> }>> {
  const found = new Map<string, { devices: number; counts: Record<string, number> }>()
  if (runs.length === 0) return found
  const { rows } = await sql<{ run: string; state: string; count: number }>`
    select d.run_id as run, case when d.left_out is not null then 'left-out'
      when d.job_id is null then 'waiting' else j.state end as state, count(*) as count
    from run_device d left join job j on j.job_id = d.job_id
    where d.run_id = any(${runs}) group by 1, 2`.execute(db)
  for (const { run, state, count } of rows) {
    const one = found.get(run) ?? { devices: 0, counts: {} }
    one.devices += count
    one.counts[state] = count
    found.set(run, one)
  }
  return found
}

/** A run as pages and the CLI see it. What never began of a run that is over was left out. */
export function toRunView(
  row: RunRow,
  counted: { devices: number; counts: Record<string, number> } = { devices: 0, counts: {} },
): RunView {
  const { waiting, ...rest } = counted.counts
  const over = row.state === 'stopped' || row.state === 'cancelled'
  const leftOut = (rest['left-out'] ?? 0) + (over ? (waiting ?? 0) : 0)
  return {
    id: row.run_id,
    script: row.script,
    scriptVersion: row.script_version,
    scriptDigest: row.script_digest,
    title: row.title,
    request: row.request,
    schedule: row.schedule_id,
    state: row.state,
    why: row.why,
    orderedBy: row.ordered_by,
    createdAtMs: ms(row.created_at),
    startedAtMs: ms(row.started_at),
    endedAtMs: ms(row.ended_at),
    nextMs: ms(row.next_at),
    devices: counted.devices,
    wave: row.wave,
    waves: row.waves,
    counts: {
      ...rest,
      ...(waiting !== undefined && !over ? { waiting } : {}),
      ...(leftOut > 0 ? { 'left-out': leftOut } : {}),
    },
  }
}

/** Of runs over lists of devices whoever asks sees no other devices than their own. */
export async function withSeenTargets(db: Db, views: RunView[]): Promise<RunView[]> {
  if (readerNow() === null) return views
  const named = views.flatMap(({ request: { target } }) => (target.kind === 'devices' ? target.devices : []))
  const { rows } = await sql<{ device: string }>`select device_id as device from device
    where device_id = any(${[...new Set(named)]})`.execute(db)
  const seen = new Set(rows.map(({ device }) => device))
  return views.map((view) => {
    const { target } = view.request
    if (target.kind !== 'devices') return view
    const devices = target.devices.filter((device) => seen.has(device))
    return { ...view, request: { ...view.request, target: { ...target, devices } } }
  })
}
