import type { AedesOptions } from 'aedes'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Handlers } from './broker.ts'
import type { SocketGuard } from './guard-socket.ts'
import type { DeviceCertificate, DeviceTopics } from './session.ts'

/** One connection from its certificate to its end. */
export type Connection = {
  certificate: DeviceCertificate
  address: DeviceAddress
  topics: DeviceTopics
  guard: SocketGuard
  /** Why its CONNECT is not accepted, with MQTT's return code; found in `preConnect`, answered in `authenticate`. */
  objection: { returnCode: 2 | 5; why: string } | undefined
  /** It may be written to: its own `down` topic is subscribed. */
  subscribed: boolean
}

/**
 * Decides about a certificate that TLS has verified: `ok`, or the error code for which it is refused.
 * RECORDS_UNAVAILABLE tells the device to come back later, every other one that it is not welcome.
 */
export type Admit = (certificate: DeviceCertificate) => string | Promise<string>

/** How long a socket is left unread after the server had no room for its report. */
const FULL_HOLD_MS = 200
/** An `admit` that has not answered by then counts as the records being away. */
const ADMIT_TIMEOUT_MS = 10_000

/**
 * Aedes' hooks. None of them waits, except for `admit`; a report is handed over inside `authorizePublish`, so that
 * what MQTT acknowledges does not depend on anything that could hang.
 */
export function createHooks(options: {
  connectionOf: (client: object) => Connection | undefined
  handlers: Handlers
  admit: Admit
  refusedConnection: (why: string, connection: Connection | undefined) => void
}): Required<
  Pick<
    AedesOptions,
    'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'
  >
> {
  const { connectionOf, handlers } = options
  return {
    preConnect(client, packet, callback) {
      const connection = connectionOf(client)
      if (connection === undefined) return callback(new Error('no verified certificate'), false)
      const { topics, address } = connection
      if (packet.clientId !== address.device)
        connection.objection = { returnCode: 2, why: 'client id is not the device of the certificate' }
      else if (packet.clean !== true)
        connection.objection = { returnCode: 5, why: 'only clean sessions are served' }
      else if (packet.will && packet.will.topic !== topics.gone) {
        connection.objection = { returnCode: 5, why: 'the will is not on the own topic' }
        const payload = Buffer.from(packet.will.payload)
        handlers.refused({ address, reason: 'REPORT_WRONG_TENANT', topic: packet.will.topic, payload })
      }
      callback(null, true)
    },

    authenticate(client, _username, _password, callback) {
      const connection = connectionOf(client)
      const refuse = (returnCode: number, why: string): void => {
        options.refusedConnection(why, connection)
        callback(Object.assign(new Error(why), { returnCode }), false)
      }
      if (connection === undefined) return refuse(5, 'no verified certificate')
      if (connection.objection) return refuse(connection.objection.returnCode, connection.objection.why)
      const decide = (answer: string): void => {
        if (answer !== 'ok') return refuse(answer === 'RECORDS_UNAVAILABLE' ? 3 : 5, answer)
        connection.guard.admit()
        callback(null, true)
      }
      withTimeout(options.admit(connection.certificate)).then(decide, () => decide('RECORDS_UNAVAILABLE'))
    },

    authorizePublish(client, packet, callback) {
      // The will of a broker that died has no client; it is nobody's message here and goes nowhere.
      const connection = client === null ? undefined : connectionOf(client)
      if (connection === undefined) return callback(null)
      // An error ends the connection: QoS 2 keeps state that nobody here needs.
      if (packet.qos === 2) return callback(new Error('QoS 2 is not served'))
      const { address, guard } = connection
      const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
      const channel = connection.topics.channels.get(packet.topic)
      if (channel === undefined) {
        handlers.refused({ address, reason: 'REPORT_WRONG_TENANT', topic: packet.topic, payload })
      } else if (packet.retain && channel !== 'layout') {
        handlers.refused({ address, reason: 'REPORT_MALFORMED', topic: packet.topic, payload })
      } else if (handlers.up(address, channel, payload, packet.topic) === 'full') guard.hold(FULL_HOLD_MS)
      callback(null)
    },

    authorizeSubscribe(client, subscription, callback) {
      const connection = connectionOf(client)
      if (connection === undefined || subscription.topic !== connection.topics.down) {
        if (connection !== undefined)
          handlers.refused({
            address: connection.address,
            reason: 'REPORT_WRONG_TENANT',
            topic: subscription.topic,
            payload: new Uint8Array(),
          })
        return callback(null, null)
      }
      connection.subscribed = true
      callback(null, { ...subscription, qos: subscription.qos === 0 ? 0 : 1 })
    },

    // Only the server's own writes arrive here: nothing is routed between devices.
    authorizeForward: (client, packet) =>
      connectionOf(client)?.topics.down === packet.topic ? packet : null,
  }
}

async function withTimeout(answer: string | Promise<string>): Promise<string> {
  if (typeof answer === 'string') return answer
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('RECORDS_UNAVAILABLE'), ADMIT_TIMEOUT_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
