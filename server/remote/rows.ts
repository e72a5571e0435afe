import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { RemoteKind } from '../../contract/remote/policy.ts'
import type { RemoteRequest, RemoteState, RemoteView } from '../../contract/remote/session.ts'
import type { Db } from '../records/records.ts'
import { at, json, ms, text } from '../records/schema.ts'

const OPEN: RemoteState[] = ['requested', 'asking', 'open']

/** False when there is a session of this id already. */
export async function insertSession(
  db: Db,
  session: {
    request: RemoteRequest
    envelope: DsseEnvelope
    keyid: string
    recording: string | null
    nowMs: number
  },
): Promise<boolean> {
  const { request, envelope, keyid, recording, nowMs } = session
  const row = await db
    .insertInto('remote_session')
    .values({
      session_id: request.session,
      client_id: request.client,
      device_id: request.device,
      kind: request.kind,
      control: request.control,
      technician: text(request.technician),
      keyid,
      reason: text(request.reason),
      request: json(envelope),
      state: 'requested',
      why: null,
      requested_at: at(nowMs),
      opened_at: null,
      closed_at: null,
      recording,
      recording_sha256: null,
    })
    .onConflict((conflict) => conflict.column('session_id').doNothing())
    .returning('session_id')
    .executeTakeFirst()
  return row !== undefined
}

/** `asking` and `open`, only for a session that is not over. */
export async function noteState(db: Db, id: string, state: 'asking' | 'open', nowMs: number): Promise<void> {
  await db
    .updateTable('remote_session')
    .set({ state, ...(state === 'open' ? { opened_at: at(nowMs) } : {}) })
    .where('session_id', '=', id)
    .where('state', 'in', OPEN)
    .execute()
}

export async function noteEnd(
  db: Db,
  id: string,
  end: {
    state: 'refused' | 'closed'
    why: string
    nowMs: number
    bytes: { toDevice: number; toTechnician: number }
    recordingSha256: string | null
  },
): Promise<void> {
  await db
    .updateTable('remote_session')
    .set({
      state: end.state,
      why: text(end.why),
      closed_at: at(end.nowMs),
      bytes_in: end.bytes.toDevice,
      bytes_out: end.bytes.toTechnician,
      recording_sha256: end.recordingSha256,
    })
    .where('session_id', '=', id)
    .execute()
}

/** Sessions that a server which is gone left open: they are closed now. */
export async function closeLeftOpen(
  db: Db,
  why: string,
  nowMs: number,
): Promise<{ id: string; client: string; device: string }[]> {
  const rows = await db
    .updateTable('remote_session')
    .set({ state: 'closed', why, closed_at: at(nowMs) })
    .where('state', 'in', OPEN)
    .returning(['session_id', 'client_id', 'device_id'])
    .execute()
  return rows.map((row) => ({ id: row.session_id, client: row.client_id, device: row.device_id }))
}

export async function listSessions(
  db: Db,
  filter: { device?: string | undefined; kind?: RemoteKind | undefined; limit: number },
): Promise<RemoteView[]> {
  let query = rowsOf(db)
  if (filter.device !== undefined) query = query.where('remote_session.device_id', '=', filter.device)
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind)
  const rows = await query.orderBy('requested_at', 'desc').limit(filter.limit).execute()
  return rows.map(toView)
}

export async function readSession(
  db: Db,
  id: string,
): Promise<{ view: RemoteView; recording: string | null } | undefined> {
  const row = await rowsOf(db).where('session_id', '=', id).executeTakeFirst()
  return row && { view: toView(row), recording: row.recording }
}

function rowsOf(db: Db) {
  return db
    .selectFrom('remote_session')
    .innerJoin('device', 'device.device_id', 'remote_session.device_id')
    .selectAll('remote_session')
    .select('device.hostname')
}

type Row = Awaited<ReturnType<ReturnType<typeof rowsOf>['executeTakeFirstOrThrow']>>

function toView(row: Row): RemoteView {
  return {
    id: row.session_id,
    client: row.client_id,
    device: row.device_id,
    hostname: row.hostname,
    kind: row.kind,
    control: row.control,
    technician: row.technician,
    keyid: row.keyid,
    reason: row.reason,
    state: row.state,
    why: row.why,
    requestedAtMs: ms(row.requested_at),
    openedAtMs: row.opened_at && ms(row.opened_at),
    closedAtMs: row.closed_at && ms(row.closed_at),
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
    recorded: row.recording !== null && row.opened_at !== null,
  }
}
