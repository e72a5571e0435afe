import { deviceCommonName } from '../../contract/enrol.ts'
import { LIMITS } from '../../contract/limits.ts'
import { devicePrefix, downTopic, TOPIC_ROOT, type DeviceAddress } from '../../contract/topics.ts'

/** Files and address of a mosquitto that serves devices by their certificates. Paths as mosquitto sees them. */
export type MosquittoPlace = {
  host: string
  port: number
  /** The authority that signs devices and the server, and what mosquitto shows itself. */
  caPath: string
  certPath: string
  keyPath: string
  aclPath: string
  /** A revocation list in PEM, when there is one; mosquitto reads it at its start. */
  crlPath?: string
}

/**
 * A mosquitto.conf (mosquitto.conf(5), 2.0) with the embedded broker's promises: mutual TLS, the certificate's
 * common name as user and as client id (so that no device can push another one out), access by the list of
 * `mosquittoAcl`, and queues that do not drop what a busy server has not fetched yet.
 */
export function mosquittoConfig(place: MosquittoPlace): string {
  return lines([
    `listener ${place.port} ${place.host}`,
    `cafile ${place.caPath}`,
    `certfile ${place.certPath}`,
    `keyfile ${place.keyPath}`,
    ...(place.crlPath === undefined ? [] : [`crlfile ${place.crlPath}`]),
    'tls_version tlsv1.3',
    'require_certificate true',
    'use_identity_as_username true',
    'use_username_as_clientid true',
    'allow_anonymous false',
    `acl_file ${place.aclPath}`,
    `message_size_limit ${LIMITS.packetBytes}`,
    `max_packet_size ${LIMITS.packetBytes + 1024}`,
    'max_inflight_messages 1000',
    'max_queued_messages 100000',
    'persistence false',
  ])
}

/**
 * The access list: the server reads what comes up and writes what goes down, each device has its own two topics and
 * nothing else. Write it anew when a device is enrolled or revoked and send mosquitto a SIGHUP; a revoked device is
 * left out and from then on neither heard nor told anything, even while its connection stands.
 */
export function mosquittoAcl(serverUser: string, devices: Iterable<DeviceAddress>): string {
  const rows = [
    `user ${serverUser}`,
    `topic read ${TOPIC_ROOT}/+/+/+/up/#`,
    `topic write ${TOPIC_ROOT}/+/+/+/down`,
  ]
  for (const address of devices)
    rows.push(
      '',
      `user ${deviceCommonName(address)}`,
      `topic write ${devicePrefix(address)}/up/#`,
      `topic read ${downTopic(address)}`,
    )
  return lines(rows)
}

function lines(rows: readonly string[]): string {
  return `${rows.join('\n')}\n`
}
