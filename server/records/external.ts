import { VigiaError } from '../../contract/errors.ts'
import type { Connection } from './connection.ts'

/**
 * Reads DATABASE_URL: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=MODE`, with libpq's meaning of
 * `sslmode`, except that nothing said is `disable`; `?host=/DIR` names a Unix socket's folder. Throws
 * CONFIG_INVALID, never with the password.
 */
export function parseDatabaseUrl(text: string): Connection {
  const url = URL.parse(text)
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol))
    throw invalid('it is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE')
  const host = url.searchParams.get('host') ?? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1')
  const user = decoded(url.username)
  const database = decoded(url.pathname.slice(1))
  if (host === '') throw invalid('it names no host')
  if (user === '') throw invalid('it names no user')
  if (database === '') throw invalid('it names no database')
  const ssl = sslOf(url.searchParams.get('sslmode') ?? 'disable')
  return { host, port: Number(url.port || 5432), user, password: decoded(url.password), database, ssl }
}

function sslOf(mode: string): NonNullable<Connection['ssl']> {
  switch (mode) {
    case 'disable':
      return false
    case 'require':
      return { rejectUnauthorized: false }
    case 'verify-ca':
    case 'verify-full':
      return { rejectUnauthorized: true }
    default:
      throw invalid('sslmode is one of disable, require, verify-ca, verify-full')
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (thrown) {
    throw invalid('a % in it stands for no character', thrown)
  }
}

function invalid(why: string, cause?: unknown): VigiaError {
  return new VigiaError('CONFIG_INVALID', `DATABASE_URL: ${why}`, {
    faults: [{ field: 'DATABASE_URL', message: why }],
    cause,
  })
}
