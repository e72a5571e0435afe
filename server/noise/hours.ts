import { usualCalendar, type Calendar } from '../../contract/calendar.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { ClientHours } from '../../contract/noise.ts'
import { isOpen, nextChange } from '../../rules/calendar/hours.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, text } from '../records/schema.ts'
import { readCalendar } from './world.ts'

/** The business hours of clients. */
export type Hours = {
  /** NOT_FOUND for an unknown client. */
  get(client: string, nowMs: number): Promise<ClientHours>
  set(client: string, calendar: Calendar, who: string, nowMs: number): Promise<ClientHours>
}

/** Business hours over the records; `timeZone` is the installation's, where a client has set none. */
export function createHours({ records, timeZone }: { records: Records; timeZone: string }): Hours {
  async function view(db: Db, client: string, nowMs: number): Promise<ClientHours> {
    const own = await readCalendar(db, client)
    const calendar = own ?? usualCalendar(timeZone)
    const times = { openNow: isOpen(calendar, nowMs), changesMs: nextChange(calendar, nowMs) }
    return { client, calendar, isDefault: own === undefined, ...times }
  }

  async function mustExist(db: Db, client: string): Promise<void> {
    const row = await db
      .selectFrom('client')
      .select('client_id')
      .where('client_id', '=', client)
      .executeTakeFirst()
    if (!row) throw new VigiaError('NOT_FOUND', `there is no client ${client}`)
  }

  return {
    get: (client, nowMs) =>
      records.operator(async (db) => {
        await mustExist(db, client)
        return view(db, client, nowMs)
      }),
    set: (client, calendar, who, nowMs) =>
      records.operator(async (db) => {
        await mustExist(db, client)
        const columns = { calendar: json(calendar), changed_at: at(nowMs), changed_by: text(who) }
        await db
          .insertInto('client_calendar')
          .values({ client_id: client, ...columns })
          .onConflict((conflict) => conflict.column('client_id').doUpdateSet(columns))
          .execute()
        return view(db, client, nowMs)
      }),
  }
}
