import { createHash, sign } from 'node:crypto'
import { preAuthEncoding, type DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { SigningKey } from './keys.ts'

/** Signs a payload as a DSSE v1 envelope with one signature for each key (Ed25519 over the PAE). */
export function seal(payloadType: string, payload: Uint8Array, keys: readonly SigningKey[]): DsseEnvelope {
  const bytes = preAuthEncoding(payloadType, payload)
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: keys.map((key) => ({
      keyid: key.keyid,
      sig: sign(null, bytes, key.privateKey).toString('base64'),
    })),
  }
}

/** SHA-256 of an envelope's payload bytes, hexadecimal: the identity of a script's version. */
export function payloadDigest(envelope: Pick<DsseEnvelope, 'payload'>): string {
  return createHash('sha256').update(Buffer.from(envelope.payload, 'base64')).digest('hex')
}
