import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { Aedes, type Client } from 'aedes'
import { unpack } from 'msgpackr'
import type { DownMessage } from '../../contract/down.ts'
import { deviceCommonName } from '../../contract/enrol.ts'
import { downTopic, parseUpTopic, type DeviceAddress } from '../../contract/topics.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export type Authority = {
  caPem: string
  issue: (name: string, ip?: string) => Promise<{ key: string; cert: string }>
  sign: (csrPem: string, name: string) => Promise<string>
}

/** A certificate authority of its own for one test. */
export async function makeAuthority(): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const span = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) }
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test authority',
    keys,
    ...span,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  })
  const certify = (publicKey: x509.PublicKeyType, name: string, ip?: string) =>
    x509.X509CertificateGenerator.create({
      subject: [{ CN: [name] }],
      issuer: ca.subject,
      ...span,
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions:
        ip === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: ip }])],
    })
  return {
    caPem: ca.toString('pem'),
    async issue(name, ip) {
      const pair = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      const key = x509.PemConverter.encode(
        await webcrypto.subtle.exportKey('pkcs8', pair.privateKey),
        'PRIVATE KEY',
      )
      return { key, cert: (await certify(pair.publicKey, name, ip)).toString('pem') }
    },
    async sign(csrPem, name) {
      const request = new x509.Pkcs10CertificateRequest(csrPem)
      if (!(await request.verify())) throw new Error('the signing request does not verify')
      return (await certify(request.publicKey, name)).toString('pem')
    },
  }
}

export type UpMessage = {
  channel: string
  payload: Buffer
  bytes: number
  retain: boolean
  commonName: string
}
export type StubReport = {
  hash: string
  boot: string
  seq: number
  timeMs: number
  values: (number | null)[]
}

/** A broker over mutual TLS that records what agents say and acknowledges what `shouldAck` allows. */
export async function startStubServer(
  options: {
    shouldAck?: (boot: string, seq: number) => boolean
    port?: number
    authority?: Authority
    /** Every device is one that the server knows no more. */
    refuses?: boolean
  } = {},
) {
  const authority = options.authority ?? (await makeAuthority())
  const own = await authority.issue('server', '127.0.0.1')
  const broker = await Aedes.createBroker({ id: 'stub' })
  if (options.refuses)
    broker.authenticate = (_client, _name, _password, done) =>
      done(Object.assign(new Error('unknown'), { returnCode: 5 as const }), false)
  const messages: UpMessage[] = []
  const sockets = new Map<unknown, string>()
  const stub = {
    shouldAck: options.shouldAck ?? (() => true),
    connects: 0,
    resumed: 0,
  }
  const cut = (): void => {
    for (const socket of sockets.keys()) if (socket instanceof TLSSocket) socket.destroy()
  }
  const server = createServer(
    { key: own.key, cert: own.cert, ca: authority.caPem, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      sockets.set(socket, String(socket.getPeerCertificate().subject.CN))
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      stub.connects += 1
      if (socket.isSessionReused()) stub.resumed += 1
      broker.handle(socket)
    },
  )
  server.on('tlsClientError', () => undefined)

  const send = (address: DeviceAddress, message: DownMessage | string): Promise<void> =>
    new Promise((resolve, reject) =>
      broker.publish(
        {
          cmd: 'publish',
          topic: downTopic(address),
          payload: typeof message === 'string' ? message : JSON.stringify(message),
          qos: 1,
          retain: false,
          dup: false,
        },
        (fault) => (fault ? reject(fault) : resolve()),
      ),
    )
  broker.authorizePublish = (client: Client | null, packet, done) => {
    const up = parseUpTopic(packet.topic)
    const payload = Buffer.from(packet.payload)
    done(null)
    if (!up) return
    const commonName = sockets.get(client?.conn) ?? ''
    messages.push({ channel: up.channel, payload, bytes: payload.length, retain: packet.retain, commonName })
    const durable = identity(up.channel, payload)
    if (durable && stub.shouldAck(durable.boot, durable.seq))
      void send(up, { type: 'ack', boot: durable.boot, ranges: [[durable.seq, durable.seq]] })
  }
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return Object.assign(stub, {
    authority,
    port,
    url: `mqtts://127.0.0.1:${String(port)}`,
    messages,
    send,
    device: (address: DeviceAddress) => authority.issue(deviceCommonName(address)),
    of: (channel: string) => messages.filter((message) => message.channel === channel),
    json: (channel: string) =>
      messages
        .filter((message) => message.channel === channel)
        .map(({ payload }): unknown => JSON.parse(String(payload))),
    reports: (): StubReport[] =>
      messages.filter(({ channel }) => channel === 'report').map(({ payload }) => decodeReport(payload)),
    /** Cuts every connection without a word. */
    cut: () => cut(),
    async close() {
      cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await new Promise<void>((resolve) => broker.close(() => resolve()))
    },
  })
}
export type StubServer = Awaited<ReturnType<typeof startStubServer>>

export function decodeReport(payload: Buffer): StubReport {
  const [hash, boot, seq, timeMs, values] = unpack(payload) as [
    string,
    string,
    number,
    number,
    (number | null)[],
  ]
  return { hash, boot, seq, timeMs, values }
}

function identity(channel: string, payload: Buffer): { boot: string; seq: number } | undefined {
  if (channel === 'report' || channel === 'facts') {
    const [, boot, seq] = unpack(payload) as [string, string, number]
    return { boot, seq }
  }
  if (channel === 'result') return JSON.parse(String(payload)) as { boot: string; seq: number }
  return undefined
}

/** Waits until the condition holds; fails with its words after the time. */
export async function until(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${String(timeoutMs)} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
