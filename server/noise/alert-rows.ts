import { sql } from 'kysely'
import type { Known } from '../../rules/noise/state.ts'
import { keyOf } from '../../rules/noise/state.ts'
import type { Db } from '../records/records.ts'
import { json, text } from '../records/schema.ts'

/** Alerts on which time may decide: those that are held back, kept open, or part of another's incident. */
const UNSETTLED = sql<boolean>`judged->'standing'->>'as' in ('waiting', 'suppressed', 'member', 'kept')`

/** What is known of the alerts that can decide about each other: of these devices, of what is unsettled, and of silent devices. */
export async function loadKnown(
  db: Db,
  client: string,
  devices: readonly string[],
  siteRule: string,
): Promise<Map<string, Known>> {
  const rows = await db
    .selectFrom('alert_state')
    .select(['alert', 'firing', 'judged'])
    .where('client_id', '=', client)
    .where((where) =>
      where.or([
        where('device_id', 'in', [...devices, '']),
        where('firing', '=', false),
        sql<boolean>`alert->>'rule' = ${siteRule}`,
        where(
          'device_id',
          'in',
          where
            .selectFrom('alert_state as other')
            .select('other.device_id')
            .where('other.client_id', '=', client)
            .where(
              sql<boolean>`other.judged->'standing'->>'as' in ('waiting', 'suppressed', 'member', 'kept')`,
            ),
        ),
      ]),
    )
    .execute()
  return new Map(
    rows.map(({ alert, firing, judged }): [string, Known] => [
      keyOf(alert),
      { ...(judged as Omit<Known, 'alert' | 'firing'>), alert, firing },
    ]),
  )
}

/** Writes what has changed. */
export async function saveKnown(
  db: Db,
  client: string,
  before: ReadonlyMap<string, Known>,
  after: ReadonlyMap<string, Known>,
): Promise<void> {
  for (const [key, { alert }] of before)
    if (!after.has(key))
      await db
        .deleteFrom('alert_state')
        .where('device_id', '=', alert.device)
        .where('fingerprint', '=', text(alert.fingerprint))
        .execute()
  const changed = [...after].filter(([key, known]) => !isSame(before.get(key), known))
  if (changed.length === 0) return
  const rows = changed.map(([, { alert, firing, ...judged }]) => ({
    client_id: client,
    device_id: alert.device,
    fingerprint: text(alert.fingerprint),
    firing,
    alert: json(alert),
    judged: json(judged),
  }))
  await db
    .insertInto('alert_state')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['device_id', 'fingerprint']).doUpdateSet((set) => ({
        firing: set.ref('excluded.firing'),
        alert: set.ref('excluded.alert'),
        judged: set.ref('excluded.judged'),
      })),
    )
    .execute()
}

/** Clients with something on which time decides, or with alerts that are over and may be forgotten. */
export async function clientsUnsettled(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('alert_state')
    .select('client_id')
    .distinct()
    .where((where) => where.or([UNSETTLED, where('firing', '=', false)]))
    .execute()
  return rows.map((row) => row.client_id)
}

function isSame(a: Known | undefined, b: Known): boolean {
  return (
    a !== undefined && a.firing === b.firing && a.alert === b.alert && JSON.stringify(a) === JSON.stringify(b)
  )
}
