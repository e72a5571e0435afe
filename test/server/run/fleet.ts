import { createECDH, randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandOrder, ScriptContent, type JobResult, type SealedSecret } from '../../../contract/command.ts'
import type { DownMessage } from '../../../contract/down.ts'
import { SCRIPT_TYPE } from '../../../contract/trust/dsse.ts'
import { RunRequest, type RunResult } from '../../../contract/run.ts'
import type { LiveEvent } from '../../../contract/views.ts'
import { createAudit } from '../../../server/audit/audit.ts'
import { firstRoot } from '../../../server/fleet/trust-wanted.ts'
import { credit, enter, tell } from '../../../server/incident/rows.ts'
import { createLog } from '../../../server/observe/log.ts'
import type { Records } from '../../../server/records/records.ts'
import { at } from '../../../server/records/schema.ts'
import { createWork } from '../../../server/wiring/work.ts'
import type { Orderer } from '../../../server/run/ports.ts'
import { makeKey, openKey, publicPart } from '../../../server/script/keys.ts'
import { scriptPayload } from '../../../server/script/library.ts'
import { makeOrder } from '../../../server/script/order.ts'
import { createScripts } from '../../../server/script/scripts.ts'
import { seal } from '../../../server/script/sign.ts'
import { openSecretBox } from '../../../server/secret/box.ts'
import { due } from '../../../server/sla/targets.ts'
import { createTickets } from '../../../server/ticket/tickets.ts'

const START_MS = Date.parse('2026-11-29T09:30:00Z')
const approver = openKey(makeKey('ana'))
const online = openKey(makeKey('online'))
const root = firstRoot({
  ...{ people: [publicPart(approver)], project: publicPart(approver), caPem: '' },
  orderer: publicPart(online),
})
const box = openSecretBox(mkdtempSync(join(tmpdir(), 'vigia-fleet-')))

/** A technician who may run code everywhere. */
export const ana: Orderer = { name: 'ana', clients: null, proof: 'second factor' }

/** The target of a run that names its devices. */
export const on = (devices: string[]) => ({ kind: 'devices', devices }) as const

/** How a device answers an order: with an end at once, or it is silent until the test speaks for it. */
type Answer = Partial<JobResult> | 'silent'

