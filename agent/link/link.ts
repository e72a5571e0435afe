import { randomBytes } from 'node:crypto'
import type { MqttClient } from 'mqtt'
import type { SessionHello } from '../../contract/report.ts'
import type { DevicePolicy, DownMessage } from '../../contract/down.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { downTopic, upTopic, type DeviceAddress, type UpChannel } from '../../contract/topics.ts'
import { failpoint } from '../failpoint.ts'
import type { Log } from '../log.ts'
import type { Hello } from '../server-time.ts'
import type { OutboxRecord } from '../outbox/frame.ts'
import type { Outbox } from '../outbox/shape.ts'
import { createBackoff } from './backoff.ts'
import { createDialler, type TlsFiles } from './dial.ts'
import { parseDown } from './down.ts'
import { createWindow } from './window.ts'

/** What the agent knows of itself when a session begins; the rest of the hello is the link's. */
export type Self = Omit<SessionHello, 'v' | 'boot' | 'challenge' | 'timeMs' | 'outbox'>

export type LinkOptions = {
  address: DeviceAddress
  mqttUrl: string
  tls: TlsFiles
  /** Fingerprints of the server's chain, after each full handshake. */
  onChain?: (fingerprints: string[]) => void
  outbox: Outbox
  boot: string
  log: Log
  now: () => number
  monotonicMs: () => number
  random: () => number
  self: () => Self
  /** A signed command, not yet checked, and the session in which it came. */
  onCommand: (command: Extract<DownMessage, { type: 'command' }>, session: AgentSession) => void
  onCancel: (job: string) => void
  /** Signed trust roots after the one that the device has, not yet checked. */
  onTrust: (roots: DsseEnvelope[]) => void
  /** A message of a remote session, not yet checked, and the session with the server in which it came. */
  onRemote: (message: RemoteDown, session: AgentSession) => void
  /** The session is over, and its challenge with it. */
  onDisconnected?: () => void
  onPolicy: (policy: DevicePolicy) => void
  ackTimeoutMs?: number
  backoff?: { baseMs: number; capMs: number }
  /** A session that held this long makes the next wait short again. */
  stableMs?: number
}

/** One connection with the server: its challenge, and the hellos that were said in it. */
export type AgentSession = {
  readonly challenge: string
  /** What this device's clock showed in each, and how long that is ago. */
  readonly hellos: () => Hello[]
}

export type RemoteDown = Extract<DownMessage, { type: 'remote-open' | 'remote-frame' | 'remote-close' }>

export type Link = {
  start(): void
  /** Something new waits in the outbox. */
  wake(): void
  /** A layout is new: it goes out before the reports that need it. Without a connection the next session does it. */
  publishLayout(hash: string): void
  /** Live output: resolves to true when the broker has it, to false when it is lost. Never waits for a connection. */
  publishOutput(json: string): Promise<boolean>
  /** A frame or a word of a remote session: resolves to true when the broker has it. Never waits for a connection. */
  publishRemote(channel: 'remote' | 'remote-state', payload: string | Buffer): Promise<boolean>
  connected(): boolean
  /** Something that the hello tells has changed: it is said again, with the challenge of this session. */
  helloAgain(): void
  /** Says `gone`, disconnects and stays away. */
  stop(): Promise<void>
}

const CHANNEL_OF = { report: 'report', facts: 'facts', result: 'result' } as const
const RESEND_CHECK_MS = 5000
const GOODBYE_MS = 1000
/** A hello is said again when something in it changes; the server signs by the last that it heard. */
const MOST_HELLOS = 20

/**
 * The agent's connection: MQTT 3.1.1 over mutual TLS, clean session, one subscription. After each connect it says
 * hello with a fresh challenge, publishes the layouts, and sends the outbox in order until the server acknowledges.
 * It comes back by itself with full jitter. What the server sends is checked before it is used.
 */
