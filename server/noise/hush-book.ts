import { usualCalendar } from '../../contract/calendar.ts'
import type { Clock } from '../../contract/clock.ts'
import type { RuleSpec } from '../../contract/rules.ts'
import { hushOf, type Hushes } from '../../rules/noise/hush.ts'
import type { DeviceContext } from '../../rules/selector.ts'
import type { Records } from '../records/records.ts'
import { at } from '../records/schema.ts'
import { toSilence, toWindow } from './world.ts'

/** What is silenced now, in memory: for those who ask about every rule and device. */
export type HushBook = {
  /**
   * Why what a rule finds on a device opens no incident now, as a sentence with its end; null when it would. A
   * silence about some labels only does not count: the rest of the rule's series is heard.
   */
  silencedBy(context: DeviceContext, rule: Pick<RuleSpec, 'name' | 'severity' | 'during'>): string | null
  /** Reads the records anew. Throws RECORDS_UNAVAILABLE; what was read before then still holds. */
  refresh(): Promise<void>
}

/** An empty book; `refresh` fills it, and is to be called after each change and every half minute. */
export function createHushBook(options: { records: Records; clock: Clock; timeZone: string }): HushBook {
  const usual = usualCalendar(options.timeZone)
  let byClient = new Map<string, Hushes>()
  let everywhere: Hushes = { silences: [], windows: [], calendar: usual }

  return {
    silencedBy(context, { name, severity, during }) {
      const nowMs = options.clock()
      const { client, device, site, tags } = context
      const hush = hushOf(
        byClient.get(client) ?? everywhere,
        {
          client,
          device: { device, site, tags, roams: false, lastSeenMs: null },
          rule: { name, severity, during },
          labels: null,
        },
        nowMs,
      )
      if (hush === undefined) return null
      return hush.untilMs === null ? hush.why : `${hush.why}, until ${new Date(hush.untilMs).toISOString()}`
    },
    async refresh() {
      const now = at(options.clock())
      await options.records.operator(async (db) => {
        const silences = await db.selectFrom('silence').selectAll().where('ends_at', '>', now).execute()
        const windows = await db
          .selectFrom('maintenance_window')
          .selectAll()
          .where('ends_at', '>', now)
          .execute()
        const calendars = await db.selectFrom('client_calendar').select(['client_id', 'calendar']).execute()
        const own = new Map(calendars.map((row) => [row.client_id, row.calendar]))
        const common = silences.filter((row) => row.client_id === null).map(toSilence)
        const clients = new Set([...silences, ...windows, ...calendars].flatMap((row) => row.client_id ?? []))
        everywhere = { silences: common, windows: [], calendar: usual }
        byClient = new Map(
          [...clients].map((client) => [
            client,
            {
              silences: [...common, ...silences.filter((row) => row.client_id === client).map(toSilence)],
              windows: windows.filter((row) => row.client_id === client).map(toWindow),
              calendar: own.get(client) ?? usual,
            },
          ]),
        )
      })
    },
  }
}
