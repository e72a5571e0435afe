import mqtt, { type MqttClient } from 'mqtt'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import type { DownMessage } from '../../contract/down.ts'
import { VigiaError } from '../../contract/errors.ts'
import { ClientId, DeviceId } from '../../contract/ids.ts'
import { downTopic, parseUpTopic, TOPIC_ROOT, type DeviceAddress } from '../../contract/topics.ts'
import { unsetHandlers, type Broker } from './broker.ts'

export type ExternalOptions = {
  /** mqtt://, mqtts://, ws:// or wss://. */
  url: string
  clientId: string
  username?: string
  password?: string
  caPem?: string
  certPem?: string
  keyPem?: string
  /** Partitions of this server; all without. */
  partitions?: readonly string[]
  /** Asked for every message, so it must not wait: false for a device that is not enrolled or is revoked. */
  accepts: (address: DeviceAddress) => boolean
  /** For tests: how long a device may be silent after the connection was lost; 60 s. */
  silentAfterMs?: number
  log: Logger
  registry: Registry
}

const RECONNECT_MS = 1000
const CONNECT_TIMEOUT_MS = 5000
/** After a lost connection a device that is still there has this long to say so. */
const SILENT_AFTER_MS = 60_000
/** Valid addresses are remembered by topic, so that a report costs one look-up. Beyond this they are parsed again. */
const KNOWN_TOPICS = 200_000

/**
 * Any MQTT 3.1.1 broker as the way to the devices. That broker must see to it that a device uses its own topics
 * only (`mosquittoAcl` makes the list for mosquitto). Who is there is known from `up/session`, from the will on
 * `up/gone` and from anything else that a device says. While the broker is away this keeps trying; `ping` says so.
 */
export async function createExternalBroker(options: ExternalOptions): Promise<Broker> {
  const { log } = options
  const handlers = unsetHandlers()
  const online = new Map<string, DeviceAddress>()
  const topics = new Map<string, NonNullable<ReturnType<typeof parseUpTopic>>>()
  const answered = Promise.withResolvers<void>()
  let trouble = 'not connected yet'
  /** Devices that may have gone while the broker could not say so. */
  const unsure = new Set<string>()
  let silence: NodeJS.Timeout | undefined
  new Gauge({
    name: 'vigia_broker_sessions',
    help: 'Devices with a session',
    registers: [options.registry],
    collect() {
      this.set(online.size)
    },
  })

  const client: MqttClient = mqtt.connect(options.url, {
    clientId: options.clientId,
    // Nothing is queued for an absent server: what it did not acknowledge the devices send again.
    clean: true,
    protocolVersion: 4,
    keepalive: 30,
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    resubscribe: false,
    queueQoSZero: false,
    ...optional('username', options.username),
    ...optional('password', options.password),
    ...optional('ca', options.caPem),
    ...optional('cert', options.certPem),
    ...optional('key', options.keyPem),
  })

  const subscribe = async (): Promise<void> => {
    const filters = (options.partitions ?? ['+']).map((partition) => `${TOPIC_ROOT}/${partition}/+/+/up/#`)
    const granted = await client.subscribeAsync(filters, { qos: 1 })
    const refused = granted.filter(({ qos }) => qos > 1).map(({ topic }) => topic)
    if (refused.length > 0) throw new Error(`the broker refuses a subscription to ${refused.join(', ')}`)
    trouble = ''
    log.info({ url: options.url }, 'connected to the broker')
    askWhoIsThere()
  }
  const askWhoIsThere = (): void => {
    clearTimeout(silence)
    if (online.size === 0) return
    const hello: DownMessage = { type: 'need-hello' }
    for (const address of online.values()) {
      unsure.add(address.device)
      client.publish(downTopic(address), JSON.stringify(hello), { qos: 1 }, (error) => {
        if (error) log.debug({ device: address.device, error: error.message }, 'not asked for its hello')
      })
    }
    silence = setTimeout(() => {
      for (const device of unsure) {
        const address = online.get(device)
        if (address !== undefined) markOnline(address, false)
      }
      unsure.clear()
    }, options.silentAfterMs ?? SILENT_AFTER_MS).unref()
  }
  const failed = (error: Error): void => {
    if (trouble !== error.message) log.warn({ url: options.url, error: error.message }, 'broker')
    trouble = error.message
    answered.resolve()
  }
  client.on('connect', () => void subscribe().then(answered.resolve, failed))
  client.on('error', failed)
  client.on('close', () => {
    if (trouble === '') {
      trouble = 'the connection was lost'
      log.warn({ url: options.url }, 'the connection to the broker was lost')
    }
  })

  const parse = (topic: string): ReturnType<typeof parseUpTopic> => {
    const known = topics.get(topic)
    if (known !== undefined) return known
    const parsed = parseUpTopic(topic)
    if (!parsed || !ClientId.safeParse(parsed.client).success || !DeviceId.safeParse(parsed.device).success)
      return undefined
    if (topics.size < KNOWN_TOPICS) topics.set(topic, parsed)
    return parsed
  }

  const markOnline = (address: DeviceAddress, there: boolean): void => {
    if (online.has(address.device) === there) return
    if (there) online.set(address.device, address)
    else online.delete(address.device)
    handlers.presence(address, there)
  }

  client.on('message', (topic, payload, packet) => {
    const parsed = parse(topic)
    if (parsed === undefined || !options.accepts(parsed)) {
      handlers.refused({ address: parsed ?? null, reason: 'REPORT_WRONG_TENANT', topic, payload })
      return
    }
    const { channel } = parsed
    const address = { client: parsed.client, device: parsed.device }
    if (packet.retain && channel !== 'layout') {
      handlers.refused({ address, reason: 'REPORT_MALFORMED', topic, payload })
      return
    }
    // A retained layout says nothing about who is there now.
    if (!packet.retain) {
      unsure.delete(address.device)
      markOnline(address, channel !== 'gone')
    }
    handlers.up(address, channel, payload, topic)
  })

  // A server starts without its broker too, and says so.
  const patience = setTimeout(answered.resolve, CONNECT_TIMEOUT_MS)
  await answered.promise
  clearTimeout(patience)

  return {
    name: 'external',
    onUp: (handler) => void (handlers.up = handler),
    onPresence(handler) {
      handlers.presence = handler
      // Whoever spoke before anyone listened is not missed.
      for (const address of online.values()) handler(address, true)
    },
    onRefused: (handler) => void (handlers.refused = handler),
    async send(address, message) {
      if (!client.connected || online.get(address.device)?.client !== address.client) return false
      const qos = message.type === 'ack' ? 0 : 1
      await client.publishAsync(downTopic(address), JSON.stringify(message), { qos })
      return true
    },
    disconnect(device, why) {
      // Its connection belongs to the other broker; `accepts` and that broker's access list end what it can do.
      const address = online.get(device)
      log.info({ device, why }, 'session ended')
      if (address !== undefined) markOnline(address, false)
    },
    sessions: () => online.size,
    async ping() {
      if (!client.connected || trouble !== '')
        throw new VigiaError('BROKER_UNAVAILABLE', `${options.url}: ${trouble}`)
    },
    async close() {
      trouble = 'closed'
      clearTimeout(silence)
      await client.endAsync(true)
    },
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>)
}
