import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import { writePrivate } from '../records/private-file.ts'

/**
 * Encrypts texts for the records, so that whoever has only the database or a copy of it has none of them. `context`
 * says for what a text was sealed; under another context it does not open.
 */
export type SecretBox = {
  seal(text: string, context: string): Buffer
  /** Throws DATA_UNREADABLE for what was sealed with another key or for another context, or was changed. */
  open(sealed: Buffer, context: string): string
}

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Opens `secrets.key` in the folder of keys (32 bytes, base64), makes it (0600) the first time. AES-256-GCM with a
 * random nonce: nonce, ciphertext, tag. Throws DATA_UNREADABLE when the file is no such key.
 */
export function openSecretBox(directory: string): SecretBox {
  const path = join(directory, 'secrets.key')
  const key = readKey(directory, path)
  return {
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, context) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        })
        decipher.setAAD(Buffer.from(context))
        decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
        const body = sealed.subarray(NONCE_BYTES, -TAG_BYTES)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch (thrown) {
        throw new VigiaError(
          'DATA_UNREADABLE',
          `${path} does not open what is kept encrypted: is it the key that belongs to these records?`,
          { cause: thrown },
        )
      }
    },
  }
}

function readKey(directory: string, path: string): Buffer {
  if (!existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writePrivate(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`)
  }
  const text = readFileSync(path, 'utf8').trim()
  const key = Buffer.from(text, 'base64')
  if (key.length !== KEY_BYTES || key.toString('base64') !== text)
    throw new VigiaError('DATA_UNREADABLE', `${path}: it is no key of ${KEY_BYTES} bytes in base64`)
  return key
}
