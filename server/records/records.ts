import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { VigiaError } from '../../contract/errors.ts'
import { recordsError, type Connection } from './connection.ts'
import { readerNow } from './reader.ts'
import type { Tables } from './schema.ts'

/** Work inside one transaction. */
export type Db = Transaction<Tables>

/**
 * The records: PostgreSQL under forced row-level security. Each verb runs `work` in one transaction as the role
 * vigia_app, which owns no table: `operator` sees every client, `tenant` only the rows of one. For a person who sees
 * some clients only (reader.ts) both see no others, and write nothing. What `work` throws rolls back and comes out as
 * it is; a database that is away is RECORDS_UNAVAILABLE, a full disk DISK_FULL.
 */
export type Records = {
  operator<T>(work: (db: Db) => Promise<T>): Promise<T>
  tenant<T>(client: string, work: (db: Db) => Promise<T>): Promise<T>
  /** Every client, for whomever it is done: what the server itself keeps, such as the audit chain. */
  server<T>(work: (db: Db) => Promise<T>): Promise<T>
  /** The same for whom it is done now, also when it is called later and from elsewhere, as streams do. */
  here(): Pick<Records, 'operator' | 'tenant'>
  /** Throws RECORDS_UNAVAILABLE with the reason when the database is away. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Whose rows a transaction sees: every client's, one client's, or those of a person who only reads. */
type Sight = { operator: boolean; client: string; readers: readonly string[] | null }

/** Opens the pool. The schema must stand already: see migrate.ts. */
export function connectRecords(connection: Connection, options: { maxConnections?: number } = {}): Records {
  const pool = new pg.Pool({
    ...connection,
    types: columnTypes,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'vigia',
  })
  // An idle connection that breaks is taken out of the pool by pg itself; the next transaction says what is wrong.
  pool.on('error', () => undefined)
  // One that breaks between two statements, or in the middle of sending one, tells the connection itself too, where
  // nobody listens: that would end the process. The statement throws anyway.
  pool.on('connect', (client) => void client.on('error', () => undefined))
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })

  async function run<T>({ operator, client, readers }: Sight, work: (db: Db) => Promise<T>): Promise<T> {
    try {
      return await kysely.transaction().execute(async (db) => {
        await sql`select set_config('role', 'vigia_app', true),
          set_config('vigia.operator', ${operator ? 'on' : 'off'}, true),
          set_config('vigia.client', ${client}, true),
          set_config('vigia.reader', ${readers ? 'on' : 'off'}, true),
          set_config('vigia.readers', ${readers?.join(',') ?? ''}, true)`.execute(db)
        if (readers) await sql`set transaction read only`.execute(db)
        return await work(db)
      })
    } catch (thrown) {
      throw recordsError(thrown)
    }
  }

  /** The verbs for a person who sees these clients; null: all. */
  const verbs = (readers: () => readonly string[] | null): Pick<Records, 'operator' | 'tenant'> => ({
    operator(work) {
      const mine = readers()
      return run({ operator: mine === null, client: '', readers: mine }, work)
    },
    tenant(client, work) {
      if (client === '') return Promise.reject(new VigiaError('INTERNAL', 'a tenant has no name'))
      const mine = readers()
      if (mine === null) return run({ operator: false, client, readers: null }, work)
      return run({ operator: false, client: '', readers: mine.filter((one) => one === client) }, work)
    },
  })

  return {
    ...verbs(readerNow),
    server: (work) => run({ operator: true, client: '', readers: null }, work),
    here() {
      const now = readerNow()
      return verbs(() => now)
    },
    async ping() {
      try {
        await sql`select 1`.execute(kysely)
      } catch (thrown) {
        throw recordsError(thrown)
      }
    },
    close: () => kysely.destroy(),
  }
}

const INT8_OID = 20

/** Column parsers of this pool alone: bigint as a number that is known to be exact. */
const columnTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
    if (oid === INT8_OID) return exactNumber
    return pg.types.getTypeParser(oid, format) as (text: string) => unknown
  },
}

function exactNumber(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number))
    throw new VigiaError('INTERNAL', `bigint ${text} is not exact as a number`)
  return number
}
