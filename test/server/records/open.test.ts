import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate, readMigrations, withClient } from '../../../server/records/migrate.ts'
import { openRecords, type OpenRecords } from '../../../server/records/open.ts'
import { openFolder } from './clusters.ts'

const clock = (): number => 1_700_000_000_000
const say = (): void => undefined

describe('opening the records', () => {
  let dataDir: string
  let open: OpenRecords

  beforeAll(async () => {
    dataDir = openFolder()
    open = await openRecords({ dataDir, clock, say })
  })
  afterAll(async () => {
    await open.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('gives migrated records in the data directory', async () => {
    expect([open.mode, open.schemaVersion]).toEqual(['embedded', readMigrations().length])
    expect(await open.health()).toEqual({ state: 'ok', message: 'embedded' })
    const clients = await open.records.operator((db) => db.selectFrom('client').selectAll().execute())
    expect(clients).toEqual([])
  })

  it('takes the PostgreSQL of DATABASE_URL instead', async () => {
    const { user, password, host } = open.owner
    await withClient(open.owner, (client) => client.query('create database outside'))
    const databaseUrl = `postgres://${user}:${password}@localhost/outside?host=${encodeURIComponent(host)}`
    const outside = await openRecords({ dataDir, clock, say, databaseUrl })
    expect(outside.mode).toBe('external')
    expect(await outside.health()).toMatchObject({ state: 'ok' })
    await outside.close()
    expect((await open.health()).state).toBe('ok')
    const away = openRecords({ dataDir, clock, say, databaseUrl: 'postgres://v:geheim@127.0.0.1:1/r' })
    const error: unknown = await away.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'RECORDS_UNAVAILABLE' })
    expect(String(error)).not.toContain('geheim')
  })

  it('refuses a PostgreSQL that is too old', async () => {
    const { server, port } = await oldPostgres('140011')
    const old = { host: '127.0.0.1', port, user: 'v', password: 'p', database: 'r' }
    await expect(migrate(old, { clock })).rejects.toMatchObject({
      code: 'RECORDS_TOO_OLD',
      message: 'PostgreSQL 14 is older than 15',
    })
    server.close()
  })

  it('has in tables/ exactly the tables and columns that the migrations make', async () => {
    const { rows } = await withClient(open.owner, (client) =>
      client.query<{ table: string; column: string; nullable: boolean; given: boolean }>(
        `select table_name::text as table, column_name::text as column, is_nullable = 'YES' as nullable,
            column_default is not null or is_identity = 'YES' or is_generated = 'ALWAYS' as given
          from information_schema.columns where table_schema = 'public' and table_name <> 'schema_migration'`,
      ),
    )
    const real = rows.map((row) => describeColumn(row.table, row.column, row.nullable, row.given))
    expect(columnsOfSchema().sort()).toEqual(real.sort())
    expect(real.length).toBeGreaterThan(150)
  })
})

function describeColumn(table: string, column: string, nullable: boolean, given: boolean): string {
  return `${table}.${column}${nullable ? ' may be null' : ''}${given ? ' has a default' : ''}`
}

function columnsOfSchema(): string[] {
  const folder = join(import.meta.dirname, '../../../server/records/tables')
  return readdirSync(folder).flatMap((name) => columnsOfFile(join(folder, name)))
}

function columnsOfFile(path: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest)
  const found: string[] = []
  for (const statement of source.statements) {
    if (!ts.isTypeAliasDeclaration(statement) || !statement.name.text.endsWith('Tables')) continue
    const properties = (type: ts.TypeNode): [string, ts.TypeNode][] =>
      (type as ts.TypeLiteralNode).members.map((member) => [
        (member.name as ts.Identifier).text,
        (member as ts.PropertySignature).type!,
      ])
    for (const [table, columns] of properties(statement.type))
      for (const [column, type] of properties(columns)) {
        const text = type.getText(source)
        found.push(
          describeColumn(
            table,
            column,
            /\| null$|^NullableJson</.test(text),
            /^(Generated|GeneratedAlways|DefaultJson)</.test(text),
          ),
        )
      }
  }
  return found
}

/** Speaks just enough of PostgreSQL's protocol (version 3) to say its version; no server this old can be had here. */
function oldPostgres(version: string): Promise<{ server: Server; port: number }> {
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5)
    head.write(type)
    head.writeInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const ready = message('Z', Buffer.from('I'))
  const column = Buffer.concat([Buffer.from('\0\x01server_version_num\0'), Buffer.alloc(18)])
  column.writeInt32BE(25, column.length - 12)
  const value = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, version.length]), Buffer.from(version)])
  const answer = [message('T', column), message('D', value), message('C', Buffer.from('SHOW\0')), ready]
  const server = createServer((socket) => {
    let greeted = false
    socket.on('data', (data) => {
      if (!greeted) socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]))
      else if (data[0] === 0x51) socket.write(Buffer.concat(answer))
      greeted = true
    })
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ server, port: (server.address() as { port: number }).port }),
    ),
  )
}
