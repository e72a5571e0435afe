import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import type { SignatureTools } from '../../contract/trust/chain.ts'

/** Ed25519 and SHA-256 by node:crypto, for the rules of the contract. */
export const nodeSignatures: SignatureTools = {
  keyIdOf: (publicKey) => createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex'),
  verifies(publicKey, bytes, signature) {
    const key = keyObject(publicKey)
    return key !== undefined && verify(null, bytes, key, Buffer.from(signature, 'base64'))
  },
  bytesOf: (base64) => Buffer.from(base64, 'base64'),
}

function keyObject(publicKey: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  } catch {
    // The text is no point of the curve: whatever bears its name is not signed by it.
    return undefined
  }
}
