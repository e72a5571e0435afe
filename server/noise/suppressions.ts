import { sql } from 'kysely'
import type { Suppression, Suppressor } from '../../contract/noise.ts'
import type { Step } from '../../rules/noise/state.ts'
import type { Db, Records } from '../records/records.ts'
import { at, ms, text } from '../records/schema.ts'

/** What was suppressed is found this long, unless it still lasts. */
const RETENTION_MS = 90 * 86_400_000

type Query = {
  limit: number
  client?: string | undefined
  device?: string | undefined
  rule?: string | undefined
  by?: Suppressor | undefined
  sinceMs?: number | undefined
  /** Only what lasts. */
  active?: boolean | undefined
}

/** Begins or ends an episode in the log, inside the caller's transaction. The same again changes nothing. */
export async function logStep(
  db: Db,
  client: string,
  step: Extract<Step, { do: 'suppress' | 'release' }>,
): Promise<void> {
  const { alert, by, id, atMs } = step
  if (step.do === 'release') {
    await db
      .updateTable('suppression')
      .set({ ended_at: at(atMs) })
      .where('device_id', '=', alert.device)
      .where('fingerprint', '=', text(alert.fingerprint))
      .where('what', '=', 'incident')
      .where('by_kind', '=', by)
      .where('by_id', '=', text(id))
      .where('ended_at', 'is', null)
      .execute()
    return
  }
  await db
    .insertInto('suppression')
    .values({
      client_id: client,
      device_id: alert.device,
      rule: alert.rule,
      fingerprint: text(alert.fingerprint),
      what: 'incident',
      by_kind: by,
      by_id: text(id),
      why: text(step.why),
      started_at: at(atMs),
      ended_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The log, newest first. */
export function listSuppressions(records: Records, query: Query): Promise<Suppression[]> {
  return records.operator(async (db) => {
    let select = db
      .selectFrom('suppression')
      .innerJoin('device', 'device.device_id', 'suppression.device_id')
      .selectAll('suppression')
      .select('device.hostname')
      .orderBy('suppression.started_at', 'desc')
      .orderBy('suppression.suppression_id', 'desc')
      .limit(query.limit)
    if (query.client !== undefined) select = select.where('suppression.client_id', '=', query.client)
    if (query.device !== undefined) select = select.where('suppression.device_id', '=', query.device)
    if (query.rule !== undefined) select = select.where('suppression.rule', '=', query.rule)
    if (query.by !== undefined) select = select.where('suppression.by_kind', '=', query.by)
    if (query.sinceMs !== undefined)
      select = select.where(sql<boolean>`coalesce(suppression.ended_at, 'infinity') >= ${at(query.sinceMs)}`)
    if (query.active === true) select = select.where('suppression.ended_at', 'is', null)
    return (await select.execute()).map((row) => ({
      id: row.suppression_id,
      client: row.client_id,
      device: row.device_id,
      hostname: row.hostname,
      rule: row.rule,
      fingerprint: row.fingerprint,
      what: row.what,
      by: row.by_kind,
      byId: row.by_id,
      why: row.why,
      startedAtMs: ms(row.started_at),
      endedAtMs: ms(row.ended_at),
    }))
  })
}

/** Removes what ended long ago; how many rows. */
export function sweepSuppressions(records: Records, nowMs: number): Promise<number> {
  return records.operator(async (db) => {
    const done = await db
      .deleteFrom('suppression')
      .where('ended_at', '<', at(nowMs - RETENTION_MS))
      .executeTakeFirst()
    return Number(done.numDeletedRows)
  })
}