export function createLink(options: LinkOptions): Link {
  const { address, outbox, boot, log, now, monotonicMs, random } = options
  const down = downTopic(address)
  const topics = new Map<UpChannel, string>()
  const topicOf = (channel: UpChannel): string => {
    const topic = topics.get(channel) ?? upTopic(address, channel)
    topics.set(channel, topic)
    return topic
  }
  const backoff = createBackoff({ ...(options.backoff ?? { baseMs: 2000, capMs: 120_000 }), random })
  const dial = createDialler({
    url: options.mqttUrl,
    tls: options.tls,
    clientId: address.device,
    will: { topic: topicOf('gone'), payload: JSON.stringify({ boot, reason: 'lost' }) },
    ...(options.onChain && { onChain: options.onChain }),
  })

  let client: MqttClient | undefined
  let ready = false
  let stopped = false
  let session = createSession()
  let retry: NodeJS.Timeout | undefined
  let stable: NodeJS.Timeout | undefined
  let resend: NodeJS.Timeout | undefined

  const publish = (channel: UpChannel, payload: string | Buffer, retain = false): Promise<boolean> =>
    new Promise((resolve) => {
      if (!client?.connected) resolve(false)
      else client.publish(topicOf(channel), payload, { qos: 1, retain }, (fault) => resolve(!fault))
    })
  const send = (record: OutboxRecord): void => {
    void publish(CHANNEL_OF[record.kind], record.payload)
  }
  const ackTimeoutMs = options.ackTimeoutMs ?? 20_000
  const window = createWindow({ outbox, send, ackTimeoutMs, maxRecords: 64, maxBytes: 512 * 1024 })

  const publishLayout = (hash: string): void => {
    const text = outbox.layout(hash)
    if (text === undefined) log.warn('the server asks for a layout that is not kept', { hash })
    else void publish('layout', text, true)
  }

  function createSession(): AgentSession & { says(nowMs: number): number } {
    const said: { deviceMs: number; atMs: number }[] = []
    return {
      challenge: randomBytes(32).toString('base64url'),
      hellos: () => said.map(({ deviceMs, atMs }) => ({ deviceMs, agoMs: monotonicMs() - atMs })),
      says(nowMs) {
        const deviceMs = Math.trunc(nowMs)
        said.push({ deviceMs, atMs: monotonicMs() })
        if (said.length > MOST_HELLOS) said.shift()
        return deviceMs
      },
    }
  }
  const sayHello = (): void => {
    const { reports, bytes, dropped } = outbox.stats()
    const hello: SessionHello = {
      v: 1,
      boot,
      challenge: session.challenge,
      timeMs: session.says(now()),
      outbox: { reports, bytes, dropped },
      ...options.self(),
    }
    void publish('session', JSON.stringify(hello))
  }

  const begin = (): void => {
    session = createSession()
    sayHello()
    for (const hash of outbox.neededLayouts()) publishLayout(hash)
    ready = true
    window.restart(monotonicMs())
    resend = setInterval(() => window.resend(monotonicMs()), Math.min(RESEND_CHECK_MS, ackTimeoutMs))
    stable = setTimeout(() => backoff.reset(), options.stableMs ?? 60_000)
    log.info('connected', { url: options.mqttUrl, waiting: outbox.stats().reports })
  }

  const receive = (message: DownMessage): void => {
    switch (message.type) {
      case 'ack':
        failpoint('agent-before-ack')
        outbox.ack(message.boot, message.ranges)
        failpoint('agent-after-ack')
        window.acked(message.boot, message.ranges, monotonicMs())
        return
      case 'need-layout':
        publishLayout(message.hash)
        window.resendFor(message.hash, monotonicMs())
        return
      case 'need-hello':
        sayHello()
        return
      case 'policy':
        options.onPolicy(message.policy)
        return
      case 'command':
        options.onCommand(message, session)
        return
      case 'cancel':
        options.onCancel(message.job)
        return
      case 'trust':
        options.onTrust(message.roots)
        return
      case 'remote-open':
      case 'remote-frame':
      case 'remote-close':
        options.onRemote(message, session)
        return
      default:
        message satisfies never
    }
  }

  const connect = (): void => {
    const mine = dial((fault) => log.warn(faultWords(fault), { error: fault.message }))
    client = mine
    mine.on('connect', () => {
      mine.subscribe(down, { qos: 1 }, (fault, granted) => {
        if (mine !== client) return
        if (!fault && granted?.[0]?.qos === 1) begin()
        else {
          log.warn('the broker refuses the subscription', {
            topic: down,
            error: fault?.message ?? 'refused',
          })
          mine.end(true)
        }
      })
    })
    mine.on('message', (topic, payload) => {
      if (mine !== client || topic !== down || !ready) return
      const message = parseDown(payload)
      if (message) receive(message)
      else
        log.warn('a message of the server is not one of the contract; it is ignored', {
          bytes: payload.length,
        })
    })
    mine.on('close', () => {
      if (mine !== client) return
      client = undefined
      const was = ready
      ready = false
      if (was) options.onDisconnected?.()
      clearInterval(resend)
      clearTimeout(stable)
      window.stop()
      mine.end(true)
      if (stopped) return
      const waitMs = backoff.next()
      log.info(was ? 'disconnected' : 'no connection', { retryInMs: Math.round(waitMs) })
      retry = setTimeout(connect, waitMs)
    })
  }

  return {
    start: connect,
    wake: () => window.pump(monotonicMs()),
    publishLayout(hash) {
      if (ready) publishLayout(hash)
    },
    publishOutput: (json) => publish('output', json),
    publishRemote: (channel, payload) => publish(channel, payload),
    connected: () => ready,
    helloAgain() {
      if (ready) sayHello()
    },
    async stop() {
      stopped = true
      clearTimeout(retry)
      clearTimeout(stable)
      clearInterval(resend)
      window.stop()
      const last = client
      if (!last) return
      const goodbye = ready
        ? publish('gone', JSON.stringify({ boot, reason: 'stopped' })).then(() => last.endAsync(false))
        : last.endAsync(true)
      await Promise.race([
        goodbye.catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref()),
      ])
      ready = false
      client = undefined
      last.end(true)
    },
  }
}

/** MQTT 3.1.1, 3.2.2.3: return code 5 is "not authorized". */
const NOT_AUTHORIZED = 5

function faultWords(fault: Error): string {
  return 'code' in fault && fault.code === NOT_AUTHORIZED
    ? 'the server does not let this device in: it was revoked, or its machine was enrolled again; enrol it with a new token'
    : 'the connection has a fault'
}
