import { sql } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../../server/records/connection.ts'
import { withClient } from '../../../server/records/migrate.ts'
import { readAs } from '../../../server/records/reader.ts'
import type { Records } from '../../../server/records/records.ts'
import { deviceId, seedClient } from './seed.ts'

/** Tables without client_id, and why they need none. Any other table must have one. */
const WITHOUT_CLIENT: Record<string, string> = {
  schema_migration: "the schema's own history; vigia_app has no right to it at all",
  person: "the MSP's own staff, not of one client; the operator's alone by policy",
  person_passkey: "passkeys of the MSP's own staff; the operator's alone by policy",
  person_session: "sessions of the MSP's own staff; the operator's alone by policy",
  rule_pack_history:
    'packs of rules are of the MSP, the same for every client; the operator’s alone by policy',
  rule_version: 'rules are of the MSP, the same for every client; the operator’s alone by policy',
  server_run:
    'when the server was there to watch, the same for every client; a client may read it by policy, not write',
  setting: "the installation's own values; the operator's alone by policy",
  article: "the MSP's own knowledge, the same for every client; the operator's alone by policy",
  run: "orders of the MSP over devices of many clients; the operator's alone by policy",
  trust_root: "the trust roots of the installation; the operator's alone by policy",
  script: "the MSP's library, the same for every client; a client may read it by policy, not write",
}

