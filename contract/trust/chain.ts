import { fleetThreshold } from './approval.ts'
import type { DsseEnvelope } from './dsse.ts'
import { preAuthEncoding, ROOT_TYPE } from './dsse.ts'
import { VigiaError, type Fault } from '../errors.ts'
import { TrustRoot, type TrustedKey } from './root.ts'

/** What each end brings of its own: the contract holds the rule and no cryptography. */
export type SignatureTools = {
  /** SHA-256 of a raw public key (base64url), hexadecimal. */
  keyIdOf: (publicKey: string) => string
  /** Does the Ed25519 signature (base64) hold for these bytes? A text that is no key answers false. */
  verifies: (publicKey: string, bytes: Uint8Array, signature: string) => boolean
  bytesOf: (base64: string) => Uint8Array
}

/**
 * Which of `keys` signed this envelope as `payloadType`, each key once under whatever name, and how many signatures
 * under a known key id are wrong. The type is the one expected, whatever the envelope says of itself.
 */
export function signersOf(
  envelope: DsseEnvelope,
  payloadType: string,
  keys: readonly TrustedKey[],
  tools: SignatureTools,
): { good: TrustedKey[]; bad: number } {
  const bytes = preAuthEncoding(payloadType, tools.bytesOf(envelope.payload))
  const good = new Map<string, TrustedKey>()
  let bad = 0
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.find((each) => each.keyid === keyid && tools.keyIdOf(each.publicKey) === keyid)
    if (!key) continue
    if (tools.verifies(key.publicKey, bytes, sig)) good.set(key.publicKey, key)
    else bad += 1
  }
  return { good: envelope.payloadType === payloadType ? [...good.values()] : [], bad }
}

/**
 * The root in an envelope, if it follows the present one (TUF 1.0, 5.3.4 and 5.3.5): signed by `fleetThreshold`
 * approvers of the present root and by as many of its own as it asks for itself, and exactly one version on. Nothing is
 * read of it before the present approvers' signatures hold. Throws TRUST_THRESHOLD, naming who is missing, and
 * TRUST_INVALID with every fault.
 */
export function followRoot(
  present: TrustRoot,
  envelope: DsseEnvelope,
  tools: SignatureTools,
): { root: TrustRoot; text: string } {
  if (envelope.payloadType !== ROOT_TYPE)
    throw new VigiaError('TRUST_INVALID', `An envelope of type "${envelope.payloadType}" is no trust root`)
  needSignatures(present, 'the root in force', envelope, tools)
  const text = utf8(tools.bytesOf(envelope.payload))
  const root = readRoot(text)
  if (root.version !== present.version + 1)
    throw new VigiaError(
      'TRUST_INVALID',
      `The root has version ${String(root.version)}; after ${String(present.version)} comes ${String(present.version + 1)}`,
    )
  const faults = rootFaults(root, tools)
  if (faults.length > 0) throw invalid(faults)
  needSignatures(root, 'the new root itself', envelope, tools)
  return { root, text }
}

/** A root from its exact text; TRUST_INVALID with every fault of its shape. */
export function readRoot(text: string): TrustRoot {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    throw new VigiaError('TRUST_INVALID', 'The root is not JSON', { cause: thrown })
  }
  const parsed = TrustRoot.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalid(parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })))
}

/** What no trust root may be, each with its place: keys that are not theirs, thresholds out of reach, roles that mix. */
export function rootFaults(root: TrustRoot, tools: Pick<SignatureTools, 'keyIdOf'>): Fault[] {
  const faults: Fault[] = []
  const roles = ['approvers', 'publishers', 'orderers', 'technicians'] as const
  for (const role of roles) {
    const seen = new Set<string>()
    for (const key of root[role].keys) {
      if (tools.keyIdOf(key.publicKey) !== key.keyid)
        faults.push({ field: role, message: `${key.name}: the key id is not that of the key` })
      // By the id: the same key can be written in base64url in four ways.
      if (seen.has(key.keyid)) faults.push({ field: role, message: `${key.name} stands there twice` })
      seen.add(key.keyid)
    }
  }
  // The server's key beside a person's or the project's: one theft would be worth two signatures.
  const orderers = new Set(root.orderers.keys.map(({ keyid }) => keyid))
  for (const role of ['approvers', 'publishers', 'technicians'] as const)
    for (const { keyid, name } of root[role].keys)
      if (orderers.has(keyid))
        faults.push({ field: role, message: `${name} also orders; no key may do both` })
  const { threshold, fleetThreshold: fleet, keys } = root.approvers
  if (fleet < threshold)
    faults.push({ field: 'approvers.fleetThreshold', message: 'must not be below threshold' })
  if (Math.max(threshold, fleet) > keys.length)
    faults.push({
      field: 'approvers',
      message: `${String(Math.max(threshold, fleet))} must sign, but there are ${String(keys.length)}`,
    })
  if (!root.caPem.includes('-----BEGIN CERTIFICATE-----'))
    faults.push({ field: 'caPem', message: 'holds no certificate' })
  return faults
}

function needSignatures(root: TrustRoot, whose: string, envelope: DsseEnvelope, tools: SignatureTools): void {
  const need = fleetThreshold(root)
  const { good } = signersOf(envelope, ROOT_TYPE, root.approvers.keys, tools)
  if (good.length >= need) return
  const others = root.approvers.keys.filter(
    ({ publicKey }) => !good.some((key) => key.publicKey === publicKey),
  )
  throw new VigiaError(
    'TRUST_THRESHOLD',
    `${String(good.length)} of the ${String(need)} approvers that it takes for ${whose} signed; ` +
      `${String(need - good.length)} more of: ${others.map(({ name, keyid }) => `${name} (${keyid.slice(0, 12)})`).join(', ')}`,
  )
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (thrown) {
    throw new VigiaError('TRUST_INVALID', 'The root is not UTF-8', { cause: thrown })
  }
}

function invalid(faults: readonly Fault[]): VigiaError {
  const words = faults.map(({ field, message }) => `${field ?? ''} ${message}`).join('; ')
  return new VigiaError('TRUST_INVALID', `The root cannot be: ${words}`, { faults })
}
