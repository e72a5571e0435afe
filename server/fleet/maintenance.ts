import { randomUUID } from 'node:crypto'
import { VigiaError } from '../../contract/errors.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { MaintenanceWindow } from '../../contract/views.ts'
import type { Records } from '../records/records.ts'
import { at, ms, text } from '../records/schema.ts'

/** Maintenance windows; the end is not part of the window. */
export type Maintenance = {
  /** Throws REQUEST_INVALID when it ends before it starts, NOT_FOUND when client or device are not there. */
  create(window: Omit<MaintenanceWindow, 'id'>): Promise<MaintenanceWindow>
  /** Those that end after `fromMs`, by start. */
  list(client: string, fromMs: number): Promise<MaintenanceWindow[]>
  active(address: DeviceAddress, nowMs: number): Promise<boolean>
}

/** Maintenance windows over the records. */
export function createMaintenance({ records }: { records: Records }): Maintenance {
  return {
    async create(window) {
      if (window.endsAtMs <= window.startsAtMs)
        throw new VigiaError('REQUEST_INVALID', 'the window ends before it starts', {
          faults: [{ field: 'endsAtMs', message: 'must be after startsAtMs' }],
        })
      const id = randomUUID()
      try {
        await records.tenant(window.client, (db) =>
          db
            .insertInto('maintenance_window')
            .values({
              window_id: id,
              client_id: window.client,
              device_id: window.device,
              starts_at: at(window.startsAtMs),
              ends_at: at(window.endsAtMs),
              reason: text(window.reason),
              created_by: text(window.createdBy),
            })
            .execute(),
        )
      } catch (thrown) {
        // foreign_key_violation
        if (thrown instanceof Error && 'code' in thrown && thrown.code === '23503')
          throw new VigiaError('NOT_FOUND', `there is no such client or device: ${window.client}`, {
            cause: thrown,
          })
        throw thrown
      }
      return { id, ...window }
    },
    async list(client, fromMs) {
      const rows = await records.tenant(client, (db) =>
        db
          .selectFrom('maintenance_window')
          .selectAll()
          .where('ends_at', '>', at(fromMs))
          .orderBy('starts_at')
          .execute(),
      )
      return rows.map((row) => ({
        id: row.window_id,
        client: row.client_id,
        device: row.device_id,
        startsAtMs: ms(row.starts_at),
        endsAtMs: ms(row.ends_at),
        reason: row.reason,
        createdBy: row.created_by,
      }))
    },
    async active({ client, device }, nowMs) {
      const row = await records.tenant(client, (db) =>
        db
          .selectFrom('maintenance_window')
          .select('window_id')
          .where('starts_at', '<=', at(nowMs))
          .where('ends_at', '>', at(nowMs))
          .where((where) => where.or([where('device_id', '=', device), where('device_id', 'is', null)]))
          .limit(1)
          .executeTakeFirst(),
      )
      return row !== undefined
    },
  }
}
