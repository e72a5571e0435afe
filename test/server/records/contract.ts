import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Connection } from '../../../server/records/connection.ts'
import { migrate, readMigrations, withClient, type Migration } from '../../../server/records/migrate.ts'
import { connectRecords, type Records } from '../../../server/records/records.ts'
import { at, json, ms } from '../../../server/records/schema.ts'
import { backupContract } from './backup-contract.ts'
import type { Cluster } from './clusters.ts'
import { tenancyContract } from './tenancy-contract.ts'

const clock = (): number => 1_700_000_000_000

/** What the records promise, whichever PostgreSQL they stand on. */
export function recordsContract(start: () => Promise<Cluster>): void {
  let cluster: Cluster
  let owner: Connection
  let records: Records

  beforeAll(async () => {
    cluster = await start()
    owner = await cluster.freshDatabase()
    await migrate(owner, { clock })
    records = connectRecords(owner)
  })
  afterAll(async () => {
    await records?.close()
    await cluster?.stop()
  })

  it('keeps moments to the millisecond, JSON that a device made hostile, and bigint as a number', async () => {
    const hostile = { 'nu\0l': ['a\0b', '\ud800', 'back\\u0000slash', '😀', '"'] }
    await records.operator(async (db) => {
      await db
        .insertInto('setting')
        .values({ name: 'odd', value: json(hostile), changed_at: at(1_700_000_000_123) })
        .execute()
      const row = await db
        .selectFrom('setting')
        .selectAll()
        .where('name', '=', 'odd')
        .executeTakeFirstOrThrow()
      expect(ms(row.changed_at)).toBe(1_700_000_000_123)
      expect(row.value).toEqual({ 'nu\ufffdl': ['a\ufffdb', '\ufffd', 'back\\u0000slash', '😀', '"'] })
      const big = await sql<{ big: number }>`select 9007199254740991::bigint as big`.execute(db)
      expect(big.rows[0]?.big).toBe(9007199254740991)
    })
    await expect(
      records.operator((db) => sql`select 9007199254740993::bigint as big`.execute(db)),
    ).rejects.toThrow(/not exact/)
  })

  it('rolls back all of a work that throws, and gives out what it threw', async () => {
    const thrown = new Error('changed my mind')
    const work = records.operator(async (db) => {
      await db
        .insertInto('setting')
        .values({ name: 'gone', value: json(1), changed_at: at(0) })
        .execute()
      throw thrown
    })
    await expect(work).rejects.toBe(thrown)
    const left = await records.operator((db) =>
      db.selectFrom('setting').select('name').where('name', '=', 'gone').execute(),
    )
    expect(left).toEqual([])
  })

  it('works as a role that owns nothing, and leaves no rights behind on the connection', async () => {
    const one = connectRecords(owner, { maxConnections: 1 })
    const who = await one.operator(async (db) =>
      sql<{
        role: string
        super: string
      }>`select current_user as role, current_setting('is_superuser') as super`.execute(db),
    )
    expect(who.rows[0]).toEqual({ role: 'vigia_app', super: 'off' })
    await expect(one.operator((db) => sql`drop table setting`.execute(db))).rejects.toThrow(/must be owner/)
    await expect(one.operator((db) => sql`delete from audit`.execute(db))).rejects.toThrow(
      /permission denied/,
    )
    const after = await one.tenant('acme', (db) =>
      sql<{ operator: string }>`select current_setting('vigia.operator') as operator`.execute(db),
    )
    expect(after.rows[0]).toEqual({ operator: 'off' })
    await one.close()
  })

  it('says RECORDS_UNAVAILABLE, without the password, when it is away', async () => {
    const away = connectRecords({ ...owner, host: '127.0.0.1', port: 1, password: 'very-secret' })
    const error: unknown = await away.ping().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'RECORDS_UNAVAILABLE', retry: 'transient' })
    await away.close()
    const wrong = connectRecords({ ...owner, password: 'very-secret' })
    const refused: unknown = await wrong.operator(async () => 1).catch((thrown: unknown) => thrown)
    expect(refused).toMatchObject({ code: 'RECORDS_UNAVAILABLE' })
    expect(String(refused)).not.toContain('very-secret')
    await wrong.close()
  })

  it('outlives a connection that is cut off between two statements of a transaction, and says so', async () => {
    const own = connectRecords(owner)
    const cut = own.operator(async (db) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
      await withClient(owner, (client) =>
        client.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]),
      )
      // What is told to nobody who waits for an answer would end the process.
      await sleep(50)
      await sql`select 1`.execute(db)
    })
    await expect(cut).rejects.toMatchObject({ code: 'RECORDS_UNAVAILABLE' })
    await own.ping()
    await own.close()
  })

  it('migrates forward only: again changes nothing, four at once run each step once', async () => {
    const fresh = await cluster.freshDatabase()
    await Promise.all([1, 2, 3, 4].map(() => migrate(fresh, { clock })))
    const steps = await withClient(fresh, (client) =>
      client.query('select version, applied_at from schema_migration order by version'),
    )
    expect(steps.rows).toEqual(
      readMigrations().map(({ version }) => ({ version, applied_at: new Date(clock()) })),
    )
  })

  it('refuses a database of a newer Vigía and a step whose text has changed', async () => {
    const fresh = await cluster.freshDatabase()
    const known = readMigrations()
    const next: Migration = { version: known.length + 1, name: 'next.sql', sha256: 'x', sql: 'select 1' }
    await migrate(fresh, { clock, migrations: [...known, next] })
    await expect(migrate(fresh, { clock })).rejects.toMatchObject({ code: 'RECORDS_NEWER' })
    await expect(
      migrate(fresh, { clock, migrations: [...known, { ...next, sha256: 'y' }] }),
    ).rejects.toMatchObject({ code: 'RECORDS_CHANGED' })
  })

  it('leaves nothing of a step that fails, and goes on from there once it is mended', async () => {
    const fresh = await cluster.freshDatabase()
    const known = readMigrations()
    const step = { version: known.length + 1, name: 'next.sql', sha256: 'x' }
    const broken = { ...step, sql: 'create table half (id int); select nonsense' }
    await expect(migrate(fresh, { clock, migrations: [...known, broken] })).rejects.toThrow(/next\.sql: /)
    const mended = { ...step, sql: 'create table half (id int)' }
    await expect(migrate(fresh, { clock, migrations: [...known, mended] })).resolves.toBe(step.version)
  })

  tenancyContract(() => ({ owner, records }))
  backupContract(() => cluster)
}
