import { X509Certificate } from 'node:crypto'
import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { createAccessList, type AccessList } from '../broker/access-list.ts'
import type { Broker } from '../broker/broker.ts'
import { createEmbeddedBroker } from '../broker/embedded.ts'
import { createExternalBroker } from '../broker/external.ts'
import { loadTicketKeys } from '../broker/ticket-keys.ts'
import type { ServerConfig } from '../config.ts'
import { SERVER_CLIENT, type Authority } from '../fleet/ca.ts'
import type { Devices } from '../fleet/devices.ts'
import type { Logger } from '../observe/log.ts'

/** A broker, the address at which agents find it, and how it learns that the enrolled devices are others now. */
export type OpenBroker = Broker & { url: string; devicesChanged(): Promise<void> }

type BrokerParts = {
  config: ServerConfig
  dataDir: string
  authority: Authority
  devices: Devices
  /** Enrolled and not revoked, from memory. */
  accepts: (address: DeviceAddress) => boolean
  addresses: () => Iterable<DeviceAddress>
  clock: Clock
  log: Logger
  registry: Registry
}

/** Opens the broker that the configuration names. Throws CONFIG_INVALID when a file of `broker` cannot be used. */
export async function openBroker(parts: BrokerParts): Promise<OpenBroker> {
  const { config, dataDir, authority, devices, clock, log, registry } = parts
  if (config.broker !== undefined) return openExternal(config.broker, parts)
  const { certificatePem, keyPem } = authority.server()
  const broker = await createEmbeddedBroker({
    host: config.mqtt.host,
    port: config.mqtt.port,
    certPem: certificatePem,
    keyPem,
    caPem: authority.caPem,
    ticketKeys: await loadTicketKeys(join(dataDir, 'keys', 'tickets.key')),
    async admit({ address, serial }) {
      try {
        const answer = await devices.admission(address, serial)
        return answer === 'admitted' ? 'ok' : 'DEVICE_REVOKED'
      } catch (thrown) {
        return asVigiaError(thrown).code
      }
    },
    clock,
    log,
    registry,
  })
  const host =
    config.mqtt.host === '0.0.0.0' || config.mqtt.host === '::'
      ? (config.mqtt.names[0] ?? '127.0.0.1')
      : config.mqtt.host
  return {
    ...broker,
    url: `mqtts://${host.includes(':') ? `[${host}]` : host}:${broker.port}`,
    // It asks `admit` at each connect, and `disconnect` cuts what stands.
    devicesChanged: async () => undefined,
  }
}

type BrokerConfig = NonNullable<ServerConfig['broker']>

async function openExternal(config: BrokerConfig, parts: BrokerParts): Promise<OpenBroker> {
  const { authority, accepts, addresses, log, registry } = parts
  const { url, username, password, aclFile, pidFile } = config
  const identity = await identityOf(config, authority)
  let list: AccessList | undefined
  if (aclFile !== undefined) {
    mustWriteBeside(aclFile)
    const serverUser = identity?.name ?? username ?? SERVER_CLIENT
    list = createAccessList({ file: aclFile, pidFile, serverUser, devices: addresses, log })
  }
  const broker = await createExternalBroker({
    url,
    clientId: `${SERVER_CLIENT}-${process.pid}`,
    caPem: brokerAuthority(config) ?? authority.caPem,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(identity === undefined ? {} : { certPem: identity.certPem, keyPem: identity.keyPem }),
    accepts,
    log,
    registry,
  })
  return {
    ...broker,
    url,
    devicesChanged: async () => list?.renew(),
    async ping() {
      await broker.ping()
      const trouble = list?.trouble()
      if (trouble !== undefined) throw new VigiaError('BROKER_UNAVAILABLE', `the access list: ${trouble}`)
    },
    async close() {
      list?.close()
      await broker.close()
    },
  }
}

/** The authority of a broker outside when the configuration names one, PEM; devices must trust it beside the server's. */
export function brokerAuthority(config: ServerConfig['broker']): string | undefined {
  return config?.caFile === undefined ? undefined : readNamed('caFile', config.caFile)
}

/** The host names of a broker outside: the server's certificate holds for them too, so that the broker can show it. */
export function brokerNames(config: ServerConfig['broker']): string[] {
  return config === undefined ? [] : [new URL(config.url).hostname.replace(/^\[|\]$/g, '')]
}

/** How the server shows who it is: the configured certificate, else one of its own authority, else name and password. */
async function identityOf(
  config: BrokerConfig,
  authority: Authority,
): Promise<{ name: string; certPem: string; keyPem: string } | undefined> {
  if (config.certFile !== undefined && config.keyFile !== undefined) {
    const certPem = readNamed('certFile', config.certFile)
    const keyPem = readNamed('keyFile', config.keyFile)
    return { name: commonName(config.certFile, certPem), certPem, keyPem }
  }
  if (config.username !== undefined) return undefined
  const { certificatePem, keyPem } = await authority.serverClient()
  return { name: SERVER_CLIENT, certPem: certificatePem, keyPem }
}

function commonName(file: string, pem: string): string {
  try {
    const name = /^CN=(.+)$/m.exec(new X509Certificate(pem).subject)?.[1]
    if (name === undefined) throw new TypeError('it has no common name')
    return name
  } catch (thrown) {
    throw invalid('certFile', `${file} is no certificate that can be used`, thrown)
  }
}

function readNamed(field: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw invalid(field, thrown instanceof Error ? thrown.message : String(thrown), thrown)
  }
}

function mustWriteBeside(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK | constants.X_OK)
  } catch (thrown) {
    throw invalid('aclFile', `the folder of ${file} cannot be written`, thrown)
  }
}

function invalid(field: string, message: string, cause: unknown): VigiaError {
  return new VigiaError('CONFIG_INVALID', `broker.${field}: ${message}`, {
    faults: [{ field: `broker.${field}`, message }],
    cause,
  })
}
