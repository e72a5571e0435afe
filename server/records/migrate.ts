import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import { recordsError, type Connection } from './connection.ts'

const OLDEST_POSTGRES = 15
/** Any number, the same in every Vigía: only one of them changes the schema at a time. */
const MIGRATION_LOCK = 7_400_001

/** One step of the schema: `0001-spine.sql` is version 1. */
export type Migration = { version: number; name: string; sha256: string; sql: string }

/** Reads the migrations of a folder in order. Throws INTERNAL when a number is missing or there twice. */
export function readMigrations(folder = join(import.meta.dirname, 'migrations')): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name))
  const migrations = names.sort().map((name): Migration => {
    const sql = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n')
    return {
      version: Number(name.slice(0, 4)),
      name,
      sha256: createHash('sha256').update(sql).digest('hex'),
      sql,
    }
  })
  migrations.forEach(({ version, name }, index) => {
    if (version !== index + 1) throw new VigiaError('INTERNAL', `migration ${name} should be ${index + 1}`)
  })
  return migrations
}

/**
 * Brings the schema forward, each step in its own transaction under an advisory lock, and answers the version
 * that stands. Throws RECORDS_TOO_OLD (PostgreSQL < 15), RECORDS_NEWER (the database knows a later step),
 * RECORDS_CHANGED (a step that ran had another text) and RECORDS_UNAVAILABLE; the step that fails leaves nothing.
 */
export async function migrate(
  connection: Connection,
  options: { clock: Clock; migrations?: readonly Migration[] },
): Promise<number> {
  const migrations = options.migrations ?? readMigrations()
  return withClient(connection, async (client) => {
    const postgres = await serverVersion(client)
    if (postgres < OLDEST_POSTGRES)
      throw new VigiaError('RECORDS_TOO_OLD', `PostgreSQL ${postgres} is older than ${OLDEST_POSTGRES}`)
    await locked(client, async () => {
      await ensureRole(client, postgres)
      await client.query(
        `create table if not exists schema_migration
          (version integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null)`,
      )
    })
    for (const migration of migrations)
      await locked(client, async () => {
        const done = await appliedMigrations(client)
        checkHistory(done, migrations)
        if (!done.some(({ version }) => version === migration.version))
          await applyMigration(client, migration, options.clock())
      })
    return migrations.length
  })
}

/** Runs one step and records it, in the transaction that is open on `client`. */
export async function applyMigration(client: pg.Client, migration: Migration, nowMs: number): Promise<void> {
  try {
    await client.query(migration.sql)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new VigiaError('INTERNAL', `migration ${migration.name}: ${why}`, { cause: thrown })
  }
  await client.query(
    'insert into schema_migration (version, name, sha256, applied_at) values ($1, $2, $3, $4)',
    [migration.version, migration.name, migration.sha256, new Date(nowMs)],
  )
}

/** A step that ran, as the database or a backup remembers it. */
export type AppliedMigration = Pick<Migration, 'version' | 'name' | 'sha256'>

/** The steps that ran in this database, in order. */
export async function appliedMigrations(client: pg.Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    'select version, name, sha256 from schema_migration order by version',
  )
  return rows
}

/** Throws RECORDS_NEWER or RECORDS_CHANGED when `done` is no beginning of `known`. */
export function checkHistory(done: readonly AppliedMigration[], known: readonly Migration[]): void {
  for (const { version, name, sha256 } of done) {
    const migration = known[version - 1]
    if (migration === undefined)
      throw new VigiaError(
        'RECORDS_NEWER',
        `the database has version ${version} (${name}); this Vigía knows up to ${known.length}`,
      )
    if (migration.sha256 !== sha256)
      throw new VigiaError('RECORDS_CHANGED', `migration ${name} had another text when this database ran it`)
  }
}

/** A connection of one's own, closed at the end; connection faults come out as RECORDS_UNAVAILABLE. */
export async function withClient<T>(
  connection: Connection,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    ...connection,
    connectionTimeoutMillis: 10_000,
    application_name: 'vigia-admin',
  })
  // Without a listener a broken connection would end the process; the query that runs on it throws anyway.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } catch (thrown) {
    throw recordsError(thrown)
  } finally {
    await client.end()
  }
}

/** Runs `work` in one transaction; rolls back what it throws. */
export async function inTransaction<T>(client: pg.Client, begin: string, work: () => Promise<T>): Promise<T> {
  await client.query(begin)
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (thrown) {
    // The connection may be gone; then the server has rolled back by itself and the first error says why.
    await client.query('rollback').catch(() => undefined)
    throw thrown
  }
}

function locked(client: pg.Client, work: () => Promise<void>): Promise<void> {
  return inTransaction(client, 'begin', async () => {
    await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    await work()
  })
}

async function serverVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ server_version_num: string }>('show server_version_num')
  return Math.floor(Number(rows[0]?.server_version_num) / 10_000)
}

/** The role of the server's work: no login, owns nothing, never passes by row-level security. */
async function ensureRole(client: pg.Client, postgres: number): Promise<void> {
  const found = await client.query<{ rolsuper: boolean; rolbypassrls: boolean }>(
    `select rolsuper, rolbypassrls from pg_roles where rolname = 'vigia_app'`,
  )
  const role = found.rows[0]
  if (role === undefined)
    await client.query(
      // Another database of the same PostgreSQL server may be making it right now.
      `do $$ begin create role vigia_app nologin nobypassrls noinherit;
        exception when duplicate_object or unique_violation then null; end $$`,
    )
  else if (role.rolsuper || role.rolbypassrls)
    throw new VigiaError(
      'CONFIG_INVALID',
      'the role vigia_app passes by row-level security; take that from it',
    )
  const may = await client.query<{ may: boolean }>(
    `select pg_has_role(current_user, 'vigia_app', $1) as may`,
    [postgres >= 16 ? 'SET' : 'MEMBER'],
  )
  if (may.rows[0]?.may !== true) await client.query('grant vigia_app to current_user')
}
