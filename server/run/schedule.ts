import { randomUUID } from 'node:crypto'
import { asVigiaError } from '../../contract/errors.ts'
import type { Db } from '../records/records.ts'
import { at, ms } from '../records/schema.ts'
import { judgeDue } from './occurrence.ts'
import { plan, refuseEmpty } from './plan.ts'
import type { RunPorts } from './ports.ts'
import { allowedNow } from './rights.ts'
import { insertRun, lockRun, startRun, type RunRow } from './rows.ts'

/** Runs whose time has come. */
export async function dueRuns(db: Db, nowMs: number): Promise<string[]> {
  const rows = await db
    .selectFrom('run')
    .select('run_id')
    .where('state', '=', 'scheduled')
    .where('next_at', '<=', at(nowMs))
    .orderBy('next_at')
    .execute()
  return rows.map((row) => row.run_id)
}

/**
 * Lets a run begin whose time has come; the answer is the run that is at work now: itself, or the one that its schedule
 * makes. Undefined when nothing begins; the row then says why. The devices are those of now, the script is the version
 * that was ordered, and the clients are those that the person who ordered it might reach then and may reach now.
 */
export async function beginDue(
  db: Db,
  ports: RunPorts,
  id: string,
  nowMs: number,
): Promise<string | undefined> {
  const run = await lockRun(db, id)
  if (!run || run.state !== 'scheduled' || run.next_at === null || ms(run.next_at) > nowMs) return undefined
  const { when } = run.request
  const off = await ports.held(db)
  const judged = judgeDue({ when, dueMs: ms(run.next_at), nowMs, busy: await isBusy(db, id) })
  const due = off ? { ...judged, begin: false, why: `commands are switched off: ${off.reason}` } : judged
  const once = when.kind !== 'cron'
  if (!due.begin) {
    await note(db, ports, run, 'run.miss', due.why)
    await settle(db, run, { why: due.why, nextMs: due.nextMs, nowMs, over: once })
    return undefined
  }
  try {
    const begun = once ? id : randomUUID()
    await begin(db, ports, { run, begun, nowMs })
    if (!once) await settle(db, run, { why: null, nextMs: due.nextMs, nowMs, over: due.nextMs === null })
    return begun
  } catch (thrown) {
    const error = asVigiaError(thrown)
    // What may pass by itself (the database is away) is tried again within the grace.
    if (error.retry !== 'permanent' && error.code !== 'DEVICE_OFFLINE') throw error
    const why = `${error.code}: ${error.message}`
    await note(db, ports, run, 'run.miss', why)
    await settle(db, run, { why, nextMs: due.nextMs, nowMs, over: once })
    return undefined
  }
}

async function begin(
  db: Db,
  ports: RunPorts,
  { run, begun, nowMs }: { run: RunRow; begun: string; nowMs: number },
): Promise<void> {
  const clients = await allowedNow(db, ports, run)
  const who = { name: run.ordered_by, clients, proof: 'schedule' }
  const request = { ...run.request, when: { kind: 'now' } } as const
  const planned = await plan(db, ports, { request, who, digest: run.script_digest })
  refuseEmpty(planned, request)
  const { devices, ends } = planned
  if (begun === run.run_id) await startRun(db, { id: begun, devices, ends, nowMs })
  else
    await insertRun(db, {
      ...{ id: begun, digest: run.script_digest, schedule: run.run_id, state: 'running' },
      request,
      ...{ orderedBy: run.ordered_by, clients, nowMs, nextMs: null, devices, ends },
    })
  await ports.note(db, {
    ...{ who: run.ordered_by, action: 'run.begin', client: null, subject: begun },
    detail: { schedule: run.run_id, script: run.script_digest, devices: devices.length },
  })
}

async function note(db: Db, ports: RunPorts, run: RunRow, action: string, why: string | null): Promise<void> {
  await ports.note(db, { who: 'server', action, client: null, subject: run.run_id, detail: { why } })
}

/** Is the run that this schedule made before still at work? */
async function isBusy(db: Db, schedule: string): Promise<boolean> {
  const row = await db
    .selectFrom('run')
    .select('run_id')
    .where('schedule_id', '=', schedule)
    .where('state', '=', 'running')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function settle(
  db: Db,
  run: RunRow,
  to: { why: string | null; nextMs: number | null; nowMs: number; over: boolean },
): Promise<void> {
  const over = to.over || to.nextMs === null
  await db
    .updateTable('run')
    .set({
      why: to.why,
      next_at: over ? null : at(to.nextMs),
      ...(over ? { state: to.why === null ? 'done' : 'stopped', ended_at: at(to.nowMs) } : {}),
    })
    .where('run_id', '=', run.run_id)
    .execute()
}
