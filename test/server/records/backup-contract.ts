import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backup, restore } from '../../../server/records/backup.ts'
import type { Connection } from '../../../server/records/connection.ts'
import { migrate, withClient } from '../../../server/records/migrate.ts'
import { connectRecords } from '../../../server/records/records.ts'
import type { Cluster } from './clusters.ts'
import { deviceId, seedClient } from './seed.ts'

const clock = (): number => 1_700_000_000_000

/** Backup and restore: equal, all or nothing, and never from a damaged file. */
export function backupContract(on: () => Cluster): void {
  describe('backup and restore', () => {
    let folder: string
    let from: Connection
    let file: string
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vigia-backup-'))
      from = await filled(on(), ['x'])
      file = join(folder, 'x.vigia')
      await backup({ owner: from, file, clock })
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    it('gives back what was there, whatever the words, with the counters and the next ticket number', async () => {
      const words = fc.string({ unit: 'grapheme', maxLength: 40 }).map((each) => each.replaceAll('\0', ''))
      await fc.assert(
        fc.asyncProperty(fc.array(words, { minLength: 1, maxLength: 4 }), async (texts) => {
          const source = await filled(on(), [...texts, '\\N', '\\.', 'a\tb\nc\\d\r', ''])
          await withClient(source, (client) =>
            client.query(
              `select set_config('vigia.operator', 'on', false); delete from ticket_event; delete from ticket`,
            ),
          )
          const one = join(folder, 'one.vigia')
          await backup({ owner: source, file: one, clock })
          const to = await on().freshDatabase()
          await restore({ owner: to, file: one, clock })
          expect(await everything(to)).toEqual(await everything(source))
          const number = await withClient(to, (client) =>
            client.query(`select nextval(pg_get_serial_sequence('ticket', 'number'))::int as next`),
          )
          expect(number.rows).toEqual([{ next: 1001 + texts.length + 4 }])
        }),
        { numRuns: 2 },
      )
    })

    it('forces row-level security again after restoring', async () => {
      const to = await on().freshDatabase()
      await restore({ owner: to, file, clock })
      const records = connectRecords(to)
      const seen = await records.tenant('nobody', (db) => db.selectFrom('device').selectAll().execute())
      await records.close()
      expect(seen).toEqual([])
      const open = await withClient(to, (client) =>
        client.query(
          `select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
            and not relforcerowsecurity and relname <> 'schema_migration'`,
        ),
      )
      expect(open.rows).toEqual([])
    })

    it('is of one moment while the server goes on writing', async () => {
      const busy = await filled(on(), ['x'])
      const records = connectRecords(busy)
      let going = true
      const writing = (async () => {
        for (let count = 0; going; count++) {
          // Flat out it writes faster than a backup reads, which then has more to read each time.
          await sleep(2)
          await records.operator(async (db) => {
            const own = { client_id: 'client-0', device_id: deviceId(0) }
            const times = { online_at: new Date(count), offline_at: new Date(count) }
            await db
              .insertInto('presence')
              .values({ ...own, ...times })
              .execute()
            await db
              .updateTable('device')
              .set({ command_sequence: count + 1 })
              .execute()
          })
        }
      })()
      const moment = join(folder, 'moment.vigia')
      for (let round = 0; round < 4; round++) await backup({ owner: busy, file: moment, clock })
      going = false
      await writing
      await records.close()
      const to = await on().freshDatabase()
      await restore({ owner: to, file: moment, clock })
      const both = await withClient(to, async (client) => {
        await client.query(`select set_config('vigia.operator', 'on', false)`)
        return client.query<{ stretches: number; sequence: number }>(
          `select (select count(*)::int - 1 from presence) as stretches, command_sequence::int as sequence from device`,
        )
      })
      expect(both.rows[0]!.stretches).toBeGreaterThan(0)
      expect(both.rows[0]!.stretches).toBe(both.rows[0]!.sequence)
    }, 60_000)

    it('refuses a database with records unless forced, and then replaces them all', async () => {
      const to = await filled(on(), ['other', 'rows'])
      const before = await everything(to)
      await expect(restore({ owner: to, file, clock })).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await everything(to)).toEqual(before)
      await restore({ owner: to, file, clock, force: true })
      expect(await everything(to)).toEqual(await everything(from))
    })

    it('touches nothing when the file is damaged, cut short or no backup', async () => {
      const plain = gunzipSync(readFileSync(file))
      const to = await filled(on(), ['kept'])
      const before = await everything(to)
      const changed = Buffer.from(plain)
      const place = changed.indexOf('El disco')
      changed[place] = changed[place]! ^ 1
      const damaged: [string, Buffer][] = [
        ['a changed byte', gzipSync(changed)],
        ['cut short in gzip', readFileSync(file).subarray(0, -20)],
        [
          'cut short between entries',
          gzipSync(plain.subarray(0, plain.lastIndexOf('{"kind":"manifest"}') - 4)),
        ],
        ['no manifest body', gzipSync(plain.subarray(0, plain.lastIndexOf('{"kind":"manifest"}') + 19))],
        ['something behind', gzipSync(Buffer.concat([plain, plain]))],
        ['not gzip', Buffer.from('hello')],
        ['empty', Buffer.alloc(0)],
        ['an impossible length', gzipSync(Buffer.from([255, 255, 255, 255, 0]))],
      ]
      for (const [what, bytes] of damaged) {
        const bad = join(folder, 'bad.vigia')
        writeFileSync(bad, bytes)
        const error: unknown = await restore({ owner: to, file: bad, clock, force: true }).catch(
          (thrown: unknown) => thrown,
        )
        expect([what, error]).toEqual([what, expect.objectContaining({ code: 'BACKUP_INVALID' })])
      }
      expect(await everything(to)).toEqual(before)
    })

    it('keeps files beside the records with their modes, and only the owner may read the backup', async () => {
      const key = join(folder, 'order.pem')
      const large = Buffer.alloc(1_000_003, 7)
      writeFileSync(key, large, { mode: 0o600 })
      const withFiles = join(folder, 'files.vigia')
      const files = [{ name: 'keys/order.pem', path: key }]
      const made = await backup({ owner: from, file: withFiles, clock, files })
      expect(made).toMatchObject({ files: 1, bytes: statSync(withFiles).size })
      expect(statSync(withFiles).mode & 0o777).toBe(0o600)
      const filesTo = join(folder, 'data')
      mkdirSync(filesTo)
      const back = await restore({ owner: await on().freshDatabase(), file: withFiles, clock, filesTo })
      expect(back.files).toEqual(['keys/order.pem'])
      expect(readFileSync(join(filesTo, 'keys/order.pem')).equals(large)).toBe(true)
      expect(statSync(join(filesTo, 'keys/order.pem')).mode & 0o777).toBe(0o600)
    })

    it('says that the file cannot be written, and not that the database is away', async () => {
      await expect(backup({ owner: from, file: join(folder, 'none', 'x.vigia'), clock })).rejects.toThrow(
        expect.objectContaining({ code: 'DATA_UNREADABLE', message: expect.stringContaining('none') }),
      )
    })

    it('refuses a backup of a newer schema, and a file name that leaves the folder', async () => {
      const to = await on().freshDatabase()
      const evil = join(folder, 'evil.vigia')
      await backup({ owner: from, file: evil, clock, files: [{ name: '../evil', path: file }] })
      await expect(restore({ owner: to, file: evil, clock, filesTo: folder })).rejects.toMatchObject({
        code: 'BACKUP_INVALID',
      })
      const newer = join(folder, 'newer.vigia')
      await withClient(from, (client) =>
        client.query(`insert into schema_migration values (99, 'later.sql', 'x', now())`),
      )
      await backup({ owner: from, file: newer, clock })
      await expect(restore({ owner: to, file: newer, clock })).rejects.toMatchObject({
        code: 'RECORDS_NEWER',
      })
    })
  })
}

async function filled(cluster: Cluster, texts: string[]): Promise<Connection> {
  const owner = await cluster.freshDatabase()
  await migrate(owner, { clock })
  const records = connectRecords(owner)
  await records.operator(async (db) => {
    for (const [index, words] of texts.entries())
      await seedClient(db, `client-${index}`, deviceId(index), words)
  })
  await records.close()
  return owner
}

/** Every row of every table as PostgreSQL writes it, and every counter. */
async function everything(owner: Connection): Promise<Record<string, unknown[]>> {
  return withClient(owner, async (client) => {
    await client.query(`select set_config('vigia.operator', 'on', false)`)
    const tables = await client.query<{ name: string }>(
      `select relname::text as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    )
    const all: Record<string, unknown[]> = {}
    for (const { name } of tables.rows.filter((each) => each.name !== 'schema_migration'))
      all[name] = (await client.query(`select t::text as row from ${name} t order by 1`)).rows
    const counters = await client.query(
      `select sequencename::text, last_value from pg_sequences where schemaname = 'public' order by 1`,
    )
    return { ...all, counters: counters.rows }
  })
}
