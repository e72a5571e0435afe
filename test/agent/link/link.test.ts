import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DownMessage } from '../../../contract/down.ts'
import { SessionHello } from '../../../contract/report.ts'
import { createLink, type Link, type LinkOptions } from '../../../agent/link/link.ts'
import { encodeReport } from '../../../agent/link/encode.ts'
import { createLog } from '../../../agent/log.ts'
import { openOutbox } from '../../../agent/outbox/outbox.ts'
import type { Outbox } from '../../../agent/outbox/shape.ts'
import { startStubServer, until, type StubServer } from '../stub-server.ts'

const address = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
const boot = '00000000000000aa'
const series = [{ metric: 'cpu.used_percent', labels: {}, unit: 'percent' }]
const lines: string[] = []
const log = createLog({ level: 'debug', now: () => 0, write: (line) => void lines.push(line) })

let dir = ''
let stub: StubServer
let outbox: Outbox
let link: Link | undefined
let downs: DownMessage[] = []

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'vigia-link-'))
  stub = await startStubServer()
  outbox = openOutbox({ dir, boot, log })
  downs = []
  lines.length = 0
})
afterEach(async () => {
  await link?.stop()
  link = undefined
  await outbox.close()
  await stub.close()
  rmSync(dir, { recursive: true, force: true })
})

async function makeLink(more: Partial<LinkOptions> = {}): Promise<Link> {
  const { key, cert } = await stub.device(address)
  link = createLink({
    address,
    mqttUrl: stub.url,
    tls: { key, cert, ca: stub.authority.caPem },
    outbox,
    boot,
    log,
    now: Date.now,
    monotonicMs: () => performance.now(),
    random: Math.random,
    self: () => ({
      agentVersion: '0.1.0',
      hostname: 'here',
      os: 'linux',
      osName: 'Test',
      arch: 'x64',
      bootTimeMs: 1,
      commandSequence: 0,
      trustVersion: 1,
      commandsEnabled: true,
    }),
    onCommand: (command) => downs.push(command),
    onCancel: (job) => downs.push({ type: 'cancel', job }),
    onPolicy: (policy) => downs.push({ type: 'policy', policy }),
    onTrust: () => undefined,
    onRemote: () => undefined,
    ackTimeoutMs: 200,
    backoff: { baseMs: 50, capMs: 200 },
    ...more,
  })
  return link
}

function report(value: number): number {
  const hash = outbox.putLayout(series)
  return outbox.append({
    kind: 'report',
    timeMs: 1,
    hash,
    encode: (seq) => encodeReport({ hash, boot, seq, timeMs: 1, values: [value] }),
  })
}
const seqs = (): number[] => stub.reports().map(({ seq }) => seq)

