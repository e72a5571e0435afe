import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { enrolDevice } from '../../../agent/enrol.ts'
import { readConfig } from '../../../agent/config.ts'
import { createDialler } from '../../../agent/link/dial.ts'
import { encodeReport } from '../../../agent/link/encode.ts'
import { agentPaths } from '../../../agent/paths.ts'
import type { JobResult } from '../../../contract/command.ts'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import { benchLayout } from '../ingest/load.ts'
import type { FromDevices, Setup } from './messages.ts'

// Devices that are enrolled for real and speak MQTT over mutual TLS, in a process of its own. An order is answered at
// once by `started`, one line of output and a good end: what is measured is the server, not the start of a script.

const SERIES = 20
const AT_ONCE = 8

process.on('message', (setup: Setup) => {
  open(setup).then(
    (devices) => say({ type: 'ready', devices }),
    (thrown: unknown) => say({ type: 'failed', message: String(thrown) }),
  )
})
process.on('disconnect', () => process.exit(0))

function say(message: FromDevices): void {
  process.send?.(message)
}

async function open(setup: Setup): Promise<string[]> {
  const devices: string[] = []
  const left = setup.tokens.map((token, index) => ({ token, index }))
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      devices.push(await openOne(setup, next.token, next.index))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return devices
}

async function openOne(setup: Setup, token: string, index: number): Promise<string> {
  const dataDir = join(setup.folder, `device-${index}`)
  const hostname = `sim-${index}`
  await enrolDevice({ serverUrl: setup.url, token, dataDir, hostname, machineId: `${hostname}-${token}` })
  const paths = agentPaths(dataDir)
  const { client, device, mqttUrl } = readConfig(paths.config)
  const address = { client, device }
  const boot = randomBytes(8).toString('hex')
  const dial = createDialler({
    url: mqttUrl,
    tls: {
      key: readFileSync(paths.key, 'utf8'),
      cert: readFileSync(paths.certificate, 'utf8'),
      ca: (JSON.parse(readFileSync(paths.trust, 'utf8')) as { caPem: string }).caPem,
    },
    clientId: device,
    will: { topic: upTopic(address, 'gone'), payload: JSON.stringify({ boot, reason: 'lost' }) },
  })
  const mqtt: MqttClient = await new Promise((resolve, reject) => {
    const dialled = dial(reject)
    dialled.once('connect', () => resolve(dialled))
    dialled.once('error', reject)
  })
  let seq = 0
  const up = (channel: 'session' | 'layout' | 'report' | 'result' | 'output', payload: string | Buffer) =>
    mqtt.publish(upTopic(address, channel), payload, { qos: 1, retain: channel === 'layout' })
  const result = (job: string, outcome: JobResult['outcome']): void => {
    const exited = outcome === 'exited'
    const end: JobResult = {
      ...{ boot, seq: seq++, job, timeMs: Date.now(), outcome, code: null, message: null },
      ...{ exitCode: exited ? 0 : null, durationMs: exited ? 5 : null, stdoutBytes: exited ? 6 : 0 },
      ...{ stderrBytes: 0, stdout: exited ? 'hello\n' : '', stderr: '', fields: {}, transcript: [] },
    }
    up('result', JSON.stringify(end))
  }
  mqtt.on('message', (_topic, payload) => {
    const message = JSON.parse(payload.toString()) as { type: string; order?: { payload: string } }
    if (message.type !== 'command' || message.order === undefined) return
    const { job } = JSON.parse(Buffer.from(message.order.payload, 'base64').toString()) as { job: string }
    result(job, 'started')
    up('output', JSON.stringify({ job, at: 0, stream: 'stdout', offset: 0, text: 'hello\n' }))
    result(job, 'exited')
  })
  await mqtt.subscribeAsync(downTopic(address), { qos: 1 })
  const nowMs = Date.now()
  up(
    'session',
    JSON.stringify({
      ...{ v: 1, boot, challenge: randomBytes(32).toString('base64url'), agentVersion: '0.0.0', hostname },
      ...{ os: 'linux', osName: 'linux', arch: 'x64', bootTimeMs: nowMs - 86_400_000, timeMs: nowMs },
      ...{ commandSequence: 0, trustVersion: 1, commandsEnabled: true },
      outbox: { reports: 0, bytes: 0, dropped: 0 },
    }),
  )
  const layout = benchLayout(SERIES)
  up('layout', JSON.stringify(layout))
  const report = (): void => {
    const values = Array.from({ length: SERIES }, () => 50 + Math.random())
    up(
      'report',
      Buffer.from(encodeReport({ hash: layout.hash, boot, seq: seq++, timeMs: Date.now(), values })),
    )
  }
  // Spread over the interval, as a fleet is.
  setTimeout(() => setInterval(report, setup.reportEveryMs), Math.random() * setup.reportEveryMs)
  return device
}
