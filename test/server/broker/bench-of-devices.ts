import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import mqtt, { type MqttClient } from 'mqtt'
import pino from 'pino'
import { Registry } from 'prom-client'
import { afterEach } from 'vitest'
import type { Broker, Refused } from '../../../server/broker/broker.ts'
import { createEmbeddedBroker, type EmbeddedLimits } from '../../../server/broker/embedded.ts'
import type { DeviceCertificate } from '../../../server/broker/session.ts'
import type { DeviceAddress } from '../../../contract/topics.ts'
import {
  createTestAuthority,
  type TestAuthority,
  type TestCertificate,
} from '../../support/test-authority.ts'

/** What the broker handed over, in order. */
export type Heard = { device: string; channel: string; text: string; topic: string }

/** A real embedded broker on a free port with everything that it hands over kept for the test. */
export type BrokerUnderTest = {
  broker: Broker & { readonly port: number }
  registry: Registry
  heard: Heard[]
  presence: [string, boolean][]
  refused: Refused[]
  admitted: DeviceCertificate[]
  close(): Promise<void>
}

const TICKET_KEYS = randomBytes(48)
let authority: Promise<TestAuthority> | undefined

/** One authority for all tests of a file. */
export function testAuthority(): Promise<TestAuthority> {
  return (authority ??= createTestAuthority())
}

/** A device's address; the letter fills its identity. */
export function device(letter: string, client = 'acme'): DeviceAddress {
  return { client, device: `d-${letter.repeat(16)}` }
}

export const a = device('a')
export const b = device('b')

export async function startBroker(
  options: {
    limits?: Partial<EmbeddedLimits>
    admit?: (certificate: DeviceCertificate) => string | Promise<string>
    port?: number
    answer?: (heard: Heard) => 'taken' | 'full' | 'refused'
  } = {},
): Promise<BrokerUnderTest> {
  const ca = await testAuthority()
  const registry = new Registry()
  const heard: Heard[] = []
  const presence: [string, boolean][] = []
  const refused: Refused[] = []
  const admitted: DeviceCertificate[] = []
  const broker = await createEmbeddedBroker({
    host: '127.0.0.1',
    port: options.port ?? 0,
    certPem: ca.server.certPem,
    keyPem: ca.server.keyPem,
    caPem: ca.caPem,
    ticketKeys: TICKET_KEYS,
    clock: Date.now,
    log: pino({ level: 'silent' }),
    registry,
    admit: (certificate) => {
      admitted.push(certificate)
      return options.admit?.(certificate) ?? 'ok'
    },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  broker.onUp((address, channel, payload, topic) => {
    const one = { device: address.device, channel, text: Buffer.from(payload).toString(), topic }
    heard.push(one)
    return options.answer?.(one) ?? 'taken'
  })
  broker.onPresence((address, online) => presence.push([address.device, online]))
  broker.onRefused((one) => refused.push(one))
  return { broker, registry, heard, presence, refused, admitted, close: () => broker.close() }
}

const certificates = new Map<string, Promise<TestCertificate>>()

/** The certificate of a device, made once. */
export function certificateOf(address: DeviceAddress): Promise<TestCertificate> {
  const name = `${address.client}/${address.device}`
  const known = certificates.get(name) ?? testAuthority().then((ca) => ca.issue(name))
  certificates.set(name, known)
  return known
}

/** An MQTT client with the device's certificate that does not reconnect. Rejects when it is refused. */
export async function connectDevice(
  port: number,
  address: DeviceAddress,
  options: Partial<mqtt.IClientOptions> = {},
): Promise<MqttClient> {
  const certificate = await certificateOf(address)
  return mqtt.connectAsync(
    `mqtts://127.0.0.1:${port}`,
    {
      clientId: address.device,
      clean: true,
      protocolVersion: 4,
      ca: (await testAuthority()).caPem,
      cert: certificate.certPem,
      key: certificate.keyPem,
      reconnectPeriod: 0,
      connectTimeout: 5000,
      keepalive: 30,
      ...options,
    },
    false,
  )
}

/** A bare TLS socket with the device's certificate, for what no MQTT client would send. */
export async function connectRaw(port: number, address: DeviceAddress): Promise<TLSSocket> {
  const certificate = await certificateOf(address)
  const socket = tlsConnect({
    host: '127.0.0.1',
    port,
    ca: (await testAuthority()).caPem,
    cert: certificate.certPem,
    key: certificate.keyPem,
  })
  socket.on('error', () => undefined)
  socket.resume()
  await once(socket, 'secureConnect')
  return socket
}

/** A CONNECT packet of MQTT 3.1.1 with clean session. */
export function connectPacket(clientId: string, keepaliveS = 30): Buffer {
  const id = Buffer.from(clientId)
  const body = Buffer.concat([
    Buffer.from([
      0,
      4,
      0x4d,
      0x51,
      0x54,
      0x54,
      4,
      2,
      keepaliveS >> 8,
      keepaliveS & 0xff,
      id.length >> 8,
      id.length,
    ]),
    id,
  ])
  return Buffer.concat([Buffer.from([0x10, body.length]), body])
}

/** Waits until the condition holds; throws after `ms`. */
export async function until(condition: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms
  while (!condition()) {
    if (Date.now() > end) throw new Error('what was waited for did not come')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Resolves when a stream or client has closed, whatever error came first. */
export function closed(of: {
  readonly closed?: boolean
  once(event: 'close', listener: () => void): unknown
}): Promise<void> {
  return new Promise((resolve) => (of.closed === true ? resolve() : of.once('close', () => resolve())))
}

/** A suite with a broker for each test, which ends with it and with the agents that were connected. */
export function brokerSuite(): { start: typeof startBroker; agent: typeof connectDevice } {
  let running: BrokerUnderTest | undefined
  const clients: MqttClient[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    await running?.close()
    running = undefined
  })
  return {
    start: async (options) => (running = await startBroker(options)),
    async agent(...rest) {
      const client = await connectDevice(...rest)
      client.on('error', () => undefined)
      clients.push(client)
      return client
    },
  }
}
