import { usualCalendar, type Calendar } from '../../contract/calendar.ts'
import type { Silence } from '../../contract/noise.ts'
import { hushOf, type Hushes, type Window } from '../../rules/noise/hush.ts'
import type { NoiseDevice, NoiseRule, World } from '../../rules/noise/state.ts'
import type { Db } from '../records/records.ts'
import { at, ms, type Tables } from '../records/schema.ts'
import type { Selectable } from 'kysely'

/** A device with this tag comes and goes with its person; the shipped rule about silence leaves it out too. */
const ROAMING_TAG = 'laptop'

/** Reads what decides about the alerts of one client. `devices`: those that matter; all of the client when null. */
export async function readWorld(
  db: Db,
  client: string,
  options: {
    nowMs: number
    timeZone: string
    devices: readonly string[] | null
    rule: (name: string, device: string) => NoiseRule | undefined
  },
): Promise<World> {
  const { nowMs, rule } = options
  const devices = await readDevices(db, client, options.devices)
  const hushes = await readHushes(db, client, options)
  const byId = new Map(devices.map((device) => [device.device, device]))
  const bySite = Map.groupBy(devices, ({ site }) => site)
  return {
    nowMs,
    rule,
    device: (id) => byId.get(id),
    site: (site) => bySite.get(site) ?? [],
    hush: (alert, device, facts) =>
      hushOf(hushes, { client, device, rule: { name: alert.rule, ...facts }, labels: alert.labels }, nowMs),
  }
}

/** Silences, windows and hours of a client that hold now or begin later. */
export async function readHushes(
  db: Db,
  client: string,
  { nowMs, timeZone }: { nowMs: number; timeZone: string },
): Promise<Hushes> {
  const silences = await db
    .selectFrom('silence')
    .selectAll()
    .where('ends_at', '>', at(nowMs))
    .where((where) => where.or([where('client_id', 'is', null), where('client_id', '=', client)]))
    .execute()
  const windows = await db
    .selectFrom('maintenance_window')
    .selectAll()
    .where('client_id', '=', client)
    .where('ends_at', '>', at(nowMs))
    .execute()
  const calendar = await readCalendar(db, client)
  return {
    silences: silences.map(toSilence),
    windows: windows.map(toWindow),
    calendar: calendar ?? usualCalendar(timeZone),
  }
}

/** A client's own business hours; undefined while nobody has set any. */
export async function readCalendar(db: Db, client: string): Promise<Calendar | undefined> {
  const row = await db
    .selectFrom('client_calendar')
    .select('calendar')
    .where('client_id', '=', client)
    .executeTakeFirst()
  return row?.calendar
}

/** A row as a silence. */
export function toSilence(row: Selectable<Tables['silence']>): Silence {
  return {
    id: row.silence_id,
    client: row.client_id,
    matchers: row.matchers,
    startsAtMs: ms(row.starts_at),
    endsAtMs: ms(row.ends_at),
    reason: row.reason,
    createdBy: row.created_by,
  }
}

/** A row as a window. */
export function toWindow(row: Selectable<Tables['maintenance_window']>): Window {
  return {
    id: row.window_id,
    client: row.client_id,
    device: row.device_id,
    site: row.site,
    tag: row.tag,
    startsAtMs: ms(row.starts_at),
    endsAtMs: ms(row.ends_at),
    reason: row.reason,
  }
}

async function readDevices(db: Db, client: string, only: readonly string[] | null): Promise<NoiseDevice[]> {
  if (only?.length === 0) return []
  let select = db
    .selectFrom('device')
    .select(['device_id', 'site', 'tags', 'last_seen'])
    .where('client_id', '=', client)
    .where('revoked_at', 'is', null)
  if (only !== null) select = select.where('device_id', 'in', [...only])
  return (await select.execute()).map((row) => ({
    device: row.device_id,
    site: row.site ?? '',
    tags: row.tags,
    roams: row.tags.includes(ROAMING_TAG),
    lastSeenMs: ms(row.last_seen),
  }))
}
