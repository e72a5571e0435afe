import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { SavedView } from '../../contract/run.ts'
import type { Records } from '../records/records.ts'
import type { Tables } from '../records/schema.ts'
import { compile, resolveTarget } from './targets.ts'

/** Named selections of devices: a person's own, and those that are shared. */
export type Views = {
  list(who: string): Promise<SavedView[]>
  /** The devices that a view chooses now, those that are revoked left out; NOT_FOUND. */
  devices(id: string, who: string): Promise<string[]>
  /** The same name of the same owner replaces it. REQUEST_INVALID for a selector that is none, NOT_FOUND for an unknown client. */
  save(view: Omit<SavedView, 'id' | 'owner'>, who: string): Promise<SavedView>
  /** One's own; `all` takes away anyone's. NOT_FOUND. */
  remove(id: string, who: string, all: boolean): Promise<void>
}

export function createViews({ records }: { records: Records }): Views {
  return {
    list: (who) =>
      records.operator(async (db) => {
        const rows = await db
          .selectFrom('saved_view')
          .selectAll()
          .where((eb) => eb.or([eb('shared', '=', true), eb('owner', '=', who)]))
          .orderBy('name')
          .orderBy('owner')
          .execute()
        return rows.map(toView)
      }),

    devices: (id, who) =>
      records.operator(async (db) => {
        const chosen = await resolveTarget(db, { kind: 'view', view: id }, who)
        return chosen.filter(({ revoked }) => !revoked).map((device) => device.id)
      }),

    async save({ name, client, selector, shared }, who) {
      compile(selector, 'selector')
      return records.operator(async (db) => {
        if (client !== null) {
          const known = await db
            .selectFrom('client')
            .select('client_id')
            .where('client_id', '=', client)
            .executeTakeFirst()
          if (!known) throw new VigiaError('NOT_FOUND', `no client ${client}`)
        }
        const columns = { client_id: client, selector, shared }
        const row = await db
          .insertInto('saved_view')
          .values({ view_id: randomUUID(), name, owner: who, ...columns })
          .onConflict((conflict) => conflict.columns(['owner', 'name']).doUpdateSet(columns))
          .returningAll()
          .executeTakeFirstOrThrow()
        return toView(row)
      })
    },

    async remove(id, who, all) {
      await records.operator(async (db) => {
        const remove = db.deleteFrom('saved_view').where('view_id', '=', id)
        const gone = await (all ? remove : remove.where('owner', '=', who)).executeTakeFirst()
        if (gone.numDeletedRows === 0n) throw new VigiaError('NOT_FOUND', `no saved view ${id} of yours`)
      })
    },
  }
}

function toView(row: Selectable<Tables['saved_view']>): SavedView {
  const { view_id: id, name, client_id: client, selector, shared, owner } = row
  return { id, name, client, selector, shared, owner }
}
