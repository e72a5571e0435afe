import type { Clock } from '../../contract/clock.ts'
import { LIMITS } from '../../contract/limits.ts'
import type { FactKind, Layout } from '../../contract/report.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Records } from '../records/records.ts'
import { at, json, ms } from '../records/schema.ts'

/** What devices say of themselves beside figures: layouts of their reports, and facts (inventory and the like). */
export type Documents = {
  /** Keeps a layout; of each device the newest LIMITS.layoutsPerDevice stay. */
  saveLayout(address: DeviceAddress, layout: Layout): Promise<void>
  layout(address: DeviceAddress, hash: string): Promise<Layout | undefined>
  /** Those that a device is known to report, newest first. */
  layouts(address: DeviceAddress): Promise<Layout[]>
  /** Keeps a document unless a newer one of its kind stands; true when it was kept. */
  saveFact(
    address: DeviceAddress,
    fact: { kind: FactKind; timeMs: number; document: unknown },
  ): Promise<boolean>
  facts(address: DeviceAddress): Promise<{ kind: FactKind; timeMs: number; document: unknown }[]>
}

/** Documents over the records; each works as the client of the device, so no other can be touched. */
export function createDocuments({ records, clock }: { records: Records; clock: Clock }): Documents {
  return {
    async saveLayout({ client, device }, layout) {
      await records.tenant(client, async (db) => {
        await db
          .insertInto('device_layout')
          .values({
            client_id: client,
            device_id: device,
            hash: layout.hash,
            layout: json(layout),
            seen_at: at(clock()),
          })
          .onConflict((conflict) =>
            conflict.columns(['device_id', 'hash']).doUpdateSet({ seen_at: at(clock()) }),
          )
          .execute()
        const kept = db
          .selectFrom('device_layout')
          .select('hash')
          .where('device_id', '=', device)
          .orderBy('seen_at', 'desc')
          .orderBy('hash')
          .limit(LIMITS.layoutsPerDevice)
        await db
          .deleteFrom('device_layout')
          .where('device_id', '=', device)
          .where('hash', '!=', layout.hash)
          .where('hash', 'not in', kept)
          .execute()
      })
    },
    async layout({ client, device }, hash) {
      const row = await records.tenant(client, (db) =>
        db
          .selectFrom('device_layout')
          .select('layout')
          .where('device_id', '=', device)
          .where('hash', '=', hash)
          .executeTakeFirst(),
      )
      return row?.layout
    },
    async layouts({ client, device }) {
      const rows = await records.tenant(client, (db) =>
        db
          .selectFrom('device_layout')
          .select('layout')
          .where('device_id', '=', device)
          .orderBy('seen_at', 'desc')
          .execute(),
      )
      return rows.map(({ layout }) => layout)
    },
    async saveFact({ client, device }, { kind, timeMs, document }) {
      const kept = await records.tenant(client, (db) =>
        db
          .insertInto('device_fact')
          .values({ client_id: client, device_id: device, kind, at: at(timeMs), document: json(document) })
          .onConflict((conflict) =>
            conflict
              .columns(['device_id', 'kind'])
              .doUpdateSet({ at: at(timeMs), document: json(document) })
              .where('device_fact.at', '<=', at(timeMs)),
          )
          .returning('kind')
          .executeTakeFirst(),
      )
      return kept !== undefined
    },
    async facts({ client, device }) {
      const rows = await records.tenant(client, (db) =>
        db
          .selectFrom('device_fact')
          .select(['kind', 'at', 'document'])
          .where('device_id', '=', device)
          .orderBy('kind')
          .execute(),
      )
      return rows.map((row) => ({ kind: row.kind, timeMs: ms(row.at), document: row.document }))
    },
  }
}
