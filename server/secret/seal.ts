import { createCipheriv, createECDH, createHash, hkdfSync } from 'node:crypto'
import { sealedText, type SealedSecret } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'

/**
 * Seals a secret for one job on one device (contract/command.ts): only the session that said `sealKey` in its hello can
 * open it. `sha256` is what the order names. Throws SECRET_UNSEALED when `sealKey` is no point of the curve.
 */
export function sealSecret(options: { sealKey: string; job: string; parameter: string; value: string }): {
  sealed: SealedSecret
  sha256: string
} {
  const { sealKey, job, parameter, value } = options
  const ecdh = createECDH('prime256v1')
  const own = ecdh.generateKeys('base64url')
  let shared: Buffer
  try {
    shared = ecdh.computeSecret(sealKey, 'base64url')
  } catch (thrown) {
    throw new VigiaError('SECRET_UNSEALED', 'The device gave no key for which a secret could be sealed', {
      cause: thrown,
    })
  }
  const key = hkdfSync('sha256', shared, Buffer.alloc(0), `vigia secret v1 ${job} ${parameter}`, 32)
  // A key of its own for each message: no nonce is needed to tell two apart.
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key), Buffer.alloc(12))
  const parts = [cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]
  const sealed = { key: own, sealed: Buffer.concat(parts).toString('base64') }
  return { sealed, sha256: createHash('sha256').update(sealedText(sealed)).digest('hex') }
}
