import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { TrustedKey } from '../../contract/trust/root.ts'
import { VigiaError } from '../../contract/errors.ts'
import { makeKey, openKey, publicPart, StoredKey, type SigningKey } from './keys.ts'

/** Signing keys in one directory, a file each, mode 0600 in a directory of mode 0700. */
export type KeyStore = {
  readonly directory: string
  /** Public parts, by name. */
  list(): TrustedKey[]
  has(name: string): boolean
  /** NOT_FOUND when there is none; DATA_UNREADABLE when it is damaged or others could read it. */
  load(name: string): SigningKey
  /** Makes a new key; CONFLICT when the name is taken. */
  create(name: string): SigningKey
}

/**
 * Where a person's own keys lie: VIGIA_KEYS, or `vigia/keys` in their configuration directory. Never the server's
 * data directory: who owns the server must not be able to approve.
 */
export function personalKeyDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (env['VIGIA_KEYS']) return env['VIGIA_KEYS']
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'vigia', 'keys')
}

/** Opens a key store; nothing is made until a key is. */
export function openKeyStore(directory: string): KeyStore {
  const pathOf = (name: string) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9@._-]{0,79}$/.test(name))
      throw new VigiaError('REQUEST_INVALID', `"${name}" cannot name a key: letters, digits, @ . _ - only`)
    return join(directory, `${name}.json`)
  }

  function read(path: string): StoredKey {
    refuseLooseMode(directory, 0o022, 'others could put keys into')
    refuseLooseMode(path, 0o077, 'others could read')
    let parsed: unknown
    try {
      parsed = JSON.parse(readFileSync(path, 'utf8'))
    } catch (thrown) {
      throw new VigiaError('DATA_UNREADABLE', `${path} is not a readable key`, { cause: thrown })
    }
    const stored = StoredKey.safeParse(parsed)
    if (!stored.success) throw new VigiaError('DATA_UNREADABLE', `${path} is not a key of Vigía`)
    return stored.data
  }

  return {
    directory,
    has: (name) => exists(pathOf(name)),
    list() {
      if (!exists(directory)) return []
      const files = readdirSync(directory).filter((file) => file.endsWith('.json'))
      return files.sort().map((file) => publicPart(openKey(read(join(directory, file)))))
    },
    load(name) {
      const path = pathOf(name)
      if (!exists(path)) throw new VigiaError('NOT_FOUND', `no key "${name}" in ${directory}`)
      return openKey(read(path))
    },
    create(name) {
      const path = pathOf(name)
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      refuseLooseMode(directory, 0o022, 'others could put keys into')
      const stored = makeKey(name)
      writeNew(path, `${JSON.stringify(stored, null, 2)}\n`)
      return openKey(stored)
    },
  }
}

/** Writes a file that did not exist, readable for its owner alone whatever the umask, and on disk when it returns. */
function writeNew(path: string, content: string): void {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')
      throw new VigiaError('CONFLICT', `${path} exists; a key is never overwritten`, { cause: thrown })
    throw new VigiaError('DATA_UNREADABLE', `cannot write ${path}`, { cause: thrown })
  }
  try {
    chmodSync(path, 0o600)
    writeSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Windows has no such modes: there the directory's access list decides. */
function refuseLooseMode(path: string, forbidden: number, what: string): void {
  if (process.platform === 'win32') return
  const stat = lstatSync(path)
  if (stat.isSymbolicLink()) throw new VigiaError('DATA_UNREADABLE', `${path} is a symbolic link`)
  if ((stat.mode & forbidden) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(3, '0')
    throw new VigiaError('DATA_UNREADABLE', `${what} ${path} (mode ${mode}); use chmod go-rwx`)
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
