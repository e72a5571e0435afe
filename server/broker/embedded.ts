import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { Aedes, type Client } from 'aedes'
import type { Logger } from 'pino'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import { LIMITS } from '../../contract/limits.ts'
import { listenAdmitting, type AdmissionLimits } from './admission.ts'
import { createHooks, type Admit, type Connection } from './authorize.ts'
import { unsetHandlers, type Broker } from './broker.ts'
import { guardSocket, type SocketLimits } from './guard-socket.ts'
import { noBus, noPersistence } from './no-routing.ts'
import { deviceCertificate, deviceTopics } from './session.ts'

/** Every bound of the embedded broker. Times in milliseconds unless the name says otherwise. */
export type EmbeddedLimits = AdmissionLimits &
  SocketLimits & {
    handshakeMs: number
    /** From the end of the TLS handshake to CONNECT. */
    connectMs: number
    /** A subscriber that takes nothing for this long is cut. */
    drainMs: number
    /** What may wait for one subscriber before it is cut. */
    pendingDownBytes: number
    keepaliveMaxS: number
  }

const EMBEDDED_LIMITS: EmbeddedLimits = {
  connectionsPerSecond: 80,
  connectionBurst: 160,
  waitingConnections: 4000,
  waitMs: 20_000,
  connections: 20_000,
  connectBytes: LIMITS.connectBytes,
  packetBytes: LIMITS.packetBytes,
  // Below what ingest grants a device, so that a device with a backlog is slowed down and not refused.
  framesPerSecond: 400,
  bytesPerSecond: 1024 * 1024,
  handshakeMs: 10_000,
  connectMs: 10_000,
  drainMs: 10_000,
  pendingDownBytes: 4 * 1024 * 1024,
  keepaliveMaxS: 300,
}

/** A device has one session; a second socket is let in only to take over from the first. */
const SOCKETS_PER_DEVICE = 2
/** Sessions may be resumed for half a day, so that a fleet comes back from a long outage cheaply. */
const SESSION_TIMEOUT_S = 12 * 3600

export type EmbeddedOptions = {
  host: string
  /** 0 takes a free one; see `port` of the answer. */
  port: number
  certPem: string
  keyPem: string
  /** Authority of the devices' certificates. */
  caPem: string
  ticketKeys: Buffer
  admit: Admit
  clock: Clock
  log: Logger
  registry: Registry
  limits?: Partial<EmbeddedLimits>
}

/**
 * Aedes inside this process over mutual TLS 1.3: the common name `CLIENT/DEVICE` of a device's certificate decides
 * its topics. Throws PORT_IN_USE.
 */
