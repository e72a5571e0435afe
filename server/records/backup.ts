import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import pg from 'pg'
import * as z from 'zod'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import { readEntries, verifyBackup, writeEntries, type Entry } from './backup-file.ts'
import type { Connection } from './connection.ts'
import { copyIn, copyOut } from './copy.ts'
import {
  appliedMigrations,
  applyMigration,
  checkHistory,
  inTransaction,
  migrate,
  readMigrations,
  withClient,
} from './migrate.ts'

/** A file beside the records: where it is, and its name in the backup (a path below the data directory). */
export type ExtraFile = { name: string; path: string }

const Sequences = z.array(
  z.object({ table: z.string(), column: z.string(), last: z.string(), called: z.boolean() }),
)
const FILE_FAULTS = new Set([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EACCES',
  'EPERM',
  'EROFS',
  'EIO',
  'EDQUOT',
  'ENOSPC',
])
const identifier = (name: string): string => pg.escapeIdentifier(name)

/**
 * Writes all records as of one moment, and the files that are given, into one file (format: backup-file.ts), which
 * appears whole or not at all, readable by its owner alone. The server may go on working. Answers the size in bytes.
 * Throws DATA_UNREADABLE or DISK_FULL when the file cannot be written.
 */
export async function backup(options: {
  owner: Connection
  file: string
  clock: Clock
  files?: readonly ExtraFile[]
}): Promise<{ bytes: number; tables: number; files: number }> {
  const { owner, file, files = [] } = options
  const fresh = `${file}.new`
  let tables = 0
  let unwritable: NodeJS.ErrnoException | undefined
  try {
    await withClient(owner, (client) =>
      inTransaction(client, 'begin isolation level repeatable read read only', async () => {
        await client.query(`select set_config('vigia.operator', 'on', true)`)
        const names = await tablesInOrder(client)
        tables = names.length
        const target = createWriteStream(fresh, { mode: 0o600, flush: true })
        // A fault of the database ends the target too, with its own error: that one is not the file's.
        target.on('error', (error: NodeJS.ErrnoException) => {
          if (FILE_FAULTS.has(error.code ?? '')) unwritable = error
        })
        await pipeline(
          Readable.from(writeEntries(entriesOf(client, names, files, options.clock()))),
          createGzip({ level: 6 }),
          target,
        )
      }),
    )
    const { size } = await stat(fresh)
    await rename(fresh, file)
    await syncFolder(dirname(file))
    return { bytes: size, tables, files: files.length }
  } catch (thrown) {
    await rm(fresh, { force: true })
    if (unwritable === undefined) throw thrown
    throw new VigiaError(
      unwritable.code === 'ENOSPC' ? 'DISK_FULL' : 'DATA_UNREADABLE',
      `Cannot write the backup ${file}: ${unwritable.message}`,
      { cause: thrown },
    )
  }
}

async function* entriesOf(
  client: pg.Client,
  tables: readonly string[],
  files: readonly ExtraFile[],
  nowMs: number,
): AsyncGenerator<Entry> {
  const migrations = await appliedMigrations(client)
  yield { header: { kind: 'backup', v: 1, createdAtMs: nowMs, migrations }, body: bytes('') }
  for (const name of tables) {
    const { columns, key } = await columnsOf(client, name)
    const list = columns.map(identifier).join(', ')
    const order = key.map(identifier).join(', ')
    yield {
      header: { kind: 'table', name, columns },
      body: copyOut(client, `copy (select ${list} from ${identifier(name)} order by ${order}) to stdout`),
    }
  }
  yield { header: { kind: 'sequences' }, body: bytes(JSON.stringify(await sequencesOf(client))) }
  for (const { name, path } of files) {
    const { mode } = await stat(path)
    yield {
      header: { kind: 'file', name, mode: mode & 0o777 },
      body: createReadStream(path) as AsyncIterable<Buffer>,
    }
  }
}

/**
 * Puts a backup back, all of it or nothing: the whole file is held to its manifest first, then the schema is made
 * anew as it was when the backup was made, filled, and brought forward, in one transaction. Files go below
 * `filesTo` once the records stand; without it they are left out. The server must not run. Throws BACKUP_INVALID,
 * RECORDS_NEWER, or CONFLICT when records exist and `force` is not set, or when somebody works with them.
 */
