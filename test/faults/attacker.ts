import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import pino from 'pino'
import { Registry } from 'prom-client'
import { agentPaths } from '../../agent/paths.ts'
import { enrolDevice } from '../../agent/enrol.ts'
import { JobResult } from '../../contract/command.ts'
import { TrustRoot } from '../../contract/trust/root.ts'
import type { DownMessage } from '../../contract/down.ts'
import { SessionHello } from '../../contract/report.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { createEmbeddedBroker } from '../../server/broker/embedded.ts'
import type { Installation } from '../support/installation.ts'
import { eventually } from '../support/installation.ts'

/** A device that was really enrolled, with the files that enrolment left in its folder. */
export type Stolen = DeviceAddress & {
  dataDir: string
  mqttUrl: string
  key: string
  cert: string
  ca: string
}

/** Enrols a device over HTTP the way every machine does and hands its identity to the attacker. */
export async function enrolStolen(vigia: Installation, client: string, folder: string): Promise<Stolen> {
  const { token } = await vigia.server.call('createEnrolToken', { body: { client } })
  const dataDir = join(folder, `${client}-${randomBytes(4).toString('hex')}`)
  await enrolDevice({ serverUrl: vigia.url, token, dataDir, machineId: randomBytes(8).toString('hex') })
  return readStolen(dataDir)
}

/** Reads the identity in an agent's folder. */
export function readStolen(dataDir: string): Stolen {
  const paths = agentPaths(dataDir)
  const { client, device, mqttUrl } = JSON.parse(readFileSync(paths.config, 'utf8')) as DeviceAddress & {
    mqttUrl: string
  }
  const trust = TrustRoot.parse(JSON.parse(readFileSync(paths.trust, 'utf8')))
  return {
    client,
    device,
    mqttUrl,
    dataDir,
    key: readFileSync(paths.key, 'utf8'),
    cert: readFileSync(paths.certificate, 'utf8'),
    ca: trust.caPem,
  }
}

/** An MQTT session of the attacker's own making; rejects when the server does not let it in. */
export async function connectAs(stolen: Stolen, more: Partial<IClientOptions> = {}): Promise<MqttClient> {
  const client = mqtt.connect(stolen.mqttUrl, {
    key: stolen.key,
    cert: stolen.cert,
    ca: stolen.ca,
    clientId: stolen.device,
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    ...more,
  })
  return new Promise((resolve, reject) => {
    client.once('connect', () => {
      client.on('error', () => undefined)
      resolve(client)
    })
    const lost = (why?: Error): void => {
      client.on('error', () => undefined)
      client.end(true)
      reject(why ?? new Error('the connection was closed'))
    }
    client.once('error', lost)
    client.once('close', lost)
  })
}

/** Publishes so that the answer of the server's broker is waited for. */
export async function publish(session: MqttClient, topic: string, payload: string | Buffer): Promise<void> {
  await session.publishAsync(topic, payload, { qos: 1 })
}

/** A hello as an agent sends it. */
export function helloOf(more: Partial<SessionHello> = {}): SessionHello {
  return {
    v: 1,
    boot: randomBytes(8).toString('hex'),
    challenge: randomBytes(32).toString('base64url'),
    agentVersion: '0.1.0',
    hostname: 'mallory',
    os: 'linux',
    osName: 'Linux',
    arch: 'x64',
    bootTimeMs: 1_000_000,
    timeMs: Date.now(),
    commandSequence: 0,
    trustVersion: 1,
    commandsEnabled: true,
    outbox: { reports: 0, bytes: 0, dropped: 0 },
    ...more,
  }
}

/** The server as one who owns it has it: its own authority and certificate, but the attacker's program. */
export type OwnedServer = {
  url: string
  /** Everything that agents published, as it came. */
  heard: { channel: string; payload: Buffer }[]
  /** The present session's hello; undefined until there is one. */
  hello(): SessionHello | undefined
  send(message: DownMessage): Promise<boolean>
  /** What the agent finally says of a job. */
  verdict(job: string, limitMs?: number): Promise<JobResult>
  close(): Promise<void>
}

/** Starts a broker of the attacker with the stolen authority of the installation, for one device. */
export async function ownServer(dataDir: string, address: DeviceAddress): Promise<OwnedServer> {
  const server = readFileSync(join(dataDir, 'ca/server.pem'), 'utf8')
  const begin = server.indexOf('-----BEGIN CERTIFICATE-----')
  const ca = readFileSync(join(dataDir, 'ca/ca.pem'), 'utf8')
  const broker = await createEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    keyPem: server.slice(0, begin),
    certPem: server.slice(begin),
    caPem: ca.slice(ca.indexOf('-----BEGIN CERTIFICATE-----')),
    ticketKeys: randomBytes(48),
    admit: () => 'ok',
    clock: Date.now,
    log: pino({ level: 'silent' }),
    registry: new Registry(),
  })
  const heard: OwnedServer['heard'] = []
  let hello: SessionHello | undefined
  broker.onPresence((_address, online) => {
    if (!online) hello = undefined
  })
  broker.onUp((_address, channel, bytes) => {
    const payload = Buffer.from(bytes)
    heard.push({ channel, payload })
    if (channel === 'session') hello = SessionHello.parse(JSON.parse(payload.toString()))
    return 'taken'
  })
  const endOf = (job: string): JobResult | undefined =>
    heard
      .filter(({ channel }) => channel === 'result')
      .map(({ payload }) => JobResult.parse(JSON.parse(payload.toString())))
      .find((result) => result.job === job && result.outcome !== 'started')
  return {
    url: `mqtts://127.0.0.1:${broker.port}`,
    heard,
    hello: () => hello,
    send: (message) => broker.send(address, message),
    verdict: (job, limitMs = 20_000) =>
      eventually(`the verdict on job ${job}`, limitMs, async () => endOf(job)),
    close: () => broker.close(),
  }
}

/** Points an enrolled agent's configuration to another broker, as one who redirects its traffic would. */
export function redirect(stolen: Stolen, mqttUrl: string, policy?: object): void {
  const paths = agentPaths(stolen.dataDir)
  const config = JSON.parse(readFileSync(paths.config, 'utf8')) as object
  mkdirSync(stolen.dataDir, { recursive: true })
  writeFileSync(paths.config, JSON.stringify({ ...config, mqttUrl }))
  if (policy) writeFileSync(paths.policy, JSON.stringify(policy))
}

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string }

/** One HTTP request exactly as given: any Host, any path, nothing normalized. */
export function raw(
  url: string,
  options: { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer },
): Promise<Answer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        hostname,
        port,
        method: options.method ?? 'GET',
        path: options.path,
        headers: {
          ...(options.body === undefined ? {} : { 'content-length': Buffer.byteLength(options.body) }),
          ...options.headers,
        },
        timeout: 20_000,
      },
      (answer) => {
        let body = ''
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => (body += part))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }))
        answer.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.on('timeout', () => asked.destroy(new Error('no answer')))
    asked.end(options.body)
  })
}
