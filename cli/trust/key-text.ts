import { existsSync, readFileSync } from 'node:fs'
import { VigiaError } from '../../contract/errors.ts'
import { TrustedKey } from '../../contract/trust/root.ts'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import { keyIdOf, publicKeyObject, publicPart } from '../../server/script/keys.ts'

/**
 * A public key as a person names it: a file that "vigia keys show" made, a key of their own store, or the raw key (43
 * characters of base64url), with or without `NAME=` before it. NOT_FOUND, or REQUEST_INVALID for what is no key.
 */
export function keyOfText(text: string, name?: string): TrustedKey {
  const [, given, raw] = /^(?:([^=]{1,120})=)?([A-Za-z0-9_-]{43})$/.exec(text) ?? []
  if (raw !== undefined) {
    const keyid = keyIdOf(raw)
    return checked({ keyid, publicKey: raw, name: name ?? given ?? keyid.slice(0, 12) })
  }
  if (existsSync(text)) {
    const parsed = TrustedKey.safeParse(jsonOf(text))
    if (!parsed.success)
      throw new VigiaError('REQUEST_INVALID', `${text} holds no public key as "vigia keys show" prints it.`)
    return checked(name === undefined ? parsed.data : { ...parsed.data, name })
  }
  const store = openKeyStore(personalKeyDirectory(process.env))
  if (/^[A-Za-z0-9][A-Za-z0-9@._-]{0,79}$/.test(text) && store.has(text)) {
    const own = publicPart(store.load(text))
    return name === undefined ? own : { ...own, name }
  }
  throw new VigiaError(
    'NOT_FOUND',
    `${text} is neither a file, nor a public key, nor a key in ${store.directory}.`,
  )
}

/** JSON of a file; REQUEST_INVALID. */
export function jsonOf(path: string): unknown {
  if (!existsSync(path)) throw new VigiaError('NOT_FOUND', `There is no file ${path}.`)
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (thrown) {
    throw new VigiaError('REQUEST_INVALID', `${path} is not JSON.`, { cause: thrown })
  }
}

function checked(key: TrustedKey): TrustedKey {
  publicKeyObject(key.publicKey)
  if (keyIdOf(key.publicKey) === key.keyid) return key
  throw new VigiaError('REQUEST_INVALID', `The id of ${key.name} is not that of its key.`)
}
