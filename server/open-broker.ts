import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Registry } from 'prom-client'
import type { Clock } from '../contract/clock.ts'
import { asVigiaError } from '../contract/errors.ts'
import type { DeviceAddress } from '../contract/topics.ts'
import type { Broker } from './broker/broker.ts'
import { createEmbeddedBroker } from './broker/embedded.ts'
import { createExternalBroker } from './broker/external.ts'
import { loadTicketKeys } from './broker/ticket-keys.ts'
import type { ServerConfig } from './config.ts'
import type { Authority } from './fleet/ca.ts'
import type { Devices } from './fleet/devices.ts'
import type { Logger } from './observe/log.ts'

/** Opens the broker that the configuration names; `url` is where agents connect. */
export async function openBroker(options: {
  config: ServerConfig
  dataDir: string
  authority: Authority
  devices: Devices
  /** Enrolled and not revoked, from memory. */
  accepts: (address: DeviceAddress) => boolean
  clock: Clock
  log: Logger
  registry: Registry
}): Promise<Broker & { url: string }> {
  const { config, dataDir, authority, devices, clock, log, registry } = options
  if (config.broker !== undefined) {
    const { url, username, password, caFile, certFile, keyFile } = config.broker
    const read = (name: string, file: string | undefined): object =>
      file === undefined ? {} : { [name]: readFileSync(file, 'utf8') }
    const broker = await createExternalBroker({
      url,
      clientId: `vigia-server-${process.pid}`,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...read('caPem', caFile),
      ...read('certPem', certFile),
      ...read('keyPem', keyFile),
      accepts: options.accepts,
      log,
      registry,
    })
    return { ...broker, url }
  }
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
  return { ...broker, url: `mqtts://${host.includes(':') ? `[${host}]` : host}:${broker.port}` }
}
