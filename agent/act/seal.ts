import { createDecipheriv, createECDH, hkdfSync } from 'node:crypto'
import type { SealedSecret } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'

/** A P-256 key for which secrets of this run of the agent are sealed; the private half is never on the disk. */
export type SealKeys = { publicKey: string; privateKey: string }

const TAG_BYTES = 16

/** Makes such a key: an uncompressed point and its scalar, base64url without padding. */
export function makeSealKeys(): SealKeys {
  const ecdh = createECDH('prime256v1')
  return { publicKey: ecdh.generateKeys('base64url'), privateKey: ecdh.getPrivateKey('base64url') }
}

/**
 * Opens a secret that was sealed for this job and parameter (contract/command.ts). Throws SECRET_UNSEALED when it was
 * sealed for another key, job or parameter, or was changed.
 */
export function unsealSecret(options: {
  secret: SealedSecret
  privateKey: string
  job: string
  parameter: string
}): string {
  const { secret, job, parameter } = options
  try {
    const ecdh = createECDH('prime256v1')
    ecdh.setPrivateKey(options.privateKey, 'base64url')
    const shared = ecdh.computeSecret(secret.key, 'base64url')
    const info = `vigia secret v1 ${job} ${parameter}`
    const key = Buffer.from(hkdfSync('sha256', shared, Buffer.alloc(0), info, 32))
    const sealed = Buffer.from(secret.sealed, 'base64')
    // The key is used once: no nonce is needed to tell two messages apart.
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12), { authTagLength: TAG_BYTES })
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
  } catch (thrown) {
    throw new VigiaError(
      'SECRET_UNSEALED',
      `The secret ${parameter} does not open: it was not sealed for this job and session of the device`,
      { cause: thrown },
    )
  }
}
