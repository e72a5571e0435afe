import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LiveEvent } from '../../../contract/views.ts'
import { Ticket } from '../../../contract/incident.ts'
import { createIncidents } from '../../../server/incident/incidents.ts'
import type { Records } from '../../../server/records/records.ts'
import { at } from '../../../server/records/schema.ts'
import { due } from '../../../server/sla/targets.ts'
import { createTickets, type Escalation, type Tickets } from '../../../server/ticket/tickets.ts'
import { alert, ruleFacts } from '../incident/alerts.ts'
import { testRecords } from '../records/clusters.ts'

const NOW = 1_800_000_000_000
let opened: Awaited<ReturnType<typeof testRecords>>
let records: Records
let tickets: Tickets
let nowMs = NOW
const events: LiveEvent[] = []

beforeAll(async () => {
  opened = await testRecords()
  records = opened.records
  tickets = createTickets({ records, due, clock: () => nowMs, emit: (event) => void events.push(event) })
  await records.operator(async (db) => {
    await db
      .insertInto('client')
      .values({ client_id: 'demo', name: 'demo', created_at: at(NOW) })
      .execute()
    await db
      .insertInto('device')
      .values({
        ...{ device_id: 'd-aaaaaaaaaaaaaaaa', client_id: 'demo', site: null, hostname: 'pc', os: 'linux' },
        ...{ arch: 'x64', machine_id: null, certificate_serial: '1', certificate_expires_at: at(NOW) },
        ...{ boot_time: null, last_seen: null, lab_until: null, lab_reason: null },
        ...{ enrolled_at: at(NOW), revoked_at: null },
      })
      .execute()
  })
})
afterAll(() => opened.close())
beforeEach(() => {
  nowMs = NOW
  events.length = 0
})

async function escalation(over: Partial<Escalation> = {}): Promise<Escalation> {
  const incidents = createIncidents({ records, rule: () => ruleFacts(), emit: () => undefined })
  const [change] = await incidents.apply([alert({ cause: randomUUID(), atMs: NOW })])
  return {
    ...{ client: 'demo', device: 'd-aaaaaaaaaaaaaaaa', incident: change!.id, tier: 'L1', priority: 'P2' },
    title: { en: 'Disk nearly full', es: 'Disco casi lleno' },
    body: { cause: 'disk', evidence: alert().evidence, runbook: 'free space', tried: [], why: 'no remedy' },
    ...over,
  }
}
const escalate = (what: Escalation) => records.operator((db) => tickets.escalate(db, what))

describe('tickets in the records', () => {
  it('are made once for an incident, however many ask at once', async () => {
    const what = await escalation()
    const made = await Promise.all(Array.from({ length: 16 }, () => escalate(what)))
    expect(made.filter((one) => one.fresh)).toHaveLength(1)
    expect(new Set(made.map((one) => one.id)).size).toBe(1)
    expect(await tickets.list({ limit: 100, incident: what.incident })).toHaveLength(1)
  })

  it('are shown as the contract says, with a due time by their priority', async () => {
    const { id } = await escalate(await escalation())
    const ticket = Ticket.parse(await tickets.get(id))
    expect(ticket).toMatchObject({
      state: 'new',
      hostname: 'pc',
      dueAtMs: NOW + 8 * 3_600_000,
      assignee: null,
    })
    expect(ticket.number).toBeGreaterThan(1000)
    expect(ticket.events).toEqual([{ atMs: NOW, who: 'vigia', kind: 'open', text: 'no remedy' }])
  })

  it('keep who did what and when', async () => {
    const { id } = await escalate(await escalation())
    nowMs += 60_000
    await tickets.act(id, 'start', 'mine', 'ana')
    nowMs += 60_000
    const done = await tickets.act(id, 'resolve', 'mended \0 it', 'ana')
    expect(done).toMatchObject({
      state: 'resolved',
      respondedAtMs: NOW + 60_000,
      resolvedAtMs: NOW + 120_000,
    })
    expect(done.events.slice(1)).toEqual([
      { atMs: NOW + 60_000, who: 'ana', kind: 'start', text: 'mine' },
      { atMs: NOW + 120_000, who: 'ana', kind: 'resolve', text: 'mended \ufffd it' },
    ])
    expect(events).toEqual([
      { type: 'ticket', id },
      { type: 'ticket', id },
    ])
    await expect(tickets.act(id, 'start', '', 'berto')).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(tickets.act(randomUUID(), 'start', '', 'ana')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('give one of two people who start at once the ticket after the other, both on record', async () => {
    const { id } = await escalate(await escalation())
    await Promise.all(['ana', 'berto'].map((who) => tickets.act(id, 'start', '', who)))
    const ticket = await tickets.get(id)
    expect(ticket.events.filter((event) => event.kind === 'start')).toHaveLength(2)
    expect(ticket.assignee).toBe(ticket.events.at(-1)?.who)
  })

  it('say the end of an incident once', async () => {
    const what = await escalation()
    const { id } = await escalate(what)
    await tickets.act(id, 'start', '', 'ana')
    const end = () =>
      records.operator((db) =>
        tickets.incidentResolved(db, { client: 'demo', id: what.incident }, 'it recovered'),
      )
    expect(await end()).toEqual({ id, result: 'noted', person: true })
    expect(await end()).toEqual({ id, result: 'none', person: true })
    expect((await tickets.get(id)).events.map((event) => event.kind)).toEqual(['open', 'start', 'note'])
  })

  it('are listed by the time left, and those that are over last', async () => {
    await records.operator((db) => db.deleteFrom('ticket').execute())
    const p4 = await escalate(await escalation({ priority: 'P4' }))
    const p1 = await escalate(await escalation({ priority: 'P1' }))
    const over = await escalate(await escalation({ priority: 'P1' }))
    await tickets.act(over.id, 'close', '', 'ana')
    const order = (await tickets.list({ limit: 10 })).map((ticket) => ticket.id)
    expect(order).toEqual([p1.id, p4.id, over.id])
    expect(await tickets.list({ limit: 10, state: 'closed' })).toHaveLength(1)
    expect(await tickets.list({ limit: 10, client: 'nobody' })).toEqual([])
  })
})