export async function restore(options: {
  owner: Connection
  file: string
  clock: Clock
  force?: boolean
  filesTo?: string
}): Promise<{ createdAtMs: number; tables: number; files: string[] }> {
  const { owner, file, clock, force = false, filesTo } = options
  const head = await verifyBackup(file)
  const known = readMigrations()
  checkHistory(head.migrations, known)
  await migrate(owner, { clock })
  const staging = filesTo === undefined ? undefined : await mkdtemp(join(filesTo, '.restore-'))
  const files: string[] = []
  let tables = 0
  try {
    await withClient(owner, (client) =>
      inTransaction(client, 'begin', async () => {
        await client.query(`set local lock_timeout = '10s'`)
        await client.query(`select set_config('vigia.operator', 'on', true)`)
        if (!force) await refuseRecords(client)
        await dropTables(client)
        for (const migration of known.slice(0, head.migrations.length))
          await applyMigration(client, migration, clock())
        for await (const entry of readEntries(file)) {
          if (entry.header.kind === 'table') {
            await fillTable(client, entry.header, entry.body)
            tables++
          } else if (entry.header.kind === 'sequences') await setSequences(client, file, entry.body)
          else if (entry.header.kind === 'file' && staging !== undefined) {
            const path = join(staging, entry.header.name)
            await mkdir(dirname(path), { recursive: true, mode: 0o700 })
            await pipeline(entry.body, createWriteStream(path, { mode: entry.header.mode, flush: true }))
            files.push(entry.header.name)
          } else for await (const _ of entry.body);
        }
        for (const migration of known.slice(head.migrations.length))
          await applyMigration(client, migration, clock())
      }),
    )
    if (staging !== undefined && filesTo !== undefined)
      for (const name of files) {
        await mkdir(dirname(join(filesTo, name)), { recursive: true, mode: 0o700 })
        await rename(join(staging, name), join(filesTo, name))
      }
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === '55P03')
      throw new VigiaError('CONFLICT', 'somebody works with the records: stop the server first', {
        cause: thrown,
      })
    throw thrown
  } finally {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true })
  }
  return { createdAtMs: head.createdAtMs, tables, files }
}

async function refuseRecords(client: pg.Client): Promise<void> {
  for (const name of await tablesInOrder(client)) {
    const { rows } = await client.query(`select 1 from ${identifier(name)} limit 1`)
    if (rows.length > 0)
      throw new VigiaError(
        'CONFLICT',
        `there are records already (table ${name}); restoring replaces them all: say so with --force`,
      )
  }
}

async function dropTables(client: pg.Client): Promise<void> {
  const names = (await tablesInOrder(client)).map(identifier)
  await client.query(`drop table ${names.join(', ')}`)
  await client.query('delete from schema_migration')
}

async function fillTable(
  client: pg.Client,
  { name, columns }: { name: string; columns: readonly string[] },
  body: AsyncIterable<Buffer>,
): Promise<void> {
  const table = identifier(name)
  // COPY FROM is refused under row-level security, which binds the owner too while it is forced.
  await client.query(`alter table ${table} no force row level security`)
  await copyIn(client, `copy ${table} (${columns.map(identifier).join(', ')}) from stdin`, body)
  await client.query(`alter table ${table} force row level security`)
}

/** Vigía's own tables, each after those that it refers to. Others in the same schema are left alone. */
async function tablesInOrder(client: pg.Client): Promise<string[]> {
  const ours = readMigrations().flatMap(({ sql }) =>
    [...sql.matchAll(/^create table (?:if not exists )?([a-z_]+)/gm)].map(([, name]) => name),
  )
  const { rows } = await client.query<{ name: string; needs: string[] }>(
    `select c.relname::text as name, coalesce(array_agg(f.confrelid::regclass::text)
        filter (where f.confrelid <> c.oid), '{}') as needs
      from pg_class c left join pg_constraint f on f.conrelid = c.oid and f.contype = 'f'
      where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname = any($1)
      group by c.relname order by c.relname`,
    [ours],
  )
  const order: string[] = []
  while (order.length < rows.length) {
    const next = rows.find(
      ({ name, needs }) => !order.includes(name) && needs.every((each) => order.includes(each)),
    )
    if (next === undefined) throw new VigiaError('INTERNAL', 'the tables refer to each other in a circle')
    order.push(next.name)
  }
  return order
}

async function columnsOf(client: pg.Client, table: string): Promise<{ columns: string[]; key: string[] }> {
  const { rows } = await client.query<{ name: string; key: boolean }>(
    `select a.attname::text as name, coalesce(a.attnum = any(i.indkey), false) as key
      from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
      where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      order by a.attnum`,
    [identifier(table)],
  )
  return { columns: rows.map(({ name }) => name), key: rows.filter(({ key }) => key).map(({ name }) => name) }
}

async function sequencesOf(client: pg.Client): Promise<z.infer<typeof Sequences>> {
  const { rows } = await client.query<{ table: string; column: string; sequence: string }>(
    `select table_name::text as table, column_name::text as column,
        pg_get_serial_sequence(quote_ident(table_name), column_name) as sequence
      from information_schema.columns where table_schema = current_schema() and is_identity = 'YES'
        and table_name = any($1) order by 1, 2`,
    [await tablesInOrder(client)],
  )
  const found: z.infer<typeof Sequences> = []
  for (const { table, column, sequence } of rows) {
    const state = await client.query<{ last: string; called: boolean }>(
      `select last_value::text as last, is_called as called from ${sequence}`,
    )
    for (const { last, called } of state.rows) found.push({ table, column, last, called })
  }
  return found
}

async function setSequences(client: pg.Client, file: string, body: AsyncIterable<Buffer>): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of body) parts.push(part)
  const sequences = Sequences.safeParse(JSON.parse(Buffer.concat(parts).toString()))
  if (!sequences.success) throw new VigiaError('BACKUP_INVALID', `${file}: its sequences are malformed`)
  for (const { table, column, last, called } of sequences.data)
    await client.query('select setval(pg_get_serial_sequence($1, $2), $3, $4)', [
      identifier(table),
      column,
      last,
      called,
    ])
}

async function* bytes(text: string): AsyncGenerator<Buffer> {
  if (text !== '') yield Buffer.from(text)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
