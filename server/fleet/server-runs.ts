import type { Clock } from '../../contract/clock.ts'
import type { Records } from '../records/records.ts'
import { at } from '../records/schema.ts'

/** When this server was there to watch, so that its own absence is nobody's downtime. */
export type ServerRun = {
  /** Says that the server is alive now; call it every few seconds and when it stops. */
  alive(): Promise<void>
}

/** Begins a run. */
export async function beginServerRun({
  records,
  clock,
}: {
  records: Records
  clock: Clock
}): Promise<ServerRun> {
  const nowMs = clock()
  const { run_id } = await records.operator((db) =>
    db
      .insertInto('server_run')
      .values({ started_at: at(nowMs), alive_at: at(nowMs) })
      .returning('run_id')
      .executeTakeFirstOrThrow(),
  )
  return {
    async alive() {
      await records.operator((db) =>
        db
          .updateTable('server_run')
          .set({ alive_at: at(clock()) })
          .where('run_id', '=', run_id)
          .execute(),
      )
    },
  }
}
