import { connect as tcpConnect } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../contract/limits.ts'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import {
  a,
  b,
  brokerSuite,
  certificateOf,
  closed,
  connectPacket,
  connectRaw,
  testAuthority,
  until,
} from './bench-of-devices.ts'

const { start, agent } = brokerSuite()

describe('embedded broker', () => {
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
})
