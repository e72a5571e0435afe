import { isIP } from 'node:net'
import {
  connect as connectTls,
  type ConnectionOptions,
  type DetailedPeerCertificate,
  type TLSSocket,
} from 'node:tls'
import { MqttClient } from 'mqtt'

/** PEM texts: the device's key and certificate, and the authority that the server's certificate must come from. */
export type TlsFiles = { readonly key: string; readonly cert: string; readonly ca: string }

const CONNECT_TIMEOUT_MS = 20_000
const KEEPALIVE_S = 60

/**
 * Makes one connection a call: MQTT 3.1.1 over mutual TLS, clean session, no reconnect of its own. The TLS session
 * is kept from one connection to the next, so that coming back costs the server little. `onFault` gets what went
 * wrong; the client's `close` follows.
 */
export function createDialler(options: {
  url: string
  tls: TlsFiles
  clientId: string
  will: { topic: string; payload: string }
  /** A full handshake succeeded; SHA-256 fingerprints of the server's chain, its own certificate first. */
  onChain?: (fingerprints: string[]) => void
}): (onFault: (fault: Error) => void) => MqttClient {
  const url = new URL(options.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port === '' ? 8883 : url.port)
  let session: Buffer | undefined
  let usedCa = options.tls.ca

  return (onFault) => {
    const open = (): ReturnType<typeof connectTls> => {
      // A session under another authority would spare the server the proof that it is of this one.
      if (usedCa !== options.tls.ca) session = undefined
      usedCa = options.tls.ca
      const tls: ConnectionOptions = { host, port, ...options.tls, minVersion: 'TLSv1.2' }
      if (isIP(host) === 0) tls.servername = host
      if (session) tls.session = session
      const socket = connectTls(tls)
      socket.setNoDelay(true)
      socket.once('secureConnect', () => {
        if (!socket.isSessionReused()) options.onChain?.(chainOf(socket))
      })
      socket.on('session', (ticket) => {
        session = ticket
      })
      socket.on('error', (fault: Error) => {
        session = undefined
        onFault(fault)
      })
      return socket
    }
    const client = new MqttClient(open, {
      protocolVersion: 4,
      protocolId: 'MQTT',
      clientId: options.clientId,
      clean: true,
      keepalive: KEEPALIVE_S,
      reconnectPeriod: 0,
      // mqtt.js keeps a buffer for each of 65,536 numbers otherwise: 8 MB.
      writeCache: false,
      resubscribe: false,
      queueQoSZero: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      will: {
        topic: options.will.topic,
        payload: Buffer.from(options.will.payload),
        qos: 1,
        retain: false,
      },
    })
    client.on('error', onFault)
    return client
  }
}

function chainOf(socket: TLSSocket): string[] {
  const fingerprints: string[] = []
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  // A root is its own issuer.
  while (certificate?.fingerprint256 && !fingerprints.includes(certificate.fingerprint256)) {
    fingerprints.push(certificate.fingerprint256)
    certificate = certificate.issuerCertificate
  }
  return fingerprints
}