/** Forced row-level security in every table, tried by hand in every table. */
export function tenancyContract(on: () => { owner: Connection; records: Records }): void {
  describe('tenancy', () => {
    let tables: string[]
    let clientTables: string[]

    beforeAll(async () => {
      const { owner, records } = on()
      const found = await withClient(owner, (client) =>
        client.query<{ name: string; client: boolean }>(
          `select c.relname::text as name, exists (select from pg_attribute a where a.attrelid = c.oid
              and a.attname = 'client_id' and not a.attisdropped) as client
            from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1`,
        ),
      )
      tables = found.rows.map(({ name }) => name)
      clientTables = found.rows.filter(({ client }) => client).map(({ name }) => name)
      await records.operator(async (db) => {
        await seedClient(db, 'acme', deviceId(0))
        await seedClient(db, 'bravo', deviceId(1))
      })
    })

    it('forces row-level security in every table but the history, and each has client_id or a reason', async () => {
      expect(clientTables.length).toBeGreaterThan(10)
      expect(tables.filter((name) => !clientTables.includes(name))).toEqual(
        Object.keys(WITHOUT_CLIENT).sort(),
      )
      const forced = await withClient(on().owner, (client) =>
        client.query<{ name: string }>(
          `select c.relname::text as name from pg_class c join pg_roles o on o.oid = c.relowner
            where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
              and c.relrowsecurity and c.relforcerowsecurity and o.rolname <> 'vigia_app' order by 1`,
        ),
      )
      expect(forced.rows.map(({ name }) => name)).toEqual(
        tables.filter((name) => name !== 'schema_migration'),
      )
    })

    it('shows the operator both clients and each client only itself, in every table', async () => {
      for (const table of clientTables) {
        const seen = async (client: string | null): Promise<string[]> => {
          const query = sql<{
            client_id: string
          }>`select distinct client_id from ${sql.table(table)} order by 1`
          const { records } = on()
          const { rows } = await (client === null
            ? records.operator((db) => query.execute(db))
            : records.tenant(client, (db) => query.execute(db)))
          return rows.map(({ client_id }) => client_id)
        }
        expect([table, await seen(null)]).toEqual([table, ['acme', 'bravo']])
        expect([table, await seen('acme')]).toEqual([table, ['acme']])
        expect([table, await seen('nobody')]).toEqual([table, []])
      }
    })

    it("lets no client insert, change, take over or delete another's rows, in any table", async () => {
      const { records } = on()
      for (const table of clientTables) {
        const name = sql.table(table)
        const theirs = await records.operator((db) =>
          sql<{ row: unknown }>`select to_jsonb(t) as row from ${name} t where client_id = 'bravo'`.execute(
            db,
          ),
        )
        const row = JSON.stringify(theirs.rows[0]?.row)
        const columns = sql.join((await writable(on().owner, table)).map((column) => sql.ref(column)))
        const as = async (work: ReturnType<typeof sql>): Promise<unknown> =>
          records
            .tenant('acme', (db) => work.execute(db))
            .then(
              ({ numAffectedRows }) => Number(numAffectedRows),
              (thrown: { code?: string }) => thrown.code,
            )
        const denied = '42501'
        const audit = table === 'audit'
        expect([
          table,
          await as(
            sql`insert into ${name} (${columns}) overriding system value select ${columns} from jsonb_populate_record(null::${name}, ${row}::jsonb)`,
          ),
          await as(sql`update ${name} set client_id = client_id where client_id = 'bravo'`),
          await as(sql`update ${name} set client_id = 'bravo' where client_id = 'acme'`),
          await as(sql`delete from ${name} where client_id = 'bravo'`),
          await as(sql`truncate ${name}`),
        ]).toEqual([table, denied, audit ? denied : 0, denied, audit ? denied : 0, denied])
        const after = await records.operator((db) =>
          sql<{ row: unknown }>`select to_jsonb(t) as row from ${name} t where client_id = 'bravo'`.execute(
            db,
          ),
        )
        expect(after.rows).toEqual(theirs.rows)
      }
    })

    it("lets no row point to another client's device, incident or ticket", async () => {
      const { records } = on()
      const tried = records.tenant('acme', (db) =>
        db
          .insertInto('presence')
          .values({
            client_id: 'acme',
            device_id: deviceId(1),
            online_at: new Date(0),
            offline_at: new Date(1),
          })
          .execute(),
      )
      await expect(tried).rejects.toMatchObject({ code: '23503' })
    })

    it('shows a client nothing of people, sessions and settings, and lets it read but not write scripts', async () => {
      const { records } = on()
      await records.operator((db) =>
        sql`insert into setting values ('secret', '1', now()) on conflict do nothing`.execute(db),
      )
      const settings = await records.tenant('acme', (db) => db.selectFrom('setting').selectAll().execute())
      expect(settings).toEqual([])
      const scripts = await records.tenant('acme', (db) => db.selectFrom('script').select('digest').execute())
      expect(scripts).toHaveLength(2)
      const deleted = await records.tenant('acme', (db) => db.deleteFrom('script').executeTakeFirst())
      expect(deleted.numDeletedRows).toBe(0n)
    })

    it('shows a person who sees some clients only those, in every table and by every verb, and lets them write nothing', async () => {
      const { records } = on()
      for (const table of clientTables) {
        // Nobody reads tokens: only the hash of a secret stands there.
        const all = table === 'enrol_token' ? [] : ['acme']
        const query = sql<{ client: string }>`select distinct client_id as client from ${sql.table(table)}`
        const seen = async (sees: string[], verb: Pick<Records, 'operator' | 'tenant'>, client?: string) => {
          const asked = readAs(sees, () =>
            client === undefined
              ? verb.operator((db) => query.execute(db))
              : verb.tenant(client, (db) => query.execute(db)),
          )
          return (await asked).rows.map((row) => row.client)
        }
        expect([table, await seen(['acme', 'nobody'], records)]).toEqual([table, all])
        expect([table, await seen([], records)]).toEqual([table, []])
        expect([table, await seen(['acme'], records, 'acme')]).toEqual([table, all])
        expect([table, await seen(['acme'], records, 'bravo')]).toEqual([table, []])
        // What was asked for a person is not answered for another who calls it.
        expect([
          table,
          await seen(
            ['bravo'],
            readAs(['acme'], () => records.here()),
          ),
        ]).toEqual([table, all])
        const whole = readAs(['acme'], () => records.server((db) => query.execute(db)))
        expect((await whole).rows).toHaveLength(2)
        const change = sql`delete from ${sql.table(table)} where client_id = 'acme'`
        const written = readAs(['acme'], () => records.operator((db) => change.execute(db)))
        // read_only_sql_transaction (PostgreSQL, appendix A)
        await expect(written).rejects.toMatchObject({ code: '25006' })
      }
      const people = readAs(['acme'], () =>
        records.operator((db) => db.selectFrom('person').selectAll().execute()),
      )
      expect(await people).toEqual([])
    })

    it('shows nothing at all to a transaction that has not said whose it is', async () => {
      const seen = await withClient(on().owner, async (client) => {
        await client.query('set role vigia_app')
        return client.query('select count(*)::int as devices from device')
      })
      expect(seen.rows).toEqual([{ devices: 0 }])
    })
  })
}

/** The columns that are not worked out from others. */
async function writable(owner: Connection, table: string): Promise<string[]> {
  const { rows } = await withClient(owner, (client) =>
    client.query<{ name: string }>(
      `select attname::text as name from pg_attribute where attrelid = $1::regclass and attnum > 0
        and not attisdropped and attgenerated = '' order by attnum`,
      [table],
    ),
  )
  return rows.map(({ name }) => name)
}
