import { randomUUID } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { LiveEvent } from '../../contract/views.ts'
import type { Priority, Ticket, TicketState } from '../../contract/incident.ts'
import type { Tier } from '../../contract/rules.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, text, type Tables } from '../records/schema.ts'
import { NEW_TICKET, step, type PersonAction, type TicketCore } from './transition.ts'

/** What an incident hands over when a person is needed. */
export type Escalation = {
  client: string
  /** Null for what is about no single device. */
  device: string | null
  incident: string
  title: Ticket['title']
  body: Ticket['body']
  tier: Tier
  priority: Priority
}

type TicketQuery = {
  limit: number
  client?: string | undefined
  state?: TicketState | undefined
  incident?: string | undefined
}

export type Tickets = {
  /**
   * Inside the caller's transaction: the one ticket of this incident. It is made the first time; later it is
   * opened again, or given a note, never made twice. Answers its id and whether a person has to be told.
   */
  escalate(db: Db, escalation: Escalation): Promise<{ id: string; fresh: boolean }>
  /**
   * Inside the caller's transaction: the incident resolved. `closed` when nobody had started, `noted` when a
   * person works on it, `none` when there was nothing to do; the same sentence again changes nothing. `person`
   * says whether somebody took the ticket.
   */
  incidentResolved(
    db: Db,
    incident: { client: string; id: string },
    sentence: string,
  ): Promise<{ id: string | null; result: 'closed' | 'noted' | 'none'; person: boolean }>
  /** What a person does; CONFLICT where the present state does not allow it, NOT_FOUND. */
  act(id: string, action: PersonAction, words: string, who: string): Promise<Ticket>
  /** Open ones first, by time left; then the rest, newest first. */
  list(query: TicketQuery): Promise<Ticket[]>
  /** One ticket with its history; NOT_FOUND. */
  get(id: string): Promise<Ticket>
}

type Options = {
  records: Records
  clock: Clock
  emit: (event: LiveEvent) => void
  /** When a ticket of this priority is due: server/sla. */
  due: (openedAtMs: number, priority: Priority) => number
}

type TicketRow = Selectable<Tables['ticket']>
type Who = { who: string; nowMs: number; text: string }

/** The author of what the server does by itself. */
const SYSTEM = 'vigia'

