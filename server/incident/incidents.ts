import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { LiveEvent } from '../../contract/views.ts'
import type { Incident, IncidentEvent, IncidentState } from '../../contract/incident.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import type { Db, Records } from '../records/records.ts'
import { at, ms, text } from '../records/schema.ts'
import { tell, toColumns, toCore, toView } from './rows.ts'
import { transition, type Outcome, type RuleFacts } from './transition.ts'

/** What became of an incident, for the stages that come next. */
type IncidentChange = {
  change: 'opened' | 'reopened' | 'updated' | 'resolved'
  id: string
  client: string
  device: string
  rule: string
  worsened: boolean
  why: string
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
  /** Newest first. */
  list(query: IncidentQuery): Promise<Incident[]>
  /** One incident with its story in order; NOT_FOUND. */
  get(id: string): Promise<{ incident: Incident; events: IncidentEvent[] }>
}

type Options = {
  records: Records
  /** The rule in force by its name. */
  rule: (name: string) => RuleFacts | undefined
  emit: (event: LiveEvent) => void
}

/** Incidents in the records. */
export function createIncidents({ records, rule, emit }: Options): Incidents {
  async function applyOfClient(db: Db, client: string, alerts: AlertTransition[]): Promise<IncidentChange[]> {
    await lockCauses(db, alerts)
    const known = await knownDevices(db, alerts)
    const changes: IncidentChange[] = []
    for (const alert of alerts) {
      if (!known.has(alert.device)) continue
      const change = await applyOne(db, client, alert)
      if (change) changes.push(change)
    }
    return changes
  }

  async function applyOne(
    db: Db,
    client: string,
    alert: AlertTransition,
  ): Promise<IncidentChange | undefined> {
    const row = await db
      .selectFrom('incident')
      .selectAll()
      .where('device_id', '=', alert.device)
      .where('cause', '=', alert.cause)
      .orderBy(sql`state <> 'resolved'`, 'desc')
      .orderBy('opened_at', 'desc')
      .limit(1)
      .forUpdate()
      .executeTakeFirst()
    const outcome = transition(row ? toCore(row) : null, alert, rule(alert.rule))
    if (outcome.change === 'none' || outcome.incident === null) return undefined
    const id = await store(db, { client, device: alert.device, present: row?.incident_id }, outcome)
    await tell(db, { client, id }, outcome.events)
    const { change, worsened, why } = outcome
    return { change, id, client, device: alert.device, rule: alert.rule, worsened, why }
  }

  return {
    async apply(alerts) {
      const byClient = Map.groupBy(
        alerts.filter((alert) => alert.kind !== 'pending').map(storable),
        (alert) => alert.client,
      )
      const changes: IncidentChange[] = []
      for (const [client, own] of byClient)
        changes.push(...(await records.tenant(client, (db) => applyOfClient(db, client, own))))
      for (const { id, device } of changes) emit({ type: 'incident', id, device })
      return changes
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

/** Serialises everyone who works on the same causes; taken in one order, so that two cannot wait for each other. */
async function lockCauses(db: Db, alerts: readonly AlertTransition[]): Promise<void> {
  const keys = [...new Set(alerts.map((alert) => `incident|${alert.device}|${alert.cause}`))].sort()
  for (const key of keys) await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(db)
}

async function knownDevices(db: Db, alerts: readonly AlertTransition[]): Promise<Set<string>> {
  const devices = [...new Set(alerts.map((alert) => alert.device))]
  const rows = await db.selectFrom('device').select('device_id').where('device_id', 'in', devices).execute()
  return new Set(rows.map((row) => row.device_id))
}

async function store(
  db: Db,
  where: { client: string; device: string; present: string | undefined },
  outcome: Outcome,
): Promise<string> {
  if (outcome.incident === null) throw new VigiaError('INTERNAL', 'an incident without content')
  const columns = toColumns(outcome.incident)
  if (outcome.change !== 'opened' && where.present !== undefined) {
    await db.updateTable('incident').set(columns).where('incident_id', '=', where.present).execute()
    return where.present
  }
  const id = randomUUID()
  await db
    .insertInto('incident')
    .values({ ...columns, incident_id: id, client_id: where.client, device_id: where.device })
    .execute()
  return id
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
