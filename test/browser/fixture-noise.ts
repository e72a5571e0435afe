import type { z } from 'zod'
import { usualCalendar } from '../../contract/calendar.ts'
import type { ROUTES } from '../../contract/http.ts'
import type { Silence } from '../../contract/noise.ts'
import { DAY, fleet, HOUR, MINUTE, uuid } from './fixture-data.ts'

type Answer<K extends keyof typeof ROUTES> = z.output<(typeof ROUTES)[K]['answer']>

/** One silence in force, one to come. */
export function silences(nowMs: number): Silence[] {
  const [first] = fleet(1, nowMs)
  return [
    {
      id: uuid(800),
      client: 'demo',
      matchers: { device: first!.id, rule: 'disk-full-soon' },
      startsAtMs: nowMs - HOUR,
      endsAtMs: nowMs + 3 * HOUR,
      reason: 'The migration of their archive is known; back to normal tonight.',
      createdBy: 'ana',
    },
    {
      id: uuid(801),
      client: null,
      matchers: { tag: 'lab', severity: 'warning', labels: { mount: '~/mnt/.*' } },
      startsAtMs: nowMs + DAY,
      endsAtMs: nowMs + 2 * DAY,
      reason: 'Load test of the lab.',
      createdBy: 'luis',
    },
  ]
}

/** One rule beyond its budget, with an override that would have kept it quiet. */
export function findings(): Answer<'noise'> {
  return {
    findings: [
      {
        ...{ client: 'demo', rule: 'disk-space', ignored: 27, incidents: 31, devices: 6, budget: 10 },
        proposal: {
          kind: 'for',
          yaml: `overrides:
  - rule: disk-space
    client: demo
    reason: 27 of 31 incidents in 30 days ended by themselves.
    set:
      for: 1h
`,
          why: '24 of 27 were over before the condition had held 1h.',
          avoids: 24,
        },
      },
    ],
  }
}

/** What was suppressed: one that goes on, some that are over. */
export function suppressions(nowMs: number, query: URLSearchParams): Answer<'suppressions'> {
  const [first, second] = fleet(2, nowMs)
  const base = { client: 'demo', what: 'incident' as const, byId: '' }
  const all: Answer<'suppressions'>['suppressions'] = [
    {
      ...base,
      ...{ id: 3, device: first!.id, hostname: first!.hostname, rule: 'disk-full-soon', by: 'silence' },
      ...{ fingerprint: 'disk-full-soon|/srv', startedAtMs: nowMs - 40 * MINUTE, endedAtMs: null },
      why: 'a silence of ana: The migration of their archive is known; back to normal tonight.',
    },
    {
      ...base,
      ...{ id: 2, device: second!.id, hostname: second!.hostname, rule: 'backup-failed', by: 'inhibition' },
      ...{ fingerprint: 'backup-failed|', startedAtMs: nowMs - 5 * HOUR, endedAtMs: nowMs - 4 * HOUR },
      why: 'disk-full of the same device explains it',
    },
    {
      ...base,
      what: 'remedy',
      ...{ id: 1, device: second!.id, hostname: second!.hostname, rule: 'service-down', by: 'after-boot' },
      ...{ fingerprint: 'service-down|nginx', startedAtMs: nowMs - DAY, endedAtMs: nowMs - DAY + MINUTE },
      why: 'the device started less than 15 minutes ago',
    },
  ]
  return {
    suppressions: all.filter(
      (row) =>
        (!query.has('by') || row.by === query.get('by')) &&
        (query.get('active') !== 'true' || row.endedAtMs === null),
    ),
  }
}

/** Business hours with a break. */
export function hours(client: string, nowMs: number): Answer<'hours'> {
  const usual = usualCalendar('Europe/Madrid')
  const split = [
    { from: '08:00', to: '13:00' },
    { from: '15:00', to: '18:00' },
  ]
  return {
    client,
    calendar: { ...usual, hours: { ...usual.hours, mon: split }, holidays: ['2026-12-25'] },
    ...{ isDefault: false, openNow: true, changesMs: nowMs + 2 * HOUR },
  }
}

/** A window of now and one that comes back. */
export function maintenance(client: string, nowMs: number): Answer<'maintenance'> {
  return {
    windows: [
      {
        ...{ id: uuid(810), client, device: null, startsAtMs: nowMs - HOUR, endsAtMs: nowMs + HOUR },
        ...{ reason: 'New switch in the rack', createdBy: 'ana', site: 'Madrid', tag: null },
      },
    ],
  }
}

/** A window that comes back each first Sunday. */
export function schedules(client: string, nowMs: number): Answer<'maintenanceSchedules'> {
  return {
    schedules: [
      {
        ...{ id: uuid(811), client, device: null, site: null, tag: 'production' },
        recurrence: { timeZone: 'Europe/Madrid', weekdays: ['sun'], weeks: [1], from: '02:00', minutes: 180 },
        ...{ reason: 'Updates', createdBy: 'ana', nextMs: nowMs + 3 * DAY },
      },
    ],
  }
}
