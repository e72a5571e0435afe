import { once } from 'node:events'
import { connect as tcpConnect, createServer } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import {
  certificateOf,
  closed,
  connectDevice,
  connectPacket,
  connectRaw,
  device,
  startBroker,
  testAuthority,
  until,
  type BrokerUnderTest,
} from './bench-of-devices.ts'

const a = device('a')
const b = device('b')
let running: BrokerUnderTest | undefined
const clients: MqttClient[] = []

async function start(options: Parameters<typeof startBroker>[0] = {}): Promise<BrokerUnderTest> {
  return (running = await startBroker(options))
}
async function agent(...rest: Parameters<typeof connectDevice>): Promise<MqttClient> {
  const client = await connectDevice(...rest)
  client.on('error', () => undefined)
  clients.push(client)
  return client
}
afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true)
  await running?.close()
  running = undefined
})

describe('embedded broker', () => {
  it('tells whoever listens later which devices are there already: they came while the server was starting', async () => {
    const { broker, presence } = await start()
    await agent(broker.port, a)
    await until(() => presence.length === 1)
    const late: unknown[] = []
    broker.onPresence(({ device }, online) => late.push([device, online]))
    expect(late).toEqual([[a.device, true]])
  })

  it('takes what a device publishes and hands it its messages', async () => {
    const { broker, heard, presence, admitted } = await start()
    const client = await agent(broker.port, a)
    const down: unknown[] = []
    client.on('message', (topic, payload) => down.push([topic, JSON.parse(payload.toString())]))
    expect(await broker.send(a, { type: 'need-layout', hash: '0' })).toBe(false)
    await client.subscribeAsync(downTopic(a), { qos: 1 })
    await client.publishAsync(upTopic(a, 'report'), 'x', { qos: 1 })
    expect(heard).toEqual([{ device: a.device, channel: 'report', text: 'x', topic: upTopic(a, 'report') }])
    expect(await broker.send(a, { type: 'need-layout', hash: '1' })).toBe(true)
    expect(await broker.send(a, { type: 'ack', boot: '2', ranges: [[1, 2]] })).toBe(true)
    expect(await broker.send(b, { type: 'need-layout', hash: '1' })).toBe(false)
    expect(await broker.send({ client: 'other', device: a.device }, { type: 'need-layout', hash: '1' })).toBe(
      false,
    )
    await until(() => down.length === 2)
    expect(down).toEqual([
      [downTopic(a), { type: 'need-layout', hash: '1' }],
      [downTopic(a), { type: 'ack', boot: '2', ranges: [[1, 2]] }],
    ])
    expect(broker.sessions()).toBe(1)
    expect(admitted[0]?.address).toEqual(a)
    expect(admitted[0]?.serial).toMatch(/^[0-9A-F]+$/)
    await client.endAsync()
    await until(() => broker.sessions() === 0)
    expect(presence).toEqual([
      [a.device, true],
      [a.device, false],
    ])
  })

  it('refuses a stranger without a certificate of its authority', async () => {
    const { broker, registry } = await start()
    const stranger = tlsConnect({ host: '127.0.0.1', port: broker.port, rejectUnauthorized: false })
    stranger.on('error', () => undefined)
    await closed(stranger)
    await until(() => broker.sessions() === 0)
    await expect(connectDevice(broker.port, { client: 'acme', device: 'server' })).rejects.toThrow()
    expect(await registry.metrics()).toContain('reason="certificate-without-device"} 1')
  })

  it('asks for revocation at connect and answers MQTT code 5; 3 when nobody can say', async () => {
    const { broker } = await start({
      admit: async ({ address }) => {
        if (address.device === a.device) return 'DEVICE_REVOKED'
        throw new Error('records are away')
      },
    })
    await expect(connectDevice(broker.port, a)).rejects.toMatchObject({ code: 5 })
    await expect(connectDevice(broker.port, b)).rejects.toMatchObject({ code: 3 })
    expect(broker.sessions()).toBe(0)
  })

  it('cuts a live session within a second of its revocation', async () => {
    const { broker, presence } = await start()
    const client = await agent(broker.port, a)
    const other = await agent(broker.port, b)
    const cut = closed(client)
    const from = performance.now()
    broker.disconnect(a.device, 'revoked')
    await cut
    expect(performance.now() - from).toBeLessThan(1000)
    await until(() => presence.some(([id, online]) => id === a.device && !online))
    expect(other.connected).toBe(true)
    expect(broker.sessions()).toBe(1)
  })

  it('cuts a CONNECT that announces 100 MiB before any of it is buffered', async () => {
    const { broker, registry } = await start()
    const socket = await connectRaw(broker.port, a)
    // 100 MiB as a variable byte integer.
    socket.write(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x32]))
    await closed(socket)
    expect(socket.bytesRead).toBe(0)
    expect(await registry.metrics()).toContain('reason="too-long"} 1')
  })

  it('cuts a packet over the limit of known devices, and counts it as oversized', async () => {
    const { broker, refused, heard } = await start()
    const client = await agent(broker.port, a)
    await client.publishAsync(upTopic(a, 'facts'), Buffer.alloc(LIMITS.factsBytes), { qos: 1 })
    expect(heard).toHaveLength(1)
    const cut = closed(client)
    client.publish(upTopic(a, 'facts'), Buffer.alloc(LIMITS.packetBytes), { qos: 1 }, () => undefined)
    await cut
    expect(refused.map(({ reason }) => reason)).toEqual(['REPORT_OVERSIZED'])
  })

  it('cuts what is not MQTT, and sockets that say nothing, before and after TLS', async () => {
    const { broker, registry } = await start({ limits: { handshakeMs: 200, connectMs: 200 } })
    const garbage = await connectRaw(broker.port, a)
    garbage.write('GET / HTTP/1.1\r\n\r\n')
    const silent = await connectRaw(broker.port, b)
    const bare = tcpConnect(broker.port, '127.0.0.1')
    bare.on('error', () => undefined).resume()
    await Promise.all([closed(garbage), closed(silent), closed(bare)])
    expect(await registry.metrics()).toContain('reason="not-connect"} 1')
  })

  it('closes sessions whose keep-alive runs out, and refuses a longer one than it allows', async () => {
    const { broker, presence } = await start({ limits: { keepaliveMaxS: 60 } })
    const socket = await connectRaw(broker.port, a)
    socket.resume()
    socket.write(connectPacket(a.device, 1))
    await closed(socket)
    await until(() => presence.length === 2)
    const never = await connectRaw(broker.port, b)
    never.write(connectPacket(b.device, 0))
    never.resume()
    await closed(never)
    const long = await connectRaw(broker.port, b)
    long.write(connectPacket(b.device, 61))
    long.resume()
    await closed(long)
    expect(presence).toHaveLength(2)
  })

  it('refuses persistent sessions, foreign client ids and foreign wills', async () => {
    const { broker, refused } = await start()
    await expect(connectDevice(broker.port, a, { clean: false })).rejects.toMatchObject({ code: 5 })
    await expect(connectDevice(broker.port, a, { clientId: b.device })).rejects.toMatchObject({ code: 2 })
    const will = { topic: upTopic(b, 'gone'), payload: Buffer.from('x'), qos: 1 as const, retain: false }
    await expect(connectDevice(broker.port, a, { will })).rejects.toMatchObject({ code: 5 })
    expect(refused.map(({ reason, topic }) => [reason, topic])).toEqual([
      ['REPORT_WRONG_TENANT', upTopic(b, 'gone')],
    ])
  })

  it('hands a will to the server when the session breaks, and not when it ends', async () => {
    const { broker, heard } = await start()
    const will = { topic: upTopic(a, 'gone'), payload: Buffer.from('{}'), qos: 1 as const, retain: false }
    const polite = await agent(broker.port, a, { will })
    await polite.endAsync()
    await until(() => broker.sessions() === 0)
    expect(heard).toEqual([])
    const lost = await agent(broker.port, a, { will })
    lost.stream.destroy()
    await until(() => heard.length === 1)
    expect(heard[0]?.channel).toBe('gone')
  })

  it('grants the own down topic only', async () => {
    const { broker, refused } = await start()
    const client = await agent(broker.port, a)
    for (const topic of [
      '#',
      '+/+/+/+/+/down',
      'vigia/v1/+/acme/+/down',
      downTopic(b),
      '$SYS/#',
      upTopic(a, 'report'),
    ])
      await expect(client.subscribeAsync(topic, { qos: 1 })).rejects.toThrow()
    expect(refused.every(({ reason }) => reason === 'REPORT_WRONG_TENANT')).toBe(true)
    expect(refused).toHaveLength(6)
    await client.subscribeAsync(downTopic(a), { qos: 1 })
    // A second subscription to the same topic does not deliver twice.
    await client.subscribeAsync(downTopic(a), { qos: 0 })
    const down: string[] = []
    client.on('message', (_topic, payload) => down.push(payload.toString()))
    await broker.send(a, { type: 'need-layout', hash: 'x' })
    await until(() => down.length > 0)
    await client.publishAsync(upTopic(a, 'report'), 'x', { qos: 1 })
    expect(down).toHaveLength(1)
  })

  it('counts what is published elsewhere as wrong tenant, routes it nowhere and keeps the session', async () => {
    const { broker, heard, refused } = await start()
    const client = await agent(broker.port, a)
    const victim = await agent(broker.port, b)
    await victim.subscribeAsync(downTopic(b), { qos: 1 })
    const seen: string[] = []
    victim.on('message', (topic) => seen.push(topic))
    for (const topic of [
      downTopic(b),
      upTopic(b, 'report'),
      downTopic(a),
      '$SYS/x',
      `${upTopic(a, 'report')}/x`,
    ])
      await client.publishAsync(topic, 'x', { qos: 1 })
    await client.publishAsync(upTopic(a, 'report'), 'own', { qos: 1 })
    expect(refused.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 5 }, () => 'REPORT_WRONG_TENANT'),
    )
    expect(refused.every(({ address }) => address?.device === a.device)).toBe(true)
    expect(heard.map(({ text }) => text)).toEqual(['own'])
    await victim.publishAsync(upTopic(b, 'report'), 'there', { qos: 1 })
    expect(seen).toEqual([])
  })

  it('takes a retained layout, keeps none, and refuses other retained messages', async () => {
    const { broker, heard, refused } = await start()
    const client = await agent(broker.port, a)
    await client.publishAsync(upTopic(a, 'layout'), 'l', { qos: 1, retain: true })
    await client.publishAsync(upTopic(a, 'report'), 'r', { qos: 1, retain: true })
    expect(heard.map(({ channel }) => channel)).toEqual(['layout'])
    expect(refused.map(({ reason }) => reason)).toEqual(['REPORT_MALFORMED'])
  })

  it('ends a session that uses QoS 2', async () => {
    const { broker, heard } = await start()
    const client = await agent(broker.port, a)
    const cut = closed(client)
    client.publish(upTopic(a, 'report'), 'x', { qos: 2 }, () => undefined)
    await cut
    expect(heard).toEqual([])
  })

  it('acknowledges at MQTT level although the server has no room, and does not freeze the others', async () => {
    const { broker, heard } = await start({ answer: (one) => (one.device === a.device ? 'full' : 'taken') })
    const full = await agent(broker.port, a)
    const other = await agent(broker.port, b)
    // More than aedes' concurrency of 100.
    const all = Array.from({ length: 150 }, () => full.publishAsync(upTopic(a, 'report'), 'x', { qos: 1 }))
    await other.publishAsync(upTopic(b, 'report'), 'y', { qos: 1 })
    await Promise.all(all)
    expect(heard.filter(({ device: id }) => id === b.device)).toHaveLength(1)
  })

  it('keeps nothing for a device that is away', async () => {
    const { broker } = await start()
    const client = await agent(broker.port, a)
    await client.subscribeAsync(downTopic(a), { qos: 1 })
    await client.endAsync()
    await until(() => broker.sessions() === 0)
    for (let i = 0; i < 100; i++) expect(await broker.send(a, { type: 'need-layout', hash: 'x' })).toBe(false)
    const again = await agent(broker.port, a)
    const down: string[] = []
    again.on('message', (topic) => down.push(topic))
    await again.subscribeAsync(downTopic(a), { qos: 1 })
    await again.publishAsync(upTopic(a, 'report'), 'x', { qos: 1 })
    expect(down).toEqual([])
  })

  it('lets a second connection of a device take over', async () => {
    const { broker, presence, heard } = await start()
    const first = await agent(broker.port, a)
    const cut = closed(first)
    const second = await agent(broker.port, a)
    await cut
    await second.subscribeAsync(downTopic(a), { qos: 1 })
    await second.publishAsync(upTopic(a, 'report'), 'x', { qos: 1 })
    expect(heard).toHaveLength(1)
    expect(broker.sessions()).toBe(1)
    expect(presence.map(([, online]) => online)).toEqual([true, false, true])
    expect(await broker.send(a, { type: 'need-layout', hash: 'x' })).toBe(true)
  })

  it('holds a device to two sockets', async () => {
    const { broker } = await start()
    const first = await connectRaw(broker.port, a)
    const second = await connectRaw(broker.port, a)
    const third = await connectRaw(broker.port, a)
    await closed(first)
    expect(second.closed || third.closed).toBe(false)
    second.destroy()
    third.destroy()
  })

  it('cuts a frozen subscriber by the drain timeout while others go on', async () => {
    const { broker } = await start({ limits: { drainMs: 300 } })
    const frozen = await agent(broker.port, a)
    await frozen.subscribeAsync(downTopic(a), { qos: 1 })
    const live = await agent(broker.port, b)
    await live.subscribeAsync(downTopic(b), { qos: 1 })
    let got = 0
    live.on('message', () => got++)
    frozen.stream.pause()
    const body = 'x'.repeat(200_000)
    for (let i = 0; i < 120; i++) void broker.send(a, { type: 'need-layout', hash: body })
    for (let i = 0; i < 20; i++) expect(await broker.send(b, { type: 'need-layout', hash: 'x' })).toBe(true)
    await until(() => got === 20, 1000)
    await until(() => broker.sessions() === 1)
    expect(await broker.send(a, { type: 'need-layout', hash: 'x' })).toBe(false)
  })

  it('refuses a device whose certificate has run out', async () => {
    const { broker } = await start()
    const old = await (await testAuthority()).issue(`acme/${device('c').device}`, { days: -1 })
    await expect(
      connectDevice(broker.port, device('c'), { cert: old.certPem, key: old.keyPem }),
    ).rejects.toThrow()
  })

  it('resumes TLS sessions after a restart', async () => {
    const first = await start()
    const { certPem: cert, keyPem: key } = await certificateOf(a)
    const tls = { host: '127.0.0.1', ca: (await testAuthority()).caPem, cert, key }
    const socket = tlsConnect({ ...tls, port: first.broker.port })
    const [session] = (await once(socket, 'session')) as [Buffer]
    expect(socket.isSessionReused()).toBe(false)
    socket.destroy()
    await first.close()
    const second = await start()
    const again = tlsConnect({ ...tls, port: second.broker.port, session })
    await once(again, 'secureConnect')
    expect(again.isSessionReused()).toBe(true)
    // The certificate is known from the ticket too, so the device is admitted under its own name.
    again.write(connectPacket(a.device))
    await until(() => second.broker.sessions() === 1)
    expect(second.admitted[0]?.address).toEqual(a)
    again.destroy()
  })

  it('lets connections in at a bounded rate; the rest waits or is closed', async () => {
    const { broker, registry } = await start({
      limits: { connectionsPerSecond: 10, connectionBurst: 2, waitingConnections: 3 },
    })
    const from = performance.now()
    const secured: number[] = []
    const { certPem: cert, keyPem: key } = await certificateOf(a)
    const ca = (await testAuthority()).caPem
    for (let i = 0; i < 8; i++) {
      const socket = tlsConnect({ host: '127.0.0.1', port: broker.port, ca, cert, key })
      socket.on('error', () => undefined)
      socket.once('secureConnect', () => secured.push(performance.now() - from))
    }
    await until(() => secured.length === 5)
    expect(secured[4]).toBeGreaterThan(200)
    expect(await registry.metrics()).toContain('reason="line-full"} 3')
  })

  it('says which port is in use and which option changes it', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const failed = await startBroker({ port }).catch((thrown: unknown) => thrown)
    expect(failed).toBeInstanceOf(VigiaError)
    expect(failed).toMatchObject({ code: 'PORT_IN_USE' })
    expect((failed as VigiaError).message).toContain(`127.0.0.1:${port}`)
    expect((failed as VigiaError).message).toContain('--mqtt-port')
    taken.close()
  })

  it('goes on serving others while one floods', async () => {
    const { broker, heard } = await start({ limits: { framesPerSecond: 50, bytesPerSecond: 50_000 } })
    const flooder = await connectRaw(broker.port, a)
    flooder.on('data', () => undefined)
    flooder.write(connectPacket(a.device))
    await until(() => broker.sessions() === 1)
    const topic = Buffer.from(upTopic(a, 'report'))
    const frame = Buffer.concat([
      Buffer.from([0x30, topic.length + 3, topic.length >> 8, topic.length & 0xff]),
      topic,
      Buffer.from('x'),
    ])
    const flood = Buffer.concat(Array.from({ length: 150_000 }, () => frame))
    flooder.write(flood)
    const other = await agent(broker.port, b)
    const waits: number[] = []
    for (let i = 0; i < 50; i++) {
      const from = performance.now()
      await other.publishAsync(upTopic(b, 'report'), 'y', { qos: 1 })
      waits.push(performance.now() - from)
    }
    expect(Math.max(...waits)).toBeLessThan(250)
    const taken = heard.filter(({ device: id }) => id === a.device).length
    // A burst of two seconds' worth and what one read brought, not the whole flood.
    expect(taken).toBeLessThan(10_000)
    expect(flooder.writableLength).toBeGreaterThan(0)
    flooder.destroy()
  })

  it('says that it is closed', async () => {
    const { broker } = await start()
    await broker.ping()
    await broker.close()
    await expect(broker.ping()).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  })
})
