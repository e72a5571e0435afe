import { VigiaError } from '../../contract/errors.ts'
import type { Incident, Priority } from '../../contract/incident.ts'
import type { Records } from '../records/records.ts'
import { availabilityOf, gapsOf, type Availability, type Stretch } from './availability.ts'

/** Objective of availability, in percent, until contracts name their own. */
export const AVAILABILITY_OBJECTIVE_PERCENT = 99.5

type Title = Incident['title']

/** A month of one client as the report shows it; every row carries the id of its evidence. Times in Unix milliseconds. */
export type ReportModel = {
  client: { id: string; name: string }
  month: string
  fromMs: number
  /** End of the figures: the month's end, or now while it is running. */
  toMs: number
  endsMs: number
  madeAtMs: number
  devices: (Availability & { id: string; hostname: string })[]
  total: Availability
  avoided: {
    incident: string
    title: Title
    hostname: string
    remedy: string
    atMs: number
    tookMs: number
    forecastAtMs: number | null
    unit: string
    before: number | null
    after: number | null
  }[]
  incidents: {
    id: string
    title: Title
    hostname: string
    priority: Priority
    openedAtMs: number
    resolvedAtMs: number | null
    resolvedBy: Incident['resolvedBy']
  }[]
  tickets: {
    id: string
    number: number
    title: Title
    hostname: string | null
    tier: string
    priority: Priority
    openedAtMs: number
    dueAtMs: number
    resolvedAtMs: number | null
    sla: 'met' | 'breached' | 'running'
  }[]
  sla: { met: number; breached: number; running: number }
  ended: { remedy: number; itself: number; person: number; open: number }
}

