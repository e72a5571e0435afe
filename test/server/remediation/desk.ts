import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { JobResult } from '../../../contract/command.ts'
import { CommandOrder } from '../../../contract/command.ts'
import type { DownMessage } from '../../../contract/down.ts'
import type { LiveEvent } from '../../../contract/views.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import { createIncidents } from '../../../server/incident/incidents.ts'
import { credit, enter, tell } from '../../../server/incident/rows.ts'
import type { RuleFacts } from '../../../server/incident/transition.ts'
import type { Records } from '../../../server/records/records.ts'
import { at } from '../../../server/records/schema.ts'
import type { AgentSession, Deed, Orderer } from '../../../server/remediation/ports.ts'
import { createRemediation } from '../../../server/remediation/remediation.ts'
import { firstRoot } from '../../../server/fleet/trust-wanted.ts'
import { makeKey, openKey, publicPart } from '../../../server/script/keys.ts'
import { projectKey, shippedScripts } from '../../../server/script/library.ts'
import { makeOrder } from '../../../server/script/order.ts'
import { checkParameters } from '../../../server/script/parameters.ts'
import { createScripts } from '../../../server/script/scripts.ts'
import { openSecretBox } from '../../../server/secret/box.ts'
import { createSecrets } from '../../../server/secret/secrets.ts'
import { due } from '../../../server/sla/targets.ts'
import { createTickets } from '../../../server/ticket/tickets.ts'
import { alert, ruleFacts } from '../incident/alerts.ts'
import { testRecords } from '../records/clusters.ts'

const START_MS = 1_800_000_000_000
export const onlineKey = openKey(makeKey('online'))
/** A technician who may run code everywhere. */
export const ana: Orderer = { name: 'ana', clients: null, proof: 'second factor' }
const box = openSecretBox(mkdtempSync(join(tmpdir(), 'vigia-desk-')))