/** The stages of remote work on real records, with devices that the test plays and a clock that it moves. */
export async function openFleet(records: Records, log = createLog('error', 'fleet')) {
  let nowMs = START_MS
  const clock = () => nowMs
  const online_ = new Set<string>()
  const orders: CommandOrder[] = []
  const sealed: Record<string, SealedSecret>[] = []
  const sealing = createECDH('prime256v1')
  const sealKey = sealing.generateKeys('base64url')
  const cancels: string[] = []
  const events: LiveEvent[] = []
  let answer: (order: CommandOrder, device: string) => Answer = () => ({ outcome: 'exited', exitCode: 0 })
  let boots = 0
  const audit = createAudit({ records, clock })
  const scripts = createScripts({ records, clock, root: () => root })
  const tickets = createTickets({ records, clock, emit: () => undefined, due })
  const says = (order: Pick<CommandOrder, 'job' | 'client' | 'device'>, over: Partial<JobResult>) =>
    work.remediation.result(
      { client: order.client, device: order.device },
      {
        ...{ boot: `b${boots}`, seq: boots++, job: order.job, timeMs: nowMs, outcome: 'exited' },
        ...{ code: null, message: null, exitCode: null, durationMs: 10, stdoutBytes: 0, stderrBytes: 0 },
        ...{ stdout: '', stderr: '', fields: {}, transcript: [] },
        ...over,
      },
    )
  const open = () =>
    createWork({
      ...{ records, clock, log, audit, scripts, tickets, box },
      emit: (event) => void events.push(event),
      session: (device) =>
        online_.has(device)
          ? {
              challenge: 'c'.repeat(43),
              commandSequence: 0,
              commandsEnabled: true,
              bootTimeMs: 0,
              sealKey,
              clock: { deviceMs: 1, serverMs: 1 },
            }
          : undefined,
      async send(address, message: DownMessage) {
        if (!online_.has(address.device)) return false
        if (message.type === 'cancel') cancels.push(message.job)
        if (message.type !== 'command') return true
        const order = CommandOrder.parse(
          JSON.parse(Buffer.from(message.order.payload, 'base64').toString()) as unknown,
        )
        orders.push(order)
        if (message.secrets) sealed.push(message.secrets)
        const end = answer(order, address.device)
        if (end !== 'silent') setImmediate(() => void says(order, end))
        return true
      },
      sign: (request) => makeOrder(request, online, root),
      incidents: { tell, enter, credit },
    })
  let work = open()

  const fleet = {
    ...{ records, orders, sealed, sealing, cancels, events, audit, scripts, says },
    now: clock,
    work: () => work,
    runs: () => work.runs,
    setAnswer: (how: typeof answer) => void (answer = how),
    /** The server stops as it stands and starts again: nothing is left but the rows. */
    async restart() {
      await work.runs.stop()
      work = open()
    },
    async script(over: Partial<ScriptContent> = {}): Promise<string> {
      const name = over.name ?? `s-${randomUUID().slice(0, 8).replace(/^/, 'x')}`
      const content = ScriptContent.parse({
        ...{ name, version: 1, title: 'A title', description: '', interpreter: 'sh', systems: ['linux'] },
        ...{ parameters: {}, timeoutS: 60, idempotent: false, changes: 'nothing', successCodes: [0] },
        ...{ body: 'true', ...over },
      })
      await scripts.add(seal(SCRIPT_TYPE, scriptPayload(content), [approver]))
      return name
    },
    async client(): Promise<string> {
      const client = `c${randomUUID().slice(0, 8)}`
      await records.operator((db) =>
        db
          .insertInto('client')
          .values({ client_id: client, name: client, created_at: at(nowMs) })
          .execute(),
      )
      return client
    },
    /** Devices of a client, connected unless said otherwise. */
    async devices(
      client: string,
      count: number,
      over: { os?: string; online?: boolean; tags?: string[] } = {},
    ): Promise<string[]> {
      const devices = Array.from({ length: count }, () => makeDeviceId())
      for (let from = 0; from < count; from += 1000)
        await records.operator((db) =>
          db
            .insertInto('device')
            .values(
              devices.slice(from, from + 1000).map((device, index) => ({
                ...{ device_id: device, client_id: client, site: null, hostname: `pc-${from + index}` },
                ...{ os: over.os ?? 'linux', arch: 'x64', machine_id: null, tags: over.tags ?? [] },
                ...{ certificate_serial: device, certificate_expires_at: at(nowMs * 2), boot_time: null },
                ...{ last_seen: at(nowMs), lab_until: null, lab_reason: null },
                ...{ enrolled_at: at(nowMs), revoked_at: null },
              })),
            )
            .execute(),
        )
      if (over.online !== false) await fleet.come(client, devices)
      return devices
    },
    async come(client: string, devices: readonly string[]) {
      for (let from = 0; from < devices.length; from += 1000)
        await records.operator((db) =>
          db
            .insertInto('presence')
            .values(
              devices
                .slice(from, from + 1000)
                .map((device) => ({ client_id: client, device_id: device, online_at: at(nowMs) })),
            )
            .execute(),
        )
      for (const device of devices) {
        online_.add(device)
        if (devices.length < 100) await work.remediation.sessionStarted(device)
      }
      work.runs.deviceCame()
    },
    async leave(device: string) {
      online_.delete(device)
      await records.operator((db) =>
        db
          .updateTable('presence')
          .set({ offline_at: at(nowMs) })
          .where('device_id', '=', device)
          .where('offline_at', 'is', null)
          .execute(),
      )
      await work.remediation.sessionEnded(device)
    },
    advanceMs: (ms: number) => void (nowMs += ms),
    /** What the timer of the server does. */
    async tick(seconds = 0) {
      nowMs += seconds * 1000
      await work.remediation.tick(nowMs)
      await work.runs.tick(nowMs)
    },
    request: (request: object) => RunRequest.parse(request),
    order: (request: Partial<RunRequest> & Pick<RunRequest, 'script' | 'target'>, who = ana) =>
      work.runs.create(RunRequest.parse({ reason: 'test', ...request }), who),
    async until(what: string, ask: () => Promise<boolean>, limitMs = 20_000) {
      const deadline = performance.now() + limitMs
      while (!(await ask())) {
        if (performance.now() > deadline) throw new Error(`${what} did not come within ${limitMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    ended: (run: string, limitMs?: number) =>
      fleet.until(
        `the end of run ${run}`,
        async () => (await work.runs.get(run)).state !== 'running',
        limitMs,
      ),
    async results(run: string): Promise<RunResult[]> {
      const all: RunResult[] = []
      for await (const page of work.runs.results(run)) all.push(...page)
      return all
    },
    /** Orders of a run have all been taken: `count` devices were reached and nothing more comes by itself. */
    reached: (count: number) => fleet.until(`${count} orders`, async () => orders.length >= count),
  }
  return fleet
}
export type Fleet = Awaited<ReturnType<typeof openFleet>>

function makeDeviceId(): string {
  const letters = [...randomUUID().replaceAll('-', '')].slice(0, 16)
  return `d-${letters.map((c) => 'abcdefghijklmnop'[parseInt(c, 16)]).join('')}`
}