export async function createEmbeddedBroker(
  options: EmbeddedOptions,
): Promise<Broker & { readonly port: number }> {
  const { log } = options
  const limits = { ...EMBEDDED_LIMITS, ...options.limits }
  const handlers = unsetHandlers()
  const connections = new WeakMap<object, Connection>()
  const sockets = new Map<string, Set<TLSSocket>>()
  const sessions = new Map<string, Client>()
  const refusals = new Counter({
    name: 'vigia_broker_refused_connections_total',
    help: 'Connections that were refused or cut, by reason',
    labelNames: ['reason'],
    registers: [options.registry],
  })
  new Gauge({
    name: 'vigia_broker_sessions',
    help: 'Devices with a session',
    registers: [options.registry],
    collect() {
      this.set(sessions.size)
    },
  })
  const refused = (reason: string, detail: object = {}): void => {
    refusals.inc({ reason })
    log.debug({ reason, ...detail }, 'connection refused')
  }

  const aedes = new Aedes({
    mq: noBus(),
    persistence: noPersistence(),
    connectTimeout: limits.connectMs,
    drainTimeout: limits.drainMs,
    keepaliveLimit: limits.keepaliveMaxS,
    ...createHooks({
      connectionOf: (client) => connections.get(client),
      handlers,
      admit: async (certificate) =>
        certificate.expiresAtMs > options.clock() ? options.admit(certificate) : 'certificate-expired',
      refusedConnection: (why, connection) => refused(why, connection?.address),
    }),
  })
  await aedes.listen()
  aedes.on('clientReady', (client) => {
    const connection = connections.get(client)
    if (connection === undefined || client.closed) return
    sessions.set(client.id, client)
    handlers.presence(connection.address, true)
  })
  aedes.on('clientDisconnect', (client) => {
    const connection = connections.get(client)
    if (connection === undefined || sessions.get(client.id) !== client) return
    sessions.delete(client.id)
    handlers.presence(connection.address, false)
  })
  aedes.on('keepaliveTimeout', () => refused('keepalive-timeout'))
  aedes.on('clientError', (client, error) =>
    log.debug({ device: client.id, error: error.message }, 'session broke'),
  )
  aedes.on('connectionError', (_client, error) => refused('before-connect', { error: error.message }))

  const secured = (socket: TLSSocket): void => {
    socket.on('error', () => socket.destroy())
    const certificate = deviceCertificate(socket)
    if (certificate === undefined) {
      refused('certificate-without-device')
      socket.destroy()
      return
    }
    const { address } = certificate
    keepSocket(sockets, address.device, socket)
    const guard = guardSocket(socket, limits, (fault, frames) => {
      refused(fault, address)
      const reason = fault === 'too-long' ? 'REPORT_OVERSIZED' : 'REPORT_MALFORMED'
      if (frames > 1) handlers.refused({ address, reason, topic: '', payload: new Uint8Array() })
    })
    const connection: Connection = {
      certificate,
      address,
      topics: deviceTopics(address),
      guard,
      objection: undefined,
      subscribed: false,
    }
    connections.set(aedes.handle(socket), connection)
  }
  const tls = createServer(
    {
      key: options.keyPem,
      cert: options.certPem,
      ca: options.caPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ticketKeys: options.ticketKeys,
      // Without a fixed one Node derives it from the command line, and a changed option would end resumption.
      sessionIdContext: 'vigia-mqtt',
      sessionTimeout: SESSION_TIMEOUT_S,
      handshakeTimeout: limits.handshakeMs,
    },
    secured,
  )
  tls.on('tlsClientError', (error, socket) => {
    refused('tls', { error: error.message })
    socket.destroy()
  })

  const admission = await listenAdmitting({
    host: options.host,
    port: options.port,
    limits,
    // Documented for tls.Server: a 'connection' may be emitted to it with any socket.
    admit: (socket: Socket) => void tls.emit('connection', socket),
    refused,
    failed: (error) => log.error({ error: error.message }, 'the MQTT port failed'),
  }).catch(async (thrown: unknown) => {
    await closeAedes(aedes)
    throw thrown
  })
  let open = true

  return {
    name: 'embedded',
    port: admission.port,
    onUp: (handler) => void (handlers.up = handler),
    onPresence(handler) {
      handlers.presence = handler
      // The port is open before the server has put its parts together: who came in between was heard by nobody.
      for (const client of sessions.values()) {
        const connection = connections.get(client)
        if (connection) handler(connection.address, true)
      }
    },
    onRefused: (handler) => void (handlers.refused = handler),
    async send(address, message) {
      const client = sessions.get(address.device)
      const connection = client && connections.get(client)
      if (!client || !connection?.subscribed || client.closed) return false
      if (connection.address.client !== address.client) return false
      if (client.conn.writableLength > limits.pendingDownBytes) {
        refused('down-queue-full', address)
        client.conn.destroy()
        return false
      }
      // Losing an acknowledgement costs one duplicate, so it needs none of its own.
      const qos = message.type === 'ack' ? 0 : 1
      const payload = JSON.stringify(message)
      return new Promise((resolve) => {
        client.publish(
          { cmd: 'publish', topic: connection.topics.down, payload, qos, retain: false, dup: false },
          () => resolve(!client.closed),
        )
      })
    },
    disconnect(device, why) {
      const of = sockets.get(device)
      if (of === undefined) return
      log.info({ device, why }, 'session cut')
      for (const socket of of) socket.destroy()
    },
    sessions: () => sessions.size,
    async ping() {
      if (!open) throw new VigiaError('BROKER_UNAVAILABLE', 'the embedded broker is closed')
    },
    async close() {
      if (!open) return
      open = false
      await Promise.all([admission.close(), closeAedes(aedes)])
    },
  }
}

function keepSocket(sockets: Map<string, Set<TLSSocket>>, device: string, socket: TLSSocket): void {
  const of = sockets.get(device) ?? new Set<TLSSocket>()
  sockets.set(device, of)
  of.add(socket)
  socket.once('close', () => {
    of.delete(socket)
    if (of.size === 0 && sockets.get(device) === of) sockets.delete(device)
  })
  if (of.size > SOCKETS_PER_DEVICE) for (const oldest of of) return void oldest.destroy()
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(() => resolve()))
}