/** The stages around incidents on real records, with a clock that the test moves and a device that it plays. */
export async function openDesk(records: Records) {
  let nowMs = START_MS
  const clock = () => nowMs
  const client = `c${randomUUID().slice(0, 8)}`
  const device = `d-${[...randomUUID().replaceAll('-', '')]
    .map((c) => 'abcdefghijklmnop'[parseInt(c, 16)])
    .join('')
    .slice(0, 16)}`
  await records.operator(async (db) => {
    await db
      .insertInto('client')
      .values({ client_id: client, name: client, created_at: at(nowMs) })
      .execute()
    await db
      .insertInto('device')
      .values({
        ...{ device_id: device, client_id: client, site: null, hostname: 'pc-1', os: 'linux', arch: 'x64' },
        ...{ machine_id: null, certificate_serial: '1', certificate_expires_at: at(nowMs * 2) },
        ...{ boot_time: at(nowMs - 86_400_000), last_seen: at(nowMs), lab_until: null, lab_reason: null },
        ...{ enrolled_at: at(nowMs), revoked_at: null },
      })
      .execute()
  })
  const sent: DownMessage[] = []
  const events: LiveEvent[] = []
  const faults: unknown[] = []
  const deeds: Deed[] = []
  let transport: 'ok' | 'gone' | 'broken' = 'ok'
  let session: AgentSession | undefined = {
    challenge: 'c'.repeat(43),
    commandSequence: 0,
    commandsEnabled: true,
    bootTimeMs: nowMs - 86_400_000,
    clock: { deviceMs: nowMs, serverMs: nowMs },
  }
  let rule: RuleFacts | undefined = ruleFacts()
  const emit = (event: LiveEvent) => void events.push(event)
  const incidents = createIncidents({ records, rule: () => rule, emit })
  const tickets = createTickets({ records, clock, emit, due })
  const root = firstRoot({ people: [], project: projectKey(), orderer: publicPart(onlineKey), caPem: '' })
  const scripts = createScripts({ records, clock, root: () => root })
  for (const { envelope } of shippedScripts()) await scripts.add(envelope)
  const secrets = createSecrets({ records, clock, box })
  const newRemediation = () =>
    createRemediation({
      ...{ records, clock, emit, checkParameters, scripts, tickets },
      fault: (error) => void faults.push(error),
      session: (id) => (id === device ? session : undefined),
      send: async (_address, message) => {
        if (transport === 'broken') throw new Error('the socket broke')
        if (transport === 'gone') return false
        sent.push(message)
        return true
      },
      sign: (request) => makeOrder(request, onlineKey),
      incidents: { tell, enter, credit },
      refusal: (script, on) => scripts.refusal(script, on),
      secrets,
      note: async (_db, deed) => void deeds.push(deed),
      clientsOf: async () => null,
      runChanged: () => undefined,
    })
  let remediation = newRemediation()
  const address = { client, device }
  let seq = 0

  const desk = {
    ...{
      records,
      client,
      device,
      address,
      incidents,
      tickets,
      scripts,
      secrets,
      sent,
      events,
      faults,
      deeds,
    },
    remediation: () => remediation,
    /** The server stops and starts again: nothing is left but the rows. */
    restart: () => void (remediation = newRemediation()),
    advanceMs: (ms: number) => void (nowMs += ms),
    now: clock,
    setRule: (facts: RuleFacts | undefined) => void (rule = facts),
    setTransport: (how: typeof transport) => void (transport = how),
    setSession: (over: Partial<AgentSession> | undefined) =>
      void (session = over && {
        ...(session ?? {
          challenge: 'd'.repeat(43),
          commandSequence: 0,
          commandsEnabled: true,
          bootTimeMs: 0,
          clock: { deviceMs: nowMs, serverMs: nowMs },
        }),
        ...over,
      }),
    /** Moves on as the timer does: second by second at the end, in steps of five before, to be quick. */
    async wait(seconds: number): Promise<void> {
      for (let left = seconds; left > 0;) {
        const step = left > 10 ? 5 : 1
        left -= step
        nowMs += step * 1000
        await remediation.tick(nowMs)
      }
    },
    /** Alerts as the pipeline hands them on. */
    async alerts(...list: (Partial<AlertTransition> & { value?: number })[]) {
      const changes = await incidents.apply(list.map((one) => alert({ client, device, atMs: nowMs, ...one })))
      for (const change of changes) await remediation.follow(change.id)
      return changes
    },
    orders: () =>
      sent.flatMap((message) =>
        message.type === 'command'
          ? [CommandOrder.parse(JSON.parse(Buffer.from(message.order.payload, 'base64').toString()))]
          : [],
      ),
    lastJob(): string {
      const order = desk.orders().at(-1)
      if (!order) throw new Error('nothing was ordered')
      return order.job
    },
    async says(outcome: JobResult['outcome'], over: Partial<JobResult> = {}) {
      return remediation.result(address, {
        ...{ boot: 'b'.repeat(16), seq: seq++, job: over.job ?? desk.lastJob(), timeMs: nowMs, outcome },
        ...{ code: null, message: null, exitCode: outcome === 'exited' ? 0 : null, durationMs: 500 },
        ...{
          stdoutBytes: 0,
          stderrBytes: 0,
          stdout: 'freed',
          stderr: '',
          fields: { freed_bytes: '7' },
          transcript: [],
        },
        ...over,
      })
    },
    async incident() {
      const [newest] = await incidents.list({ limit: 1, client })
      if (!newest) throw new Error('no incident')
      return newest
    },
    async story() {
      return (await incidents.get((await desk.incident()).id)).events.map((event) => event.kind)
    },
    jobs: async () => remediation.jobsOf((await desk.incident()).id),
    ticketsOf: () => tickets.list({ limit: 100, client }),
    async ledger() {
      return records.operator((db) =>
        db.selectFrom('ledger').selectAll().where('client_id', '=', client).execute(),
      )
    },
  }
  return desk
}
export type Desk = Awaited<ReturnType<typeof openDesk>>

/** A suite on records of its own, with a fresh desk for each test, and no fault of a timer left unseen. */
export function deskSuite(): { desk: () => Desk } {
  let opened: Awaited<ReturnType<typeof testRecords>>
  let desk: Desk
  beforeAll(async () => {
    opened = await testRecords()
  })
  afterAll(() => opened.close())
  beforeEach(async () => {
    desk = await openDesk(opened.records)
  })
  // Timers look at the whole installation: nothing of one test may be due in the next.
  afterEach(async () => {
    expect(desk.faults).toEqual([])
    await opened.records.operator(async (db) => {
      await db.deleteFrom('setting').execute()
      await db
        .updateTable('job')
        .set({ created_at: at(0), state: 'failed', verify_by: null })
        .execute()
      await db.updateTable('incident').set({ state: 'resolved' }).execute()
      await db.updateTable('ticket').set({ state: 'closed' }).execute()
    })
  })
  return { desk: () => desk }
}
