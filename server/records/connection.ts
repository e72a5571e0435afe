import { VigiaError } from '../../contract/errors.ts'

/** Where PostgreSQL is and as whom: what `pg` takes. The user must own the tables, or be able to make them. */
export type Connection = {
  host: string
  port: number
  user: string
  password: string
  database: string
  ssl?: boolean | { rejectUnauthorized: boolean }
}

/**
 * What `pg` threw as a VigiaError where it says that the database is away (RECORDS_UNAVAILABLE) or its disk is
 * full (DISK_FULL); anything else comes back as it was. The text never holds a password: pg's messages do not.
 */
export function recordsError(thrown: unknown): unknown {
  if (thrown instanceof VigiaError || !(thrown instanceof Error)) return thrown
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  if (code === '53100') return new VigiaError('DISK_FULL', `PostgreSQL: ${thrown.message}`, { cause: thrown })
  if (isAway(code, thrown.message)) {
    const message = thrown.message === '' ? code : thrown.message
    return new VigiaError('RECORDS_UNAVAILABLE', `PostgreSQL: ${message}`, { cause: thrown })
  }
  return thrown
}

/** Classes 08 (connection), 28 (authentication), 53 (resources), 57P (shutdown), 3D (no database), and sockets. */
function isAway(code: string, message: string): boolean {
  return (
    /^(08|28|3D|53|57P)/.test(code) ||
    /^(E[A-Z]{4,}|ENOTFOUND)$/.test(code) ||
    /connection (terminated|ended|timeout)|timeout exceeded when trying to connect|client has encountered a connection error/i.test(
      message,
    )
  )
}