/** Tickets in the records. */
export function createTickets({ records, clock, emit, due }: Options): Tickets {
  async function create(db: Db, escalation: Escalation, nowMs: number): Promise<string> {
    const id = randomUUID()
    await db
      .insertInto('ticket')
      .values({
        ticket_id: id,
        client_id: escalation.client,
        device_id: escalation.device,
        incident_id: escalation.incident,
        title: json(escalation.title),
        body: json(escalation.body),
        tier: escalation.tier,
        priority: escalation.priority,
        assignee: null,
        state: NEW_TICKET.state,
        opened_at: at(nowMs),
        due_at: at(due(nowMs, escalation.priority)),
        responded_at: null,
        resolved_at: null,
        closed_at: null,
      })
      .execute()
    const opened = { kind: 'open', text: escalation.body.why }
    await record(db, { client: escalation.client, id }, opened, { who: SYSTEM, nowMs, text: '' })
    return id
  }

  /** Opened again: what was tried is told anew and the SLA clock starts again. */
  async function renew(db: Db, id: string, escalation: Escalation, nowMs: number): Promise<void> {
    await db
      .updateTable('ticket')
      .set({
        body: json(escalation.body),
        priority: escalation.priority,
        due_at: at(due(nowMs, escalation.priority)),
      })
      .where('ticket_id', '=', id)
      .execute()
  }

  const get = (id: string): Promise<Ticket> =>
    records.operator(async (db) => {
      const [ticket] = await withEvents(db, await rows(db).where('ticket_id', '=', id).execute())
      if (!ticket) throw new VigiaError('NOT_FOUND', `no ticket ${id}`)
      return ticket
    })

  return {
    async escalate(db, escalation) {
      const nowMs = clock()
      await sql`select pg_advisory_xact_lock(hashtextextended(${'ticket|' + escalation.incident}, 0))`.execute(
        db,
      )
      const row = await ofIncident(db, escalation.incident)
      if (!row) return { id: await create(db, escalation, nowMs), fresh: true }
      const action = { action: 'incident-again', who: SYSTEM, nowMs, text: escalation.body.why } as const
      const { ticket, event } = step(core(row), action)
      const reopened = ticket.state !== row.state
      if (reopened) await renew(db, row.ticket_id, escalation, nowMs)
      await save(db, row, ticket)
      await record(db, { client: row.client_id, id: row.ticket_id }, event, action)
      return { id: row.ticket_id, fresh: reopened }
    },

    async incidentResolved(db, incident, sentence) {
      const row = await ofIncident(db, incident.id)
      if (!row) return { id: null, result: 'none', person: false }
      const done = { id: row.ticket_id, person: row.assignee !== null }
      const action = { action: 'incident-resolved', who: SYSTEM, nowMs: clock(), text: sentence } as const
      const { ticket, event } = step(core(row), action)
      if (event === null || (await isSaid(db, row.ticket_id, event))) return { ...done, result: 'none' }
      await save(db, row, ticket)
      await record(db, { client: row.client_id, id: row.ticket_id }, event, action)
      return { ...done, result: ticket.state === 'closed' ? 'closed' : 'noted' }
    },

    async act(id, action, words, who) {
      const changed = await records.operator(async (db) => {
        const row = await db
          .selectFrom('ticket')
          .selectAll()
          .where('ticket_id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        if (!row) throw new VigiaError('NOT_FOUND', `no ticket ${id}`)
        const doing = { action, who, nowMs: clock(), text: words }
        const { ticket, event } = step(core(row), doing)
        await save(db, row, ticket)
        await record(db, { client: row.client_id, id }, event, doing)
        return event !== null
      })
      if (changed) emit({ type: 'ticket', id })
      return get(id)
    },

    list: (query) =>
      records.operator(async (db) => {
        let select = rows(db)
          .orderBy(sql`ticket.state in ('new', 'in-progress')`, 'desc')
          .orderBy(sql`case when ticket.state in ('new', 'in-progress') then ticket.due_at end`)
          .orderBy('ticket.number', 'desc')
          .limit(query.limit)
        if (query.client !== undefined) select = select.where('ticket.client_id', '=', query.client)
        if (query.state !== undefined) select = select.where('ticket.state', '=', query.state)
        if (query.incident !== undefined) select = select.where('ticket.incident_id', '=', query.incident)
        return withEvents(db, await select.execute())
      }),

    get,
  }
}

function rows(db: Db) {
  return db
    .selectFrom('ticket')
    .leftJoin('device', 'device.device_id', 'ticket.device_id')
    .selectAll('ticket')
    .select('device.hostname')
}

async function ofIncident(db: Db, incident: string): Promise<TicketRow | undefined> {
  return db
    .selectFrom('ticket')
    .selectAll()
    .where('incident_id', '=', incident)
    .orderBy('number', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst()
}

/** Does the history hold this line of the system already? */
async function isSaid(db: Db, id: string, event: { kind: string; text: string }): Promise<boolean> {
  if (event.kind !== 'note') return false
  const line = await db
    .selectFrom('ticket_event')
    .select('event_id')
    .where('ticket_id', '=', id)
    .where('who', '=', SYSTEM)
    .where('text', '=', text(event.text))
    .limit(1)
    .executeTakeFirst()
  return line !== undefined
}

async function save(db: Db, row: TicketRow, ticket: TicketCore): Promise<void> {
  await db
    .updateTable('ticket')
    .set({
      state: ticket.state,
      assignee: ticket.assignee,
      responded_at: at(ticket.respondedAtMs),
      resolved_at: at(ticket.resolvedAtMs),
      closed_at: at(ticket.closedAtMs),
    })
    .where('ticket_id', '=', row.ticket_id)
    .execute()
}

async function record(
  db: Db,
  key: { client: string; id: string },
  event: { kind: string; text: string } | null,
  { who, nowMs }: Who,
): Promise<void> {
  if (event === null) return
  await db
    .insertInto('ticket_event')
    .values({
      client_id: key.client,
      ticket_id: key.id,
      at: at(nowMs),
      who,
      kind: event.kind,
      text: text(event.text),
    })
    .execute()
}

function core(row: TicketRow): TicketCore {
  return {
    state: row.state,
    assignee: row.assignee,
    respondedAtMs: ms(row.responded_at),
    resolvedAtMs: ms(row.resolved_at),
    closedAtMs: ms(row.closed_at),
  }
}

async function withEvents(db: Db, tickets: (TicketRow & { hostname: string | null })[]): Promise<Ticket[]> {
  if (tickets.length === 0) return []
  const ids = tickets.map((ticket) => ticket.ticket_id)
  const lines = await db
    .selectFrom('ticket_event')
    .selectAll()
    .where('ticket_id', 'in', ids)
    .orderBy('event_id')
    .execute()
  const byTicket = Map.groupBy(lines, (line) => line.ticket_id)
  return tickets.map((row) => ({
    ...core(row),
    id: row.ticket_id,
    number: row.number,
    client: row.client_id,
    device: row.device_id,
    hostname: row.hostname,
    incident: row.incident_id,
    title: row.title,
    body: row.body,
    tier: row.tier,
    priority: row.priority,
    openedAtMs: ms(row.opened_at),
    dueAtMs: ms(row.due_at),
    events: (byTicket.get(row.ticket_id) ?? []).map(({ at: moment, who, kind, text: words }) => ({
      atMs: ms(moment),
      who,
      kind,
      text: words,
    })),
  }))
}