/** Reads a client's month out of the records. Throws NOT_FOUND for an unknown client. `month` is YYYY-MM, in UTC. */
export async function readReport(
  records: Records,
  options: { client: string; month: string; nowMs: number },
): Promise<ReportModel> {
  const { fromMs, endsMs } = monthBounds(options.month)
  const toMs = Math.min(endsMs, Math.max(fromMs, options.nowMs))
  const from = new Date(fromMs)
  const end = new Date(endsMs)
  return records.tenant(options.client, async (db) => {
    const client = await db
      .selectFrom('client')
      .select(['client_id', 'name'])
      .where('client_id', '=', options.client)
      .executeTakeFirst()
    if (!client) throw new VigiaError('NOT_FOUND', `There is no client ${JSON.stringify(options.client)}.`)
    const devices = await db
      .selectFrom('device')
      .select(['device_id', 'hostname', 'enrolled_at', 'revoked_at', 'site', 'tags'])
      .where('enrolled_at', '<', end)
      .where((or) => or.or([or('revoked_at', 'is', null), or('revoked_at', '>', from)]))
      .orderBy('hostname')
      .execute()
    const presence = await db
      .selectFrom('presence')
      .select(['device_id', 'online_at', 'offline_at'])
      .where('online_at', '<', end)
      .where((or) => or.or([or('offline_at', 'is', null), or('offline_at', '>', from)]))
      .execute()
    const windows = await db
      .selectFrom('maintenance_window')
      .select(['device_id', 'site', 'tag', 'starts_at', 'ends_at'])
      .where('starts_at', '<', end)
      .where('ends_at', '>', from)
      .execute()
    const incidents = await db
      .selectFrom('incident')
      .innerJoin('device', 'device.device_id', 'incident.device_id')
      .select([
        'incident_id',
        'title',
        'device.hostname',
        'priority',
        'opened_at',
        'resolved_at',
        'resolved_by',
      ])
      .where('opened_at', '>=', from)
      .where('opened_at', '<', end)
      .orderBy('opened_at')
      .execute()
    const tickets = await db
      .selectFrom('ticket')
      .leftJoin('device', 'device.device_id', 'ticket.device_id')
      .select([
        'ticket_id',
        'number',
        'title',
        'device.hostname',
        'tier',
        'priority',
        'opened_at',
        'due_at',
        'ticket.resolved_at',
      ])
      .where('opened_at', '>=', from)
      .where('opened_at', '<', end)
      .orderBy('number')
      .execute()
    const ledger = await db
      .selectFrom('ledger')
      .innerJoin('device', 'device.device_id', 'ledger.device_id')
      .select([
        'incident_id',
        'title',
        'device.hostname',
        'remedy',
        'at',
        'took_ms',
        'forecast_at',
        'unit',
        'before',
        'after',
      ])
      .where('at', '>=', from)
      .where('at', '<', end)
      .orderBy('at')
      .execute()

    const runs = await db
      .selectFrom('server_run')
      .select(['started_at', 'alive_at'])
      .where('started_at', '<', end)
      .where('alive_at', '>', from)
      .execute()
    const unwatched = gapsOf(
      runs.map((row): Stretch => ({ fromMs: row.started_at.getTime(), toMs: row.alive_at.getTime() })),
      { fromMs, toMs },
    )
    const perDevice = devices.map((device) => {
      const watched = {
        fromMs: Math.max(fromMs, device.enrolled_at.getTime()),
        toMs: Math.min(toMs, device.revoked_at?.getTime() ?? toMs),
      }
      const online = presence
        .filter((row) => row.device_id === device.device_id)
        .map((row): Stretch => ({ fromMs: row.online_at.getTime(), toMs: row.offline_at?.getTime() ?? toMs }))
      const excluded = windows
        .filter((row) => row.device_id === null || row.device_id === device.device_id)
        .filter((row) => row.site === null || row.site === device.site)
        .filter((row) => row.tag === null || device.tags.includes(row.tag))
        .map((row): Stretch => ({ fromMs: row.starts_at.getTime(), toMs: row.ends_at.getTime() }))
      return {
        id: device.device_id,
        hostname: device.hostname,
        ...availabilityOf(watched, online, excluded, unwatched),
      }
    })
    const ticketRows = tickets.map((row) => ({
      id: row.ticket_id,
      number: row.number,
      title: row.title,
      hostname: row.hostname,
      tier: row.tier,
      priority: row.priority,
      openedAtMs: row.opened_at.getTime(),
      dueAtMs: row.due_at.getTime(),
      resolvedAtMs: row.resolved_at?.getTime() ?? null,
      sla: slaOf(row.due_at.getTime(), row.resolved_at?.getTime() ?? null, toMs),
    }))
    return {
      client: { id: client.client_id, name: client.name },
      month: options.month,
      fromMs,
      toMs,
      endsMs,
      madeAtMs: options.nowMs,
      devices: perDevice,
      total: sumOf(perDevice),
      avoided: ledger.map((row) => ({
        incident: row.incident_id,
        title: row.title,
        hostname: row.hostname,
        remedy: row.remedy,
        atMs: row.at.getTime(),
        tookMs: row.took_ms,
        forecastAtMs: row.forecast_at?.getTime() ?? null,
        unit: row.unit,
        before: row.before,
        after: row.after,
      })),
      incidents: incidents.map((row) => ({
        id: row.incident_id,
        title: row.title,
        hostname: row.hostname,
        priority: row.priority,
        openedAtMs: row.opened_at.getTime(),
        resolvedAtMs: row.resolved_at?.getTime() ?? null,
        resolvedBy: row.resolved_by,
      })),
      tickets: ticketRows,
      sla: {
        met: count(ticketRows, 'met'),
        breached: count(ticketRows, 'breached'),
        running: count(ticketRows, 'running'),
      },
      ended: {
        remedy: incidents.filter((row) => row.resolved_by === 'remedy').length,
        itself: incidents.filter((row) => row.resolved_by === 'itself').length,
        person: incidents.filter((row) => row.resolved_by === 'person').length,
        open: incidents.filter((row) => row.resolved_at === null).length,
      },
    }
  })
}

/** First and past-the-last moment of a month `YYYY-MM`, in UTC. */
export function monthBounds(month: string): { fromMs: number; endsMs: number } {
  const [year, number] = month.split('-').map(Number)
  if (year === undefined || number === undefined || Number.isNaN(year + number))
    throw new VigiaError('REQUEST_INVALID', `A month is YYYY-MM, not ${JSON.stringify(month)}.`)
  return { fromMs: Date.UTC(year, number - 1, 1), endsMs: Date.UTC(year, number, 1) }
}

/** A ticket's SLA at a moment: met when resolved by its due time, breached when that passed, else still running. */
export function slaOf(
  dueAtMs: number,
  resolvedAtMs: number | null,
  atMs: number,
): 'met' | 'breached' | 'running' {
  if (resolvedAtMs !== null) return resolvedAtMs <= dueAtMs ? 'met' : 'breached'
  return atMs > dueAtMs ? 'breached' : 'running'
}

function sumOf(devices: readonly Availability[]): Availability {
  const watchedMs = devices.reduce((sum, device) => sum + device.watchedMs, 0)
  const onlineMs = devices.reduce((sum, device) => sum + device.onlineMs, 0)
  const excludedMs = devices.reduce((sum, device) => sum + device.excludedMs, 0)
  return { watchedMs, onlineMs, excludedMs, percent: watchedMs === 0 ? null : (100 * onlineMs) / watchedMs }
}

function count(rows: readonly { sla: string }[], sla: string): number {
  return rows.filter((row) => row.sla === sla).length
}
