import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import pino from 'pino'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { downTopic, upTopic, type DeviceAddress } from '../../../contract/topics.ts'
import type { Broker, Refused } from '../../../server/broker/broker.ts'
import { createExternalBroker } from '../../../server/broker/external.ts'
import { mosquittoAcl, mosquittoConfig } from '../../../server/broker/mosquitto.ts'
import { suiteNeeding } from '../../support/servers.ts'
import {
  closed,
  connectDevice,
  connectRaw,
  device,
  testAuthority,
  until,
  type Heard,
} from './bench-of-devices.ts'

const a = device('a')
const b = device('b')
const SERVER = 'vigia-server'

/** A broker under test with what it handed over. */
async function connectServer(
  port: number,
  accepts: (address: DeviceAddress) => boolean = () => true,
  silentAfterMs = 60_000,
) {
  const ca = await testAuthority()
  const own = await ca.issue(SERVER)
  const heard: Heard[] = []
  const presence: [string, boolean][] = []
  const refused: Refused[] = []
  const broker = await createExternalBroker({
    url: `mqtts://127.0.0.1:${port}`,
    clientId: SERVER,
    caPem: ca.caPem,
    certPem: own.certPem,
    keyPem: own.keyPem,
    accepts,
    silentAfterMs,
    log: pino({ level: 'silent' }),
    registry: new Registry(),
  })
  broker.onUp((address, channel, payload, topic) => {
    heard.push({ device: address.device, channel, text: Buffer.from(payload).toString(), topic })
    return 'taken'
  })
  broker.onPresence((address, online) => presence.push([address.device, online]))
  broker.onRefused((one) => refused.push(one))
  return { broker, heard, presence, refused }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

suiteNeeding(['mosquitto'], 'external broker: mosquitto with TLS and an access list', ({ mosquitto }) => {
  let directory = ''
  let port = 0
  let process_: ChildProcess | undefined
  let said = ''
  let server: Awaited<ReturnType<typeof connectServer>> | undefined
  const clients: MqttClient[] = []

  async function startMosquitto(): Promise<void> {
    const child = spawn(mosquitto, ['-c', join(directory, 'mosquitto.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    process_ = child
    for (let tries = 0; ; tries++) {
      try {
        ;(await connectRaw(port, a)).destroy()
        return
      } catch (error) {
        if (tries > 100) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
  async function stopMosquitto(): Promise<void> {
    const child = process_
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  function writeAcl(devices: DeviceAddress[]): void {
    writeFileSync(join(directory, 'acl'), mosquittoAcl(SERVER, devices), { mode: 0o644 })
  }
  /** Returns once mosquitto has begun to read its files again; what it is sent from now on is judged by them. */
  async function reload(): Promise<void> {
    said = ''
    process_?.kill('SIGHUP')
    await until(() => said.includes('Reloading config'))
  }
  async function agent(...rest: Parameters<typeof connectDevice>): Promise<MqttClient> {
    const client = await connectDevice(...rest)
    client.on('error', () => undefined)
    clients.push(client)
    return client
  }

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'vigia-mosquitto-'))
    // mosquitto leaves root for its own user and must still read its files.
    chmodSync(directory, 0o755)
    port = await freePort()
    const ca = await testAuthority()
    const file = (name: string, text: string): string => {
      const path = join(directory, name)
      writeFileSync(path, text, { mode: 0o644 })
      return path
    }
    const place = {
      host: '127.0.0.1',
      port,
      caPath: file('ca.pem', ca.caPem),
      certPath: file('cert.pem', ca.server.certPem),
      keyPath: file('key.pem', ca.server.keyPem),
      aclPath: join(directory, 'acl'),
    }
    writeAcl([a, b])
    file('mosquitto.conf', mosquittoConfig(place))
    await startMosquitto()
  })
  beforeEach(async () => {
    server = await connectServer(port)
    await until(() => server !== undefined)
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    await server?.broker.close()
  })
  afterAll(async () => {
    await stopMosquitto()
    rmSync(directory, { recursive: true, force: true })
  })

  function running(): { broker: Broker; heard: Heard[]; presence: [string, boolean][]; refused: Refused[] } {
    if (server === undefined) throw new Error('no server')
    return server
  }

  it('takes what a device publishes, knows who is there, and reaches it', async () => {
    const { broker, heard, presence } = running()
    await expect(broker.ping()).resolves.toBeUndefined()
    const will = { topic: upTopic(a, 'gone'), payload: Buffer.from('{}'), qos: 1 as const, retain: false }
    const client = await agent(port, a, { will })
    const down: string[] = []
    client.on('message', (_topic, payload) => down.push(payload.toString()))
    await client.subscribeAsync(downTopic(a), { qos: 1 })
    expect(await broker.send(a, { type: 'need-layout', hash: 'x' })).toBe(false)
    await client.publishAsync(upTopic(a, 'session'), '{}', { qos: 1 })
    await until(() => broker.sessions() === 1)
    expect(await broker.send(a, { type: 'need-layout', hash: 'x' })).toBe(true)
    expect(await broker.send(a, { type: 'ack', boot: 'y', ranges: [[1, 1]] })).toBe(true)
    await until(() => down.length === 2)
    expect(down.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(['need-layout', 'ack'])
    client.stream.destroy()
    await until(() => broker.sessions() === 0)
    expect(heard.map(({ channel }) => channel)).toEqual(['session', 'gone'])
    expect(presence).toEqual([
      [a.device, true],
      [a.device, false],
    ])
  })

  it('keeps devices apart by the access list', async () => {
    const { broker, heard, refused } = running()
    const client = await agent(port, a)
    const victim = await agent(port, b)
    // mosquitto grants the subscription and delivers nothing that the list does not allow.
    const overheard: string[] = []
    client.on('message', (topic) => overheard.push(topic))
    await client.subscribeAsync(['vigia/v1/#', downTopic(b), downTopic(a)], { qos: 1 })
    await victim.subscribeAsync(downTopic(b), { qos: 1 })
    const told: string[] = []
    victim.on('message', (topic) => told.push(topic))
    await victim.publishAsync(upTopic(b, 'session'), '{}', { qos: 1 })
    await until(() => broker.sessions() === 1)
    await broker.send(b, { type: 'need-layout', hash: 'x' })
    await until(() => told.length === 1)
    await client.publishAsync(upTopic(b, 'report'), 'forged', { qos: 1 })
    await client.publishAsync(downTopic(b), 'forged', { qos: 1 })
    await client.publishAsync(upTopic(a, 'report'), 'own', { qos: 1 })
    await until(() => heard.length === 2)
    expect(heard.map(({ text }) => text)).toEqual(['{}', 'own'])
    expect(refused).toEqual([])
    expect(told).toHaveLength(1)
    // Its own up topic comes back to nobody either.
    expect(overheard).toEqual([])
    // Another device's client id does not push it out: the id follows from the certificate.
    const thief = await agent(port, a, { clientId: b.device })
    await thief.publishAsync(upTopic(a, 'report'), 'again', { qos: 1 })
    expect(victim.connected).toBe(true)
  })

  it('gives a retained layout to a server that comes later, without taking the device for present', async () => {
    const client = await agent(port, a)
    await client.publishAsync(upTopic(a, 'layout'), 'l', { qos: 1, retain: true })
    await client.publishAsync(upTopic(a, 'report'), 'r', { qos: 1, retain: true })
    await client.endAsync()
    await running().broker.close()
    const later = (server = await connectServer(port))
    await until(() => later.heard.length > 0 && later.refused.length > 0)
    expect(later.heard.map(({ channel }) => channel)).toEqual(['layout'])
    expect(later.refused.map(({ reason }) => reason)).toEqual(['REPORT_MALFORMED'])
    expect(later.broker.sessions()).toBe(0)
    const clean = await agent(port, a)
    for (const channel of ['layout', 'report'] as const)
      await clean.publishAsync(upTopic(a, channel), '', { qos: 1, retain: true })
  })

  it('refuses what its own list does not accept, and a topic with a foreign partition', async () => {
    await running().broker.close()
    const strict = (server = await connectServer(port, (address) => address.device !== a.device))
    const client = await agent(port, a)
    await client.publishAsync(upTopic(a, 'report'), 'x', { qos: 1 })
    await until(() => strict.refused.length === 1)
    expect(strict.refused[0]).toMatchObject({ reason: 'REPORT_WRONG_TENANT' })
    expect(strict.heard).toEqual([])
    const other = await agent(port, b)
    await other.publishAsync(upTopic(b, 'report'), 'y', { qos: 1 })
    await until(() => strict.heard.length === 1)
  })

  it('hears nothing more of a device that was taken off the list, while it stays connected', async () => {
    const { heard } = running()
    const client = await agent(port, a)
    await client.publishAsync(upTopic(a, 'report'), 'before', { qos: 1 })
    await until(() => heard.length === 1)
    writeAcl([b])
    await reload()
    client.publish(upTopic(a, 'report'), 'after', { qos: 1 }, () => undefined)
    const other = await agent(port, b)
    await other.publishAsync(upTopic(b, 'report'), 'other', { qos: 1 })
    await until(() => heard.length === 2)
    expect(heard.map(({ text }) => text)).toEqual(['before', 'other'])
    writeAcl([a, b])
    await reload()
  })

  it('says that the broker is away and comes back with it', async () => {
    const { broker, heard } = running()
    const client = await agent(port, a)
    const gone = closed(client)
    await stopMosquitto()
    await gone
    await expect
      .poll(() => broker.ping().catch((error: { code: string }) => error.code))
      .toBe('BROKER_UNAVAILABLE')
    expect(await broker.send(a, { type: 'need-layout', hash: 'x' })).toBe(false)
    await startMosquitto()
    await expect
      .poll(
        () =>
          broker.ping().then(
            () => 'there',
            () => 'away',
          ),
        { timeout: 10_000 },
      )
      .toBe('there')
    const again = await agent(port, a)
    await again.publishAsync(upTopic(a, 'report'), 'back', { qos: 1 })
    await until(() => heard.some(({ text }) => text === 'back'))
  })

  it('asks who is still there after the connection was lost, and takes the silent ones for gone', async () => {
    await running().broker.close()
    const later = (server = await connectServer(port, () => true, 500))
    const answering = await agent(port, a)
    const asked: string[] = []
    answering.on('message', (_topic, payload) => {
      asked.push(payload.toString())
      answering.publish(upTopic(a, 'session'), 'again', { qos: 1 }, () => undefined)
    })
    await answering.subscribeAsync(downTopic(a), { qos: 1 })
    await answering.publishAsync(upTopic(a, 'session'), '{}', { qos: 1 })
    // Nobody reads what this one is asked: so it is with a device whose will came while the server was away.
    const silent = await agent(port, b)
    await silent.publishAsync(upTopic(b, 'session'), '{}', { qos: 1 })
    await until(() => later.broker.sessions() === 2)
    // Whoever comes with the same certificate takes the server's place, until the server takes it back.
    const ca = await testAuthority()
    const { certPem: cert, keyPem: key } = await ca.issue(SERVER)
    const options = { ca: ca.caPem, cert, key, reconnectPeriod: 0, protocolVersion: 4 as const }
    const other = await mqtt.connectAsync(`mqtts://127.0.0.1:${port}`, options)
    other.on('error', () => undefined)
    clients.push(other)
    await expect.poll(() => later.broker.sessions(), { timeout: 10_000 }).toBe(1)
    expect(asked.map((text) => JSON.parse(text) as unknown)).toEqual([{ type: 'need-hello' }])
    expect(later.presence).toEqual([
      [a.device, true],
      [b.device, true],
      [b.device, false],
    ])
  })
})

describe('external broker', () => {
  it('starts without its broker and says why', async () => {
    const port = await freePort()
    const { broker } = await connectServer(port)
    await expect(broker.ping()).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    await broker.close()
  })
})
