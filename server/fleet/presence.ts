import { sql } from 'kysely'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Records } from '../records/records.ts'
import { at, ms } from '../records/schema.ts'

/** One stretch in which a device was online; `toMs` is null while it still is. Unix milliseconds. */
type Stretch = { device: string; fromMs: number; toMs: number | null }

/** When devices were online, for availability. */
export type Presence = {
  /** Opens a stretch, unless one is open. */
  online(address: DeviceAddress, timeMs: number): Promise<void>
  /** Closes the open stretch, if there is one. */
  offline(address: DeviceAddress, timeMs: number): Promise<void>
  /**
   * Closes what an earlier run of the server left open, at the moment when each device was last seen: what came
   * after that nobody knows. Call it once at start, before devices connect. Answers how many it closed.
   */
  recover(): Promise<number>
  /** The stretches of a client's devices that touch the span, oldest first. */
  stretches(client: string, span: { fromMs: number; toMs: number; device?: string }): Promise<Stretch[]>
}

/** Presence over the records. */
export function createPresence({ records }: { records: Records }): Presence {
  return {
    async online({ client, device }, timeMs) {
      await records.tenant(client, (db) =>
        db
          .insertInto('presence')
          .values({ client_id: client, device_id: device, online_at: at(timeMs) })
          .onConflict((conflict) => conflict.column('device_id').where('offline_at', 'is', null).doNothing())
          .execute(),
      )
    },
    async offline({ client, device }, timeMs) {
      await records.tenant(client, (db) =>
        db
          .updateTable('presence')
          // A clock that was set back must not make a stretch end before it began.
          .set({ offline_at: sql<Date>`greatest(online_at, ${at(timeMs)})` })
          .where('device_id', '=', device)
          .where('offline_at', 'is', null)
          .execute(),
      )
    },
    async recover() {
      const closed = await records.operator((db) =>
        db
          .updateTable('presence')
          .from('device')
          .set({ offline_at: sql<Date>`greatest(presence.online_at, device.last_seen)` })
          .whereRef('device.device_id', '=', 'presence.device_id')
          .where('presence.offline_at', 'is', null)
          .executeTakeFirst(),
      )
      return Number(closed.numUpdatedRows)
    },
    async stretches(client, { fromMs, toMs, device }) {
      const rows = await records.tenant(client, (db) => {
        const touching = db
          .selectFrom('presence')
          .select(['device_id', 'online_at', 'offline_at'])
          .where('online_at', '<', at(toMs))
          .where((where) => where.or([where('offline_at', 'is', null), where('offline_at', '>', at(fromMs))]))
          .orderBy('online_at')
          .orderBy('presence_id')
        return (device === undefined ? touching : touching.where('device_id', '=', device)).execute()
      })
      return rows.map((row) => ({
        device: row.device_id,
        fromMs: ms(row.online_at),
        toMs: ms(row.offline_at),
      }))
    },
  }
}
