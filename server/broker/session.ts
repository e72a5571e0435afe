import type { TLSSocket } from 'node:tls'
import { ClientId, DeviceId } from '../../contract/ids.ts'
import { downTopic, upTopic, UP_CHANNELS } from '../../contract/topics.ts'
import type { DeviceAddress, UpChannel } from '../../contract/topics.ts'

/** What a device's certificate says. `serial` is upper-case hexadecimal as Node's TLS gives it. */
export type DeviceCertificate = { address: DeviceAddress; serial: string; expiresAtMs: number }

/** The topics of one device, made once a connection. */
export type DeviceTopics = { channels: ReadonlyMap<string, UpChannel>; gone: string; down: string }

/** Reads `CLIENT/DEVICE` from the common name of the certificate that TLS has verified; undefined when it has none. */
export function deviceCertificate(socket: TLSSocket): DeviceCertificate | undefined {
  const certificate = socket.getPeerCertificate()
  // Node answers an empty object when the peer sent none, whatever the types say.
  const subject: unknown = certificate.subject?.CN
  if (!socket.authorized || typeof subject !== 'string') return undefined
  const [client, device, ...rest] = subject.split('/')
  if (rest.length > 0 || !ClientId.safeParse(client).success || !DeviceId.safeParse(device).success)
    return undefined
  return {
    address: { client: String(client), device: String(device) },
    serial: certificate.serialNumber.toUpperCase(),
    expiresAtMs: Date.parse(certificate.valid_to),
  }
}

/** Every topic that this device may use. */
export function deviceTopics(address: DeviceAddress): DeviceTopics {
  return {
    channels: new Map(UP_CHANNELS.map((channel) => [upTopic(address, channel), channel])),
    gone: upTopic(address, 'gone'),
    down: downTopic(address),
  }
}
