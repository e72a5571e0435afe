import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TrustRoot, type TrustedKey } from '../../contract/trust.ts'
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

/** The trust root with its exact text, and the pin (SHA-256 of that text) that tokens carry. */
export type Trust = { root: TrustRoot; text: string; pin: string }

/**
 * Opens the trust root. Its text is made once and kept as it is, since devices pin its hash; when approvers,
 * threshold, orderers or authority differ from the kept one, the next version is made and kept. Throws
 * DATA_UNREADABLE when the kept file is no trust root.
 */
export function openTrust(options: {
  /** Usually DATA/keys/trust.json. */
  file: string
  approvers: { threshold: number; keys: readonly TrustedKey[] }
  orderers: readonly TrustedKey[]
  caPem: string
}): Trust {
  const kept = existsSync(options.file) ? readTrust(options.file) : undefined
  const wanted = TrustRoot.parse({
    v: 1,
    version: kept?.root.version ?? 1,
    approvers: options.approvers,
    orderers: { keys: options.orderers },
    caPem: options.caPem,
  })
  if (kept !== undefined && JSON.stringify(kept.root) === JSON.stringify(wanted)) return kept
  const text = JSON.stringify(kept === undefined ? wanted : { ...wanted, version: kept.root.version + 1 })
  mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 })
  writePrivate(options.file, text)
  return readTrust(options.file)
}

function readTrust(file: string): Trust {
  const text = readFileSync(file, 'utf8')
  try {
    const root = TrustRoot.parse(JSON.parse(text))
    return { root, text, pin: createHash('sha256').update(text).digest('hex') }
  } catch (thrown) {
    throw new VigiaError('DATA_UNREADABLE', `${file} is no trust root; restore it from a backup`, {
      cause: thrown,
    })
  }
}
