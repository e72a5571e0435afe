import { TrustRoot, type TrustedKey } from '../../contract/trust/root.ts'

/** What this server is configured with, as far as a trust root is made of it. */
export type TrustConfiguration = {
  /** Keys of the people who may approve; with none the project's key stands in, so that shipped scripts run. */
  people: readonly TrustedKey[]
  /** The key that signed the scripts that ship. */
  project: TrustedKey
  /** The server's online key. */
  orderer: TrustedKey
  caPem: string
}

/** The first root for a configuration: with two people or more it takes two for what may reach the whole fleet. */
export function firstRoot({ people, project, orderer, caPem }: TrustConfiguration): TrustRoot {
  const approvers = people.length > 0 ? people : [project]
  return TrustRoot.parse({
    v: 1,
    version: 1,
    approvers: { threshold: 1, fleetThreshold: people.length >= 2 ? 2 : 1, keys: approvers },
    publishers: { keys: [project] },
    orderers: { keys: [orderer] },
    caPem,
  })
}

/** The root in force, changed to what the server itself needs: its online key, the project's key, its authority. */
export function mendedRoot(root: TrustRoot, { project, orderer, caPem }: TrustConfiguration): TrustRoot {
  return { ...root, publishers: { keys: [project] }, orderers: { keys: [orderer] }, caPem }
}

/** In words, what of the configuration the root in force does not have; devices go by the root alone. */
export function differences(root: TrustRoot, configuration: TrustConfiguration): string[] {
  const { people, project, orderer, caPem } = configuration
  const missing = people.filter((person) => !has(root.approvers.keys, person))
  const found: string[] = []
  if (!has(root.orderers.keys, orderer))
    found.push('devices take no orders of the online key that this server has now')
  if (!has([...root.publishers.keys, ...root.approvers.keys], project))
    found.push('devices run no script that ships, since its key is another')
  if (!certificates(caPem).every((certificate) => root.caPem.includes(certificate)))
    found.push('devices do not know the certificate authority that this server has now')
  // Later roots were signed by approvers: who is missing there may be missing on purpose.
  if (missing.length > 0 && root.version === 1)
    found.push(
      `${missing.map(({ name, keyid }) => `${name} (${keyid.slice(0, 12)})`).join(', ')} may not approve`,
    )
  return found
}

/** What the next root must have, so that devices still find this server and take its orders. */
export function needsOfServer(root: TrustRoot, { orderer, caPem }: TrustConfiguration): string[] {
  const faults: string[] = []
  if (!has(root.orderers.keys, orderer))
    faults.push('orderers: the online key of this server is missing; devices would take no order')
  if (!certificates(caPem).every((certificate) => root.caPem.includes(certificate)))
    faults.push('caPem: the authority of this server is missing; devices would not come back')
  return faults
}

function has(keys: readonly TrustedKey[], key: TrustedKey): boolean {
  return keys.some(({ publicKey }) => publicKey === key.publicKey)
}

function certificates(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
}
