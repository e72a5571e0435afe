import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { writePrivate } from '../records/private-file.ts'

/** The token by which the CLI on the server's own machine shows that it may read the data directory. */
export type LocalToken = { path: string; matches(given: string): boolean }

/** Makes a new token at each start, in `DATA/local.token` (0600). */
export function makeLocalToken(dataDir: string): LocalToken {
  const path = join(dataDir, 'local.token')
  const token = randomBytes(32).toString('base64url')
  writePrivate(path, `${token}\n`)
  return { path, matches: (given) => sameSecret(given, token) }
}

/** Compares two secrets in a time that says nothing of them. */
export function sameSecret(given: string, kept: string): boolean {
  return timingSafeEqual(digest(given), digest(kept))
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
