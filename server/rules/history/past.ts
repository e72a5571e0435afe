import type { Records } from '../../records/records.ts'
import { at, ms } from '../../records/schema.ts'
import { type Span, without } from './run.ts'

/** When this server watched within a span, in order and without overlap. */
export async function watchedWithin(records: Records, span: Span): Promise<Span[]> {
  const rows = await records.operator((db) =>
    db
      .selectFrom('server_run')
      .select(['started_at', 'alive_at'])
      .where('alive_at', '>=', at(span.fromMs))
      .where('started_at', '<=', at(span.toMs))
      .orderBy('started_at')
      .execute(),
  )
  const runs = rows.map((row) => ({ fromMs: ms(row.started_at), toMs: ms(row.alive_at) }))
  return without(span, without(span, runs))
}

/** When a device was not connected within a span, in order; nothing where its sessions were never noted. */
export async function awayWithin(
  records: Records,
  { client, device }: { client: string; device: string },
  span: Span,
): Promise<Span[]> {
  const rows = await records.tenant(client, (db) =>
    db
      .selectFrom('presence')
      .select(['online_at', 'offline_at'])
      .where('device_id', '=', device)
      .orderBy('online_at')
      .execute(),
  )
  const online = rows.map((row) => ({ fromMs: ms(row.online_at), toMs: ms(row.offline_at) ?? span.toMs }))
  return online.length === 0 ? [] : without(span, online)
}
