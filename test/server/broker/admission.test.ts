import { once } from 'node:events'
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import {
  a,
  b,
  brokerSuite,
  certificateOf,
  closed,
  connectDevice,
  connectPacket,
  connectRaw,
  device,
  testAuthority,
  until,
} from './bench-of-devices.ts'

const { start, agent } = brokerSuite()

describe('embedded broker', () => {
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
})
