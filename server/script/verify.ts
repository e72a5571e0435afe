import { verify } from 'node:crypto'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { signersOf as signersBy, type SignatureTools } from '../../contract/trust/chain.ts'
import type { TrustedKey } from '../../contract/trust/root.ts'
import { keyIdOf, publicKeyObject } from './keys.ts'

/** Ed25519 and SHA-256 by node:crypto, for the rules of the contract. */
export const serverSignatures: SignatureTools = {
  keyIdOf,
  verifies: (publicKey, bytes, signature) =>
    verify(null, bytes, publicKeyObject(publicKey), Buffer.from(signature, 'base64')),
  bytesOf: (base64) => Buffer.from(base64, 'base64'),
}

/**
 * Which of `trusted` signed this envelope: each key once, however often its signature stands there. A signature
 * of an unknown key says nothing; a wrong one under a known key id counts for nothing.
 */
export function signersOf(envelope: DsseEnvelope, trusted: readonly TrustedKey[]): TrustedKey[] {
  return signersBy(envelope, envelope.payloadType, trusted, serverSignatures).good
}
