import { join } from 'node:path'
import type { Clock } from '../../contract/clock.ts'
import type { TrustedKey } from '../../contract/trust/root.ts'
import type { ServerConfig } from '../config.ts'
import { openAuthority } from '../fleet/ca.ts'
import { openOrderKey } from '../fleet/trust.ts'
import { openTrust } from '../fleet/trust-book.ts'
import type { Records } from '../records/records.ts'
import { projectKey } from '../script/library.ts'
import { serverSignatures } from '../script/verify.ts'
import { openSecretBox } from '../secret/box.ts'
import { brokerAuthority, brokerNames } from './broker.ts'

type Options = {
  dataDir: string
  config: ServerConfig
  clock: Clock
  records: Records
  /** Public keys of the people who may approve, for the first trust root. */
  approvers: readonly TrustedKey[]
  note: Parameters<typeof openTrust>[0]['note']
}

/** Opens, and the first time makes: the authority of the devices' certificates, the online key, the trust root, the box of secrets. */
export async function openKeys({ dataDir, config, clock, records, approvers, note }: Options) {
  const folder = join(dataDir, 'keys')
  const authority = await openAuthority({
    directory: join(dataDir, 'ca'),
    names: [config.mqtt.host, ...config.mqtt.names, ...brokerNames(config.broker)],
    clock,
  })
  const orderKey = openOrderKey(folder)
  const trust = await openTrust({
    ...{ records, clock, signatures: serverSignatures, file: join(folder, 'trust.json'), note },
    configuration: {
      people: approvers,
      project: projectKey(),
      orderer: orderKey.trusted,
      caPem: `${authority.caPem}${brokerAuthority(config.broker) ?? ''}`,
    },
  })
  return { authority, orderKey, trust, secretBox: openSecretBox(folder) }
}
