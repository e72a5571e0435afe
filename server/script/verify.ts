import { verify } from 'node:crypto'
import type { TrustedKey } from '../../contract/trust.ts'
import { preAuthEncoding, type DsseEnvelope } from '../../contract/dsse.ts'
import { keyIdOf, publicKeyObject } from './keys.ts'

/**
 * Which of `trusted` signed this envelope: each key once, however often its signature stands there. A signature
 * of an unknown key says nothing; a wrong one under a known key id counts for nothing.
 */
export function signersOf(envelope: DsseEnvelope, trusted: readonly TrustedKey[]): TrustedKey[] {
  const bytes = preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'))
  return trusted.filter(
    (key, place) =>
      keyIdOf(key.publicKey) === key.keyid &&
      trusted.findIndex((other) => other.keyid === key.keyid) === place &&
      envelope.signatures.some(
        ({ keyid, sig }) =>
          keyid === key.keyid &&
          verify(null, bytes, publicKeyObject(key.publicKey), Buffer.from(sig, 'base64')),
      ),
  )
}
