import { sql } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { LiveEvent } from '../../contract/views.ts'
import type { Incident, IncidentEvent, IncidentState } from '../../contract/incident.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import type { Step } from '../../rules/noise/state.ts'
import type { Db, Records } from '../records/records.ts'
import { at, ms, text } from '../records/schema.ts'
import { carryOut, type IncidentChange, type IncidentStep } from './carry-out.ts'
import { toView } from './rows.ts'
import type { RuleFacts } from './transition.ts'

/**
 * Noise control, inside the transaction of one client: what alerts mean for incidents, and when to ask again without
 * any (Unix milliseconds).
 */
export type NoisePort = {
  judge(
    db: Db,
    client: string,
    words: readonly AlertTransition[],
  ): Promise<{ steps: Step[]; dueMs: number | null }>
  /** Clients with alerts on which time decides. */
  unsettled(db: Db): Promise<string[]>
}

type IncidentQuery = {
  limit: number
  client?: string | undefined
  state?: IncidentState | undefined
  device?: string | undefined
  sinceMs?: number | undefined
}

export type Incidents = {
  /**
   * Stores what the alerts do to incidents, one transaction a client, all or nothing; exactly one open incident
   * for each (device, cause) whoever else does the same at once. Alerts of unknown devices make nothing. Throws
   * RECORDS_UNAVAILABLE; applying the same alerts again afterwards is harmless.
   */
  apply(alerts: readonly AlertTransition[]): Promise<IncidentChange[]>
  /** What time brings: silences that end, sites that settle, flapping that is over. Call it every second or so. */
  tick(nowMs: number): Promise<IncidentChange[]>
  /** Silences, windows or hours have changed: the next tick looks at this client, or at all. */
  review(client: string | null): void
  /** Newest first. */
  list(query: IncidentQuery): Promise<Incident[]>
  /** One incident with its story in order; NOT_FOUND. */
  get(id: string): Promise<{ incident: Incident; events: IncidentEvent[] }>
}

type Options = {
  records: Records
  /** The rule in force by its name, as it stands for a device. */
  rule: (name: string, device: string) => RuleFacts | undefined
  emit: (event: LiveEvent) => void
  /** Without it every alert that fires has an incident of its own. */
  noise?: NoisePort
}

/** Changes made elsewhere, as by another server, are noticed this often. */
const SWEEP_EVERY_MS = 60_000

/** Incidents in the records. */
export function createIncidents({ records, rule, emit, noise }: Options): Incidents {
  const due = new Map<string, number>()
  let sweepAtMs = 0

  /** One transaction. One after the other within a client: noise control looks at all of its alerts. */
  async function applyOfClient(client: string, alerts: AlertTransition[]): Promise<IncidentChange[]> {
    const done = await records.tenant(client, async (db) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`incident|${client}`}, 0))`.execute(db)
      const known = await knownDevices(db, alerts)
      const words = alerts.filter((alert) => known.has(alert.device))
      const { steps, dueMs } = noise
        ? await noise.judge(db, client, words)
        : { steps: words.map(plainStep), dueMs: null }
      const changes: IncidentChange[] = []
      for (const step of steps.filter(isIncidentStep)) {
        const change = await carryOut({ db, client, rule }, step)
        if (change) changes.push(change)
      }
      return { changes, dueMs }
    })
    if (done.dueMs === null) due.delete(client)
    else due.set(client, done.dueMs)
    return done.changes
  }

  async function applyAll(work: Iterable<[string, AlertTransition[]]>): Promise<IncidentChange[]> {
    const changes: IncidentChange[] = []
    for (const [client, own] of work) changes.push(...(await applyOfClient(client, own)))
    const told = new Map(changes.map(({ id, device }) => [id, device]))
    for (const [id, device] of told) emit({ type: 'incident', id, device })
    return changes
  }

  return {
    apply: (alerts) =>
      applyAll(
        Map.groupBy(
          alerts.filter((alert) => alert.kind !== 'pending').map(storable),
          (alert) => alert.client,
        ),
      ),

    async tick(nowMs) {
      if (noise === undefined) return []
      if (nowMs >= sweepAtMs) {
        for (const client of await records.operator((db) => noise.unsettled(db))) due.set(client, 0)
        sweepAtMs = nowMs + SWEEP_EVERY_MS
      }
      const now = [...due].filter(([, dueMs]) => dueMs <= nowMs)
      return applyAll(now.map(([client]) => [client, []]))
    },

    review(client) {
      if (client === null) sweepAtMs = 0
      else due.set(client, 0)
    },

    list: (query) =>
      records.operator(async (db) => {
        let select = views(db).orderBy('incident.opened_at', 'desc').limit(query.limit)
        if (query.client !== undefined) select = select.where('incident.client_id', '=', query.client)
        if (query.state !== undefined) select = select.where('incident.state', '=', query.state)
        if (query.device !== undefined) select = select.where('incident.device_id', '=', query.device)
        if (query.sinceMs !== undefined) select = select.where('incident.opened_at', '>=', at(query.sinceMs))
        return (await select.execute()).map(toView)
      }),

    get: (id) =>
      records.operator(async (db) => {
        const row = await views(db).where('incident.incident_id', '=', id).executeTakeFirst()
        if (!row) throw new VigiaError('NOT_FOUND', `no incident ${id}`)
        const events = await db
          .selectFrom('incident_event')
          .select(['at', 'kind', 'detail'])
          .where('incident_id', '=', id)
          .orderBy('event_id')
          .execute()
        return {
          incident: toView(row),
          events: events.map((event) => ({ atMs: ms(event.at), kind: event.kind, detail: event.detail })),
        }
      }),
  }
}

/** Labels come from devices: what the database refuses in a text must not hold up a whole batch. */
function storable(alert: AlertTransition): AlertTransition {
  return { ...alert, cause: text(alert.cause), fingerprint: text(alert.fingerprint) }
}

function plainStep(alert: AlertTransition): Step {
  return alert.kind === 'firing' ? { do: 'fire', alert } : { do: 'clear', alert }
}

function isIncidentStep(step: Step): step is IncidentStep {
  return step.do !== 'suppress' && step.do !== 'release'
}

async function knownDevices(db: Db, alerts: readonly AlertTransition[]): Promise<Set<string>> {
  const devices = [...new Set(alerts.map((alert) => alert.device))]
  if (devices.length === 0) return new Set()
  const rows = await db.selectFrom('device').select('device_id').where('device_id', 'in', devices).execute()
  return new Set(rows.map((row) => row.device_id))
}

function views(db: Db) {
  return db
    .selectFrom('incident')
    .innerJoin('device', 'device.device_id', 'incident.device_id')
    .selectAll('incident')
    .select('device.hostname')
    .select((eb) =>
      eb
        .selectFrom('ticket')
        .select('ticket.ticket_id')
        .whereRef('ticket.incident_id', '=', 'incident.incident_id')
        .orderBy('ticket.number', 'desc')
        .limit(1)
        .as('ticket'),
    )
}
