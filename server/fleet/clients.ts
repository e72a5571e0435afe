import { sql } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Records } from '../records/records.ts'
import { at } from '../records/schema.ts'

/** A client as the console lists it; `devices` counts those that are not revoked. */
export type ClientView = { id: string; name: string; devices: number }

/** The clients (tenants) of the MSP. */
export function createClients({ records, clock }: { records: Records; clock: Clock }): {
  /** Adds a client; throws CONFLICT when there is one of that id. */
  create(id: string, name: string): Promise<void>
  list(): Promise<ClientView[]>
} {
  return {
    async create(id, name) {
      const added = await records.operator((db) =>
        db
          .insertInto('client')
          .values({ client_id: id, name, created_at: at(clock()) })
          .onConflict((conflict) => conflict.doNothing())
          .returning('client_id')
          .executeTakeFirst(),
      )
      if (added === undefined) throw new VigiaError('CONFLICT', `there is a client ${id} already`)
    },
    list() {
      return records.operator((db) =>
        db
          .selectFrom('client')
          .leftJoin('device', (join) =>
            join.onRef('device.client_id', '=', 'client.client_id').on('device.revoked_at', 'is', null),
          )
          .select([
            'client.client_id as id',
            'client.name',
            sql<number>`count(device.device_id)`.as('devices'),
          ])
          .groupBy(['client.client_id', 'client.name'])
          .orderBy('client.name')
          .execute(),
      )
    },
  }
}
