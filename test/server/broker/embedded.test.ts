import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import { a, b, brokerSuite, closed, startBroker, until } from './bench-of-devices.ts'

const { start, agent } = brokerSuite()

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

  it('says that it is closed', async () => {
    const { broker } = await start()
    await broker.ping()
    await broker.close()
    await expect(broker.ping()).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  })
})