describe('link', () => {
  it('says hello with a fresh challenge, then the layout retained, then the outbox in order', async () => {
    for (let i = 0; i < 200; i++) report(i)
    // A busy machine may take longer than 200 ms for an acknowledgement; this is about the order without resends.
    await makeLink({ ackTimeoutMs: 20_000 })
    link?.start()
    await until('all acknowledged', () => outbox.stats().reports === 0)
    expect(stub.messages.slice(0, 3).map(({ channel, retain }) => [channel, retain])).toEqual([
      ['session', false],
      ['layout', true],
      ['report', false],
    ])
    expect(seqs()).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(stub.messages[0]?.commonName).toBe('acme/d-aaaaaaaaaaaaaaaa')
    const hello = SessionHello.parse(stub.json('session')[0])
    expect(hello.outbox.reports).toBe(200)
    stub.cut()
    await until('second hello', () => stub.of('session').length === 2)
    expect(SessionHello.parse(stub.json('session')[1]).challenge).not.toBe(hello.challenge)
  })

  it('sends again what is not acknowledged, and nothing that is', async () => {
    const tries = new Map<number, number>()
    stub.shouldAck = (_, seq) => {
      tries.set(seq, (tries.get(seq) ?? 0) + 1)
      return seq % 3 !== 0 || (tries.get(seq) ?? 0) > 1
    }
    for (let i = 0; i < 30; i++) report(i)
    await makeLink()
    link?.start()
    await until('all acknowledged', () => outbox.stats().reports === 0)
    for (let seq = 0; seq < 30; seq++) expect([seq, tries.get(seq)]).toEqual([seq, seq % 3 === 0 ? 2 : 1])
  })

  it('what the server never acknowledges does not block what follows', async () => {
    stub.shouldAck = (_, seq) => seq >= 64
    for (let i = 0; i < 64; i++) report(i)
    await makeLink({ ackTimeoutMs: 40 })
    link?.start()
    await until('the window is full', () => seqs().length >= 64)
    stub.shouldAck = (_, seq) => seq >= 60
    await until('a few are acknowledged', () => outbox.stats().reports === 60, 15_000)
    for (let i = 0; i < 100; i++) report(i)
    link?.wake()
    await until('later ones are acknowledged', () => outbox.stats().reports === 60, 15_000)
    expect(link?.connected()).toBe(true)
  }, 40_000)

  it('resends everything after the connection broke before the acknowledgement, and resumes TLS', async () => {
    stub.shouldAck = () => false
    report(1)
    report(2)
    await makeLink({ ackTimeoutMs: 60_000 })
    link?.start()
    await until('sent', () => seqs().length === 2)
    stub.shouldAck = () => true
    stub.cut()
    await until('acknowledged', () => outbox.stats().reports === 0)
    expect(seqs()).toEqual([0, 1, 0, 1])
    expect(stub.resumed).toBeGreaterThan(0)
  })

  it('comes back after the server was away, with what was collected meanwhile', async () => {
    await makeLink()
    link?.start()
    await until('connected', () => link?.connected() === true)
    const { port, authority } = stub
    await stub.close()
    await until('disconnected', () => link?.connected() === false)
    for (let i = 0; i < 10; i++) report(i)
    link?.wake()
    stub = await startStubServer({ port, authority })
    await until('all acknowledged', () => outbox.stats().reports === 0)
    expect(seqs()).toEqual(Array.from({ length: 10 }, (_, i) => i))
  })

  it('sends the layout that the server asks for, then the reports that need it', async () => {
    stub.shouldAck = () => false
    report(1)
    await makeLink({ ackTimeoutMs: 60_000 })
    link?.start()
    await until('sent', () => seqs().length === 1)
    stub.shouldAck = () => true
    await stub.send(address, { type: 'need-layout', hash: stub.reports()[0]!.hash })
    await until('sent again', () => outbox.stats().reports === 0)
    expect(stub.messages.map(({ channel }) => channel)).toEqual([
      'session',
      'layout',
      'report',
      'layout',
      'report',
    ])
  })

  it('says hello again, with the same challenge, to a server that started later', async () => {
    await makeLink()
    link?.start()
    const hellos = () =>
      stub.messages
        .filter(({ channel }) => channel === 'session')
        .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as { challenge: string })
    await until('said hello', () => hellos().length === 1)
    await stub.send(address, { type: 'need-hello' })
    await until('said hello again', () => hellos().length === 2)
    expect(hellos()[1]!.challenge).toBe(hellos()[0]!.challenge)
  })

  it('hands valid messages on, and ignores what is not of the contract', async () => {
    await makeLink()
    link?.start()
    await until('connected', () => link?.connected() === true)
    await stub.send(address, '{"type":"run","body":"rm -rf /"}')
    await stub.send(address, 'not json')
    await stub.send(address, JSON.stringify({ type: 'cancel', job: '../../etc' }))
    const job = '3f0f0d44-93a0-4b05-9f4c-0a4ba7d3c9e1'
    await stub.send(address, { type: 'cancel', job })
    await until('cancel', () => downs.length > 0)
    expect(downs).toEqual([{ type: 'cancel', job }])
    expect(lines.filter((line) => line.includes('not one of the contract'))).toHaveLength(3)
    expect(link?.connected()).toBe(true)
  })

  it('says gone when it stops, and its will says so when it is cut off', async () => {
    await makeLink()
    link?.start()
    await until('connected', () => link?.connected() === true)
    stub.cut()
    await until('will', () => stub.of('gone').length === 1)
    expect(stub.json('gone')).toEqual([{ boot, reason: 'lost' }])
    await until('again', () => link?.connected() === true)
    await link?.stop()
    link = undefined
    await until('goodbye', () => stub.of('gone').length === 2)
    expect(stub.json('gone')[1]).toEqual({ boot, reason: 'stopped' })
  })

  it('says in its own words that the server does not let the device in, and what to do', async () => {
    const other = await startStubServer({ refuses: true, authority: stub.authority })
    try {
      await makeLink({ mqttUrl: other.url })
      link?.start()
      await until('refused', () => lines.some((line) => line.includes('enrol it with a new token')))
      const [said] = lines
        .filter((line) => line.includes('enrol it'))
        .map((line) => JSON.parse(line) as object)
      expect(said).toMatchObject({ level: 'warn', error: 'Connection refused: Not authorized' })
    } finally {
      await link?.stop()
      await other.close()
    }
  })

  it('trusts no server of another authority', async () => {
    const other = await startStubServer()
    try {
      await makeLink({ mqttUrl: other.url })
      link?.start()
      await until('refused twice', () => lines.filter((line) => line.includes('no connection')).length >= 2)
      expect(other.messages).toEqual([])
    } finally {
      await link?.stop()
      await other.close()
    }
  })
})
