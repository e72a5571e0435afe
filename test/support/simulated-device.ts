import { hash as digest, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { MqttClient } from 'mqtt'
import { readConfig } from '../../agent/config.ts'
import { createDialler } from '../../agent/link/dial.ts'
import { parseDown } from '../../agent/link/down.ts'
import { encodeReport } from '../../agent/link/encode.ts'
import { createWindow } from '../../agent/link/window.ts'
import type { OutboxRecord } from '../../agent/outbox/frame.ts'
import { agentPaths } from '../../agent/paths.ts'
import type { DownMessage } from '../../contract/down.ts'
import type { SeriesSpec, SessionHello } from '../../contract/report.ts'
import { downTopic, upTopic } from '../../contract/topics.ts'
import { layoutText } from '../../contract/wire.ts'

/** A device that was enrolled for real and speaks for itself over MQTT, at times that the test chooses. */
export type SimulatedDevice = {
  readonly id: string
  readonly client: string
  /**
   * Sends a report at that time, after its layout when that is new; resolves when the broker has it. As an agent does,
   * it holds back what is more than the server may have open of one device, and sends again what is not acknowledged.
   */
  report(timeMs: number, series: readonly SeriesSpec[], values: readonly number[]): Promise<void>
  /** How many reports the server has not said to be committed. */
  unacknowledged(): number
  /** Resolves when it has not said so of at most that many. */
  acknowledged(allBut: number): Promise<void>
  end(): Promise<void>
}

/** As in agent/link. */
const WINDOW = { maxRecords: 64, maxBytes: 512 * 1024 }
/** An agent waits longer, and checks less often; the test has no such time. */
const ACK_TIMEOUT_MS = 5000
const RESEND_CHECK_MS = 500
const RECONNECT_MS = 200

/** Connects with what enrolment left in the folder, subscribes, and says hello. */
export async function connectDevice(options: {
  dataDir: string
  nowMs: number
  hostname: string
  os: SessionHello['os']
}): Promise<SimulatedDevice> {
  const { dataDir } = options
  const paths = agentPaths(dataDir)
  const { client, device, mqttUrl } = readConfig(paths.config)
  const address = { client, device }
  const { caPem } = JSON.parse(readFileSync(paths.trust, 'utf8')) as { caPem: string }
  const hello = helloOf(options)
  const { boot } = hello
  const dial = createDialler({
    url: mqttUrl,
    tls: {
      key: readFileSync(paths.key, 'utf8'),
      cert: readFileSync(paths.certificate, 'utf8'),
      ca: caPem,
    },
    clientId: device,
    will: { topic: upTopic(address, 'gone'), payload: JSON.stringify({ boot, reason: 'lost' }) },
  })
  const layouts = new Map<string, string>()
  /** Reports that are not acknowledged, by sequence; `taken` is called when the broker has one. */
  const waiting = new Map<number, { record: OutboxRecord; taken: () => void }>()
  let awaited: { allBut: number; resolve: () => void }[] = []
  let mqtt: MqttClient | undefined
  let ended = false
  let seq = 0

  const publish = async (
    channel: 'session' | 'layout' | 'report',
    payload: string | Buffer,
  ): Promise<void> => {
    if (mqtt === undefined) throw new Error('not connected')
    await mqtt.publishAsync(upTopic(address, channel), payload, { qos: 1, retain: channel === 'layout' })
  }
  /** What a connection that ends takes with it is sent again over the next. */
  const attempt = (sent: Promise<void>): void => void sent.catch(() => undefined)
  const window = createWindow({
    ...WINDOW,
    ackTimeoutMs: ACK_TIMEOUT_MS,
    outbox: {
      start: () => ({ segment: 0, offset: 0, memorySeq: -1 }),
      next(cursor, limits) {
        const records: OutboxRecord[] = []
        for (const [own, { record }] of waiting)
          if (own > cursor.memorySeq && records.length < limits.records) records.push(record)
        return { records, cursor: { ...cursor, memorySeq: records.at(-1)?.seq ?? cursor.memorySeq } }
      },
    },
    send(record) {
      const taken = waiting.get(record.seq)?.taken
      attempt(publish('report', record.payload).then(taken))
    },
  })
  const receive = (message: DownMessage | undefined): void => {
    if (message?.type === 'ack' && message.boot === boot) {
      for (const [from, to] of message.ranges)
        for (let at = from; at <= to; at++) {
          waiting.get(at)?.taken()
          waiting.delete(at)
        }
      window.acked(boot, message.ranges, performance.now())
      for (const { allBut, resolve } of awaited) if (waiting.size <= allBut) resolve()
      awaited = awaited.filter(({ allBut }) => waiting.size > allBut)
    } else if (message?.type === 'need-layout') {
      attempt(publish('layout', layouts.get(message.hash) ?? ''))
      window.resendFor(message.hash, performance.now())
    } else if (message?.type === 'need-hello') attempt(publish('session', JSON.stringify(hello)))
  }
  const begin = async (mine: MqttClient): Promise<void> => {
    await mine.subscribeAsync(downTopic(address), { qos: 1 })
    await publish('session', JSON.stringify(hello))
    for (const layout of layouts.values()) await publish('layout', layout)
    window.restart(performance.now())
  }
  const connect = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const mine = dial(reject)
      mqtt = mine
      mine.on('connect', () => void begin(mine).then(resolve, reject))
      mine.on('message', (_topic, payload) => receive(parseDown(payload)))
      mine.on('close', () => {
        if (mine !== mqtt) return
        mqtt = undefined
        window.stop()
        mine.end(true)
        if (!ended) setTimeout(() => attempt(connect()), RECONNECT_MS)
      })
    })

  await connect()
  const resending = setInterval(() => window.resend(performance.now()), RESEND_CHECK_MS)
  return {
    id: device,
    client,
    report(timeMs, series, values) {
      const text = layoutText(series)
      const hash = digest('sha256', text, 'hex').slice(0, 16)
      // One connection keeps the order, so nothing has to wait for the layout.
      if (!layouts.has(hash)) {
        const layout = JSON.stringify({ v: 1, hash, series })
        layouts.set(hash, layout)
        attempt(publish('layout', layout))
      }
      const own = seq++
      const payload = Buffer.from(encodeReport({ hash, boot, seq: own, timeMs, values }))
      return new Promise((taken) => {
        const record: OutboxRecord = { kind: 'report', boot, seq: own, timeMs, hash, payload }
        waiting.set(own, { record, taken })
        window.pump(performance.now())
      })
    },
    unacknowledged: () => waiting.size,
    acknowledged: (allBut) =>
      new Promise((resolve) => {
        if (waiting.size <= allBut) resolve()
        else awaited.push({ allBut, resolve })
      }),
    async end() {
      ended = true
      clearInterval(resending)
      window.stop()
      await mqtt?.endAsync()
    },
  }
}

function helloOf({
  nowMs,
  hostname,
  os,
}: {
  nowMs: number
  hostname: string
  os: SessionHello['os']
}): SessionHello {
  return {
    v: 1,
    boot: randomBytes(8).toString('hex'),
    challenge: randomBytes(32).toString('base64url'),
    agentVersion: '0.0.0',
    hostname,
    os,
    osName: os,
    arch: 'x64',
    bootTimeMs: nowMs - 86_400_000,
    timeMs: nowMs,
    commandSequence: 0,
    trustVersion: 0,
    commandsEnabled: false,
    outbox: { reports: 0, bytes: 0, dropped: 0 },
  }
}
