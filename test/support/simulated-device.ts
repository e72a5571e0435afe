import { hash as digest, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { MqttClient } from 'mqtt'
import { readConfig } from '../../agent/config.ts'
import { createDialler } from '../../agent/link/dial.ts'
import { parseDown } from '../../agent/link/down.ts'
import { encodeReport } from '../../agent/link/encode.ts'
import { agentPaths } from '../../agent/paths.ts'
import type { SeriesSpec, SessionHello } from '../../contract/report.ts'
import { downTopic, upTopic } from '../../contract/topics.ts'
import { layoutText } from '../../contract/wire.ts'

/** A device that was enrolled for real and speaks for itself over MQTT, at times that the test chooses. */
export type SimulatedDevice = {
  readonly id: string
  readonly client: string
  /** Sends a report at that time, after its layout when that is new; resolves when the broker has it. */
  report(timeMs: number, series: readonly SeriesSpec[], values: readonly number[]): Promise<void>
  /** How many reports the server has not said to be committed. */
  unacknowledged(): number
  end(): Promise<void>
}

/** Connects with what enrolment left in the folder, subscribes, and says hello. */
export async function connectDevice(options: {
  dataDir: string
  nowMs: number
  hostname: string
  os: SessionHello['os']
}): Promise<SimulatedDevice> {
  const { dataDir, nowMs } = options
  const paths = agentPaths(dataDir)
  const { client, device, mqttUrl } = readConfig(paths.config)
  const address = { client, device }
  const { caPem } = JSON.parse(readFileSync(paths.trust, 'utf8')) as { caPem: string }
  const boot = randomBytes(8).toString('hex')
  const tls = {
    key: readFileSync(paths.key, 'utf8'),
    cert: readFileSync(paths.certificate, 'utf8'),
    ca: caPem,
  }
  const dial = createDialler({
    url: mqttUrl,
    tls,
    clientId: device,
    will: { topic: upTopic(address, 'gone'), payload: JSON.stringify({ boot, reason: 'lost' }) },
  })
  const open = new Set<number>()
  const published = new Set<string>()
  let seq = 0
  const mqtt: MqttClient = await new Promise((resolve, reject) => {
    const dialled = dial(reject)
    dialled.once('connect', () => resolve(dialled))
    dialled.once('error', reject)
  })
  mqtt.on('message', (_topic, payload) => {
    const message = parseDown(payload)
    if (message?.type !== 'ack' || message.boot !== boot) return
    for (const [from, to] of message.ranges) for (let at = from; at <= to; at++) open.delete(at)
  })
  await mqtt.subscribeAsync(downTopic(address), { qos: 1 })
  const send = async (channel: 'session' | 'layout' | 'report', payload: string | Uint8Array) => {
    const bytes = typeof payload === 'string' ? payload : Buffer.from(payload)
    await mqtt.publishAsync(upTopic(address, channel), bytes, { qos: 1, retain: channel === 'layout' })
  }
  const hello: SessionHello = {
    v: 1,
    boot,
    challenge: randomBytes(32).toString('base64url'),
    agentVersion: '0.0.0',
    hostname: options.hostname,
    os: options.os,
    osName: options.os,
    arch: 'x64',
    bootTimeMs: nowMs - 86_400_000,
    timeMs: nowMs,
    commandSequence: 0,
    trustVersion: 0,
    commandsEnabled: false,
    outbox: { reports: 0, bytes: 0, dropped: 0 },
  }
  await send('session', JSON.stringify(hello))
  return {
    id: device,
    client,
    async report(timeMs, series, values) {
      const hash = digest('sha256', layoutText(series), 'hex').slice(0, 16)
      const isNew = !published.has(hash)
      published.add(hash)
      const own = seq++
      open.add(own)
      // One connection keeps the order, so nothing has to wait for the layout.
      await Promise.all([
        isNew && send('layout', JSON.stringify({ v: 1, hash, series })),
        send('report', encodeReport({ hash, boot, seq: own, timeMs, values })),
      ])
    },
    unacknowledged: () => open.size,
    async end() {
      await mqtt.endAsync()
    },
  }
}
