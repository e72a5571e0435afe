import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { LedgerEntry } from '../../contract/incident.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, type Tables } from '../records/schema.ts'

export type LedgerQuery = { limit: number; client?: string | undefined; sinceMs?: number | undefined }

/**
 * Enters an incident that a remedy ended, once however often it is asked. `before` and `after` are the value of
 * the incident's own series at its opening and at its recovery; answers them.
 */
export async function enterLedger(
  db: Db,
  incident: Selectable<Tables['incident']>,
  job: { id: string; remedy: string },
): Promise<{ before: number | null; after: number | null; tookMs: number }> {
  const story = await db
    .selectFrom('incident_event')
    .select(['kind', 'detail'])
    .where('incident_id', '=', incident.incident_id)
    .where('kind', 'in', ['opened', 'reopened', 'evidence', 'resolved'])
    .orderBy('event_id')
    .execute()
  const opening = story.findLast((line) => line.kind === 'opened' || line.kind === 'reopened')
  const own = opening?.detail['fingerprint']
  const recovery = story.findLast((line) => line.detail['fingerprint'] === own) ?? story.at(-1)
  const before = numberOf(opening?.detail['value'])
  const after = numberOf(recovery?.detail['value'])
  const detectedAtMs = ms(incident.opened_at)
  const endedAtMs = ms(incident.resolved_at) ?? detectedAtMs
  const tookMs = Math.max(0, endedAtMs - detectedAtMs)
  await db
    .insertInto('ledger')
    .values({
      ledger_id: randomUUID(),
      client_id: incident.client_id,
      device_id: incident.device_id,
      incident_id: incident.incident_id,
      job_id: job.id,
      rule: incident.rule,
      title: json(incident.title),
      remedy: job.remedy,
      at: at(endedAtMs),
      detected_at: at(detectedAtMs),
      forecast_at: at(incident.evidence.forecast?.atMs ?? null),
      unit: incident.evidence.unit,
      before,
      after,
      took_ms: Math.round(tookMs),
    })
    .onConflict((conflict) => conflict.column('incident_id').doNothing())
    .execute()
  return { before, after, tookMs }
}

/** The ledger of avoided trouble, newest first. */
export function listLedger(records: Records, query: LedgerQuery): Promise<LedgerEntry[]> {
  return records.operator(async (db) => {
    let select = db
      .selectFrom('ledger')
      .innerJoin('device', 'device.device_id', 'ledger.device_id')
      .selectAll('ledger')
      .select('device.hostname')
      .orderBy('ledger.at', 'desc')
      .limit(query.limit)
    if (query.client !== undefined) select = select.where('ledger.client_id', '=', query.client)
    if (query.sinceMs !== undefined) select = select.where('ledger.at', '>=', at(query.sinceMs))
    return (await select.execute()).map((row) => ({
      id: row.ledger_id,
      client: row.client_id,
      device: row.device_id,
      hostname: row.hostname,
      incident: row.incident_id,
      rule: row.rule,
      title: row.title,
      remedy: row.remedy,
      job: row.job_id,
      atMs: ms(row.at),
      detectedAtMs: ms(row.detected_at),
      forecastAtMs: ms(row.forecast_at),
      unit: row.unit,
      before: row.before,
      after: row.after,
      tookMs: row.took_ms,
    }))
  })
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
