import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import * as z from 'zod'
import type { TrustedKey } from '../../contract/trust/root.ts'
import { VigiaError } from '../../contract/errors.ts'

/** A key pair that can sign. `seed` never leaves the process except into its owner's key store. */
export type SigningKey = TrustedKey & { privateKey: KeyObject }

/** A signing key as it lies in a key store: raw Ed25519 keys (RFC 8032), base64url without padding. */
export const StoredKey = z.strictObject({
  v: z.literal(1),
  name: z.string().min(1).max(120),
  keyid: z.string().regex(/^[0-9a-f]{64}$/),
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  secretKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
})
export type StoredKey = z.infer<typeof StoredKey>

/** The identity of a public key: SHA-256 of its 32 raw bytes, hexadecimal. */
export function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex')
}

/** A raw Ed25519 public key (base64url) as node:crypto takes it; COMMAND_FORGED when it is none. */
export function publicKeyObject(publicKey: string): KeyObject {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  } catch (thrown) {
    throw new VigiaError('COMMAND_FORGED', 'not an Ed25519 public key', { cause: thrown })
  }
}

/** Makes a new Ed25519 key pair. */
export function makeKey(name: string): StoredKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { x, d } = privateKey.export({ format: 'jwk' })
  if (x === undefined || d === undefined) throw new VigiaError('INTERNAL', 'the key pair has no raw form')
  return { v: 1, name, keyid: keyIdOf(x), publicKey: x, secretKey: d }
}

/** A stored key, ready to sign; DATA_UNREADABLE when its parts do not belong together. */
export function openKey(stored: StoredKey): SigningKey {
  const { name, keyid, publicKey, secretKey } = stored
  const broken = new VigiaError('DATA_UNREADABLE', `the key "${name}" is damaged: its parts do not match`)
  if (keyIdOf(publicKey) !== keyid) throw broken
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: publicKey, d: secretKey },
      format: 'jwk',
    })
  } catch (thrown) {
    throw new VigiaError('DATA_UNREADABLE', broken.message, { cause: thrown })
  }
  if (createPublicKey(privateKey).export({ format: 'jwk' }).x !== publicKey) throw broken
  return { name, keyid, publicKey, privateKey }
}

/** The part of a key that others may have. */
export function publicPart({ keyid, publicKey, name }: TrustedKey): TrustedKey {
  return { keyid, publicKey, name }
}
