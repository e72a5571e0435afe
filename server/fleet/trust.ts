import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TrustRoot, TrustedKey } from '../../contract/trust/root.ts'
import { readRoot } from '../../contract/trust/chain.ts'
import { VigiaError } from '../../contract/errors.ts'
import { writePrivate } from '../records/private-file.ts'

/** The server's online Ed25519 key: it may order approved scripts, and approve none. */
export type OrderKey = { trusted: TrustedKey; privateKey: KeyObject }

/** Opens `order.pem` in the folder of keys, makes it (0600) the first time. Throws DATA_UNREADABLE. */
export function openOrderKey(directory: string): OrderKey {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'order.pem')
  if (!existsSync(path)) {
    const pair = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    writePrivate(path, pair.privateKey)
  }
  try {
    const privateKey = createPrivateKey(readFileSync(path, 'utf8'))
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('it is no Ed25519 key')
    return { privateKey, trusted: trustedKey(createPublicKey(privateKey), 'server') }
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new VigiaError('DATA_UNREADABLE', `${path}: ${why}`, { cause: thrown })
  }
}

/** A public Ed25519 key as a trust root names it; its id is the SHA-256 of the raw 32 bytes. */
export function trustedKey(key: KeyObject, name: string): TrustedKey {
  const { x } = key.export({ format: 'jwk' })
  if (key.asymmetricKeyType !== 'ed25519' || x === undefined) throw new TypeError('not an Ed25519 key')
  const keyid = createHash('sha256').update(Buffer.from(x, 'base64url')).digest('hex')
  return { keyid, publicKey: x, name }
}

/** A trust root with its exact text, and the pin (SHA-256 of that text) that tokens carry. */
export type RootText = { root: TrustRoot; text: string; pin: string }

/** A root from its exact text. */
export function rootText(text: string): RootText {
  return { root: readRoot(text), text, pin: createHash('sha256').update(text).digest('hex') }
}

/**
 * The first root of this installation, from its file (usually DATA/keys/trust.json). It is made once; while no device
 * is enrolled it follows the configuration, since nobody has pinned it, and from then on it stays as it is: the next
 * root is for approvers to sign. Throws DATA_UNREADABLE when the file is no trust root, or is gone although devices
 * have pinned it.
 */
export function openFirstRoot(options: {
  file: string
  wanted: TrustRoot
  pinnedByDevices: boolean
}): RootText {
  const { file, wanted, pinnedByDevices } = options
  if (pinnedByDevices) {
    if (existsSync(file)) return readFile(file)
    throw new VigiaError(
      'DATA_UNREADABLE',
      `${file} is gone, and devices have pinned what was in it; restore it from a backup`,
    )
  }
  const text = JSON.stringify(wanted)
  if (!existsSync(file) || readFile(file).text !== text) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writePrivate(file, text)
  }
  return readFile(file)
}

function readFile(file: string): RootText {
  try {
    return rootText(readFileSync(file, 'utf8'))
  } catch (thrown) {
    throw new VigiaError('DATA_UNREADABLE', `${file} is no trust root; restore it from a backup`, {
      cause: thrown,
    })
  }
}
