import { sql, type Selectable } from 'kysely'
import type { Db } from '../records/records.ts'
import { at, ms, type Tables } from '../records/schema.ts'
import type { GuardFacts } from './decide.ts'
import type { AgentSession } from './ports.ts'
import type { IncidentRemedy } from './remedy.ts'
import { hourlyCap, killSwitch } from './settings.ts'

const HOUR_MS = 3_600_000

type Gathering = {
  incident: Selectable<Tables['incident']>
  remedy: IncidentRemedy | null
  noRemedy: string | null
  trigger: GuardFacts['trigger']
  runsOnEdge: number
  script: { content: { systems: readonly string[] } } | undefined
  session: AgentSession | undefined
  nowMs: number
}

/** What the guards look at, read inside the transaction that decides. */
export async function gatherFacts(db: Db, given: Gathering): Promise<GuardFacts> {
  const { incident, remedy, session, nowMs } = given
  const device = await db
    .selectFrom('device')
    .select(['os', 'boot_time', 'lab_until', 'revoked_at'])
    .where('device_id', '=', incident.device_id)
    .executeTakeFirstOrThrow()
  // Two decisions at the same time would both count the same jobs: one after the other.
  await sql`select pg_advisory_xact_lock(hashtextextended('remediation', 0))`.execute(db)
  const sinceMs = nowMs - HOUR_MS
  return {
    nowMs,
    severity: incident.severity,
    remedy,
    noRemedy: given.noRemedy,
    trigger: given.trigger,
    runsOnEdge: given.runsOnEdge,
    attemptsLastHour: remedy ? await attempts(db, incident, remedy.name, sinceMs) : 0,
    deviceLastHour: await orderedSince(db, sinceMs, incident.device_id),
    installationLastHour: await orderedSince(db, sinceMs),
    installationCap: await hourlyCap(db),
    killSwitch: await killSwitch(db),
    maintenance: await maintenance(db, incident, nowMs),
    commandsEnabled: session ? session.commandsEnabled : null,
    bootTimeMs: session ? session.bootTimeMs : ms(device.boot_time),
    labUntilMs: ms(device.lab_until),
    deviceOs: device.os,
    deviceRevoked: device.revoked_at !== null,
    script: given.script ? { systems: given.script.content.systems } : null,
  }
}

/** Remedies of all devices; those that never left the server are no attempt. */
function orders(db: Db, sinceMs: number) {
  return db
    .selectFrom('job')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('job.incident_id', 'is not', null)
    .where('job.created_at', '>', at(sinceMs))
    .where((eb) =>
      eb.or([
        eb('job.sent_at', 'is not', null),
        eb('job.state', 'not in', ['expired', 'cancelled', 'refused']),
      ]),
    )
}

async function orderedSince(db: Db, sinceMs: number, device?: string): Promise<number> {
  const all = orders(db, sinceMs)
  const counted = device === undefined ? all : all.where('job.device_id', '=', device)
  return (await counted.executeTakeFirstOrThrow()).count
}

async function attempts(
  db: Db,
  incident: Selectable<Tables['incident']>,
  remedy: string,
  sinceMs: number,
): Promise<number> {
  const row = await orders(db, sinceMs)
    .innerJoin('incident', 'incident.incident_id', 'job.incident_id')
    .innerJoin('script', 'script.digest', 'job.script_digest')
    .where('job.device_id', '=', incident.device_id)
    .where('incident.cause', '=', incident.cause)
    .where('script.name', '=', remedy)
    .executeTakeFirstOrThrow()
  return row.count
}

async function maintenance(
  db: Db,
  incident: Selectable<Tables['incident']>,
  nowMs: number,
): Promise<GuardFacts['maintenance']> {
  const row = await db
    .selectFrom('maintenance_window')
    .select(['ends_at', 'reason'])
    .where('client_id', '=', incident.client_id)
    .where((eb) => eb.or([eb('device_id', 'is', null), eb('device_id', '=', incident.device_id)]))
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('device')
          .select('device.device_id')
          .where('device.device_id', '=', incident.device_id)
          .where(sql<boolean>`(maintenance_window.site is null or maintenance_window.site = device.site)`)
          .where(
            sql<boolean>`(maintenance_window.tag is null or maintenance_window.tag = any (device.tags))`,
          ),
      ),
    )
    .where('starts_at', '<=', at(nowMs))
    .where('ends_at', '>', at(nowMs))
    .orderBy('ends_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? { untilMs: ms(row.ends_at), reason: row.reason } : null
}
