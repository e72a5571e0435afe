import { SUPPRESSORS, type Suppressor } from '../../contract/noise.ts'
import type { IncidentEvent } from '../../contract/incident.ts'
import type { Db } from '../records/records.ts'
import { at, text } from '../records/schema.ts'

/**
 * Enters into the log of suppressions what kept an incident's remedy from running, and ends the entry when it runs
 * after all or is no longer wanted. Inside the caller's transaction; the same again changes nothing.
 */
export async function logRemedies(
  db: Db,
  key: { client: string; id: string },
  events: readonly IncidentEvent[],
): Promise<void> {
  for (const event of events) {
    const by = suppressorOf(event)
    if (by === undefined && !ENDS.includes(event.kind)) continue
    const incident = await db
      .selectFrom('incident')
      .select(['device_id', 'rule', 'cause', 'fingerprints'])
      .where('incident_id', '=', key.id)
      .executeTakeFirst()
    if (incident === undefined) continue
    await db
      .updateTable('suppression')
      .set({ ended_at: at(event.atMs) })
      .where('device_id', '=', incident.device_id)
      .where('what', '=', 'remedy')
      .where('by_id', '=', key.id)
      .where('by_kind', '<>', by ?? 'silence')
      .where('ended_at', 'is', null)
      .execute()
    if (by === undefined) continue
    await db
      .insertInto('suppression')
      .values({
        client_id: key.client,
        device_id: incident.device_id,
        rule: incident.rule,
        fingerprint: incident.fingerprints[0] ?? incident.cause,
        what: 'remedy',
        by_kind: by,
        by_id: key.id,
        why: text(String(event.detail['why'])),
        started_at: at(event.atMs),
        // A person has it now: nothing waits any more.
        ended_at: event.kind === 'escalated' ? at(event.atMs) : null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

/** After these the remedy is no longer held back. */
const ENDS: readonly IncidentEvent['kind'][] = ['remedy-ordered', 'escalated', 'resolved', 'merged']

function suppressorOf({ kind, detail }: IncidentEvent): Suppressor | undefined {
  if (kind !== 'remedy-skipped' && kind !== 'escalated') return undefined
  return SUPPRESSORS.find((one) => one === detail['reason'])
}
