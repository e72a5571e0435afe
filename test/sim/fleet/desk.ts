import { usualCalendar } from '../../../contract/calendar.ts'
import type { AlertTransition, RuleSpec } from '../../../contract/rules.ts'
import { occurrences } from '../../../rules/calendar/recurrence.ts'
import { durationMs } from '../../../rules/duration.ts'
import { hushOf, type Window } from '../../../rules/noise/hush.ts'
import { judge } from '../../../rules/noise/judge.ts'
import type { Host, Known, NoiseDevice, Step, World } from '../../../rules/noise/state.ts'
import { siteAlert, siteFacts } from '../../../server/incident/site.ts'
import { transition, type IncidentCore } from '../../../server/incident/transition.ts'

/** Servers are patched in this window, as an MSP agrees it with its clients. */
const SERVER_WINDOW = {
  ...{ timeZone: 'UTC', weekdays: ['sun' as const], weeks: [], from: '02:00', minutes: 120 },
}

/** An incident of the simulated desk and whether a person was asked. */
export type DeskIncident = { core: IncidentCore; device: string; ticketAtMs: number | null; opened: number }

/** What the server makes of alerts, without a database: the real noise control, the real transitions of incidents. */
export type Desk = {
  hear(alerts: readonly AlertTransition[], nowMs: number): void
  /** Every incident that was opened. */
  incidents: DeskIncident[]
  suppressed: Map<string, number>
}

/** A desk over the devices of all clients. */
export function createDesk(options: {
  rule: (name: string) => RuleSpec | undefined
  devices: (NoiseDevice & { client: string })[]
  startMs: number
  endMs: number
}): Desk {
  const byId = new Map(options.devices.map((device) => [device.device, device]))
  const bySite = Map.groupBy(options.devices, ({ site }) => site)
  const known = new Map<string, Map<string, Known>>()
  const due = new Map<string, number>()
  const newest = new Map<string, DeskIncident>()
  const incidents: DeskIncident[] = []
  const suppressed = new Map<string, number>()
  const occurrencesOfWindow = occurrences(SERVER_WINDOW, options.startMs, options.endMs)
  const windows = new Map(
    [...new Set(options.devices.map(({ client }) => client))].map((client) => [
      client,
      occurrencesOfWindow.map((one, index): Window => ({
        ...{ id: String(index), client, device: null, site: null, tag: 'server', reason: 'patches' },
        ...one,
      })),
    ]),
  )

  function worldOf(client: string, nowMs: number): World {
    return {
      nowMs,
      rule: options.rule,
      device: (id) => byId.get(id),
      site: (site) => bySite.get(site) ?? [],
      hush: (alert, device, rule) =>
        hushOf(
          { silences: [], windows: windows.get(client) ?? [], calendar: usualCalendar('UTC') },
          { client, device, rule: { name: alert.rule, ...rule }, labels: alert.labels },
          nowMs,
        ),
    }
  }

  function apply(alert: AlertTransition, site?: string): void {
    const key = site === undefined ? `${alert.device} ${alert.cause}` : `site ${site}`
    const present = newest.get(key)
    const facts = site === undefined ? options.rule(alert.rule) : siteFacts(alert.client, site)
    const { change, incident } = transition(present?.core ?? null, alert, facts)
    if (change === 'none' || incident === null) return
    if (change === 'opened' || present === undefined) {
      const fresh: DeskIncident = {
        core: incident,
        device: alert.device,
        ticketAtMs: null,
        opened: alert.atMs,
      }
      newest.set(key, fresh)
      incidents.push(fresh)
    } else present.core = incident
    const now = newest.get(key)
    if (now !== undefined) escalate(now, alert.atMs)
  }

  /** A rule without a remedy asks a person at once; with one, when it has not mended the matter after two attempts. */
  function escalate(incident: DeskIncident, atMs: number): void {
    const { core } = incident
    if (core.severity === 'info' || incident.ticketAtMs !== null) return
    if (core.remedy === null) incident.ticketAtMs = atMs
    else if (core.state === 'resolved') {
      const patience = 2 * durationMs(core.remedy.verifyWithin)
      if ((core.resolvedAtMs ?? atMs) - core.openedAtMs > patience) incident.ticketAtMs = atMs
    }
  }

  function carryOut(client: string, step: Step): void {
    switch (step.do) {
      case 'fire':
      case 'clear':
        apply(step.alert)
        return
      case 'site': {
        const alert = siteAlert(client, step)
        if (alert !== undefined) apply(alert, step.site)
        return
      }
      case 'site-over': {
        const present = newest.get(hostKey({ of: 'site', site: step.site }))
        if (present !== undefined) end(present, step.atMs)
        return
      }
      case 'merge': {
        const own = newest.get(`${step.alert.device} ${step.alert.cause}`)
        if (own !== undefined) end(own, step.atMs)
        return
      }
      case 'suppress':
        suppressed.set(step.by, (suppressed.get(step.by) ?? 0) + 1)
        return
      default:
        return
    }
  }

  function review(client: string, words: readonly AlertTransition[], nowMs: number): void {
    const judged = judge(known.get(client) ?? new Map<string, Known>(), words, worldOf(client, nowMs))
    known.set(client, judged.known)
    if (judged.dueMs === null) due.delete(client)
    else due.set(client, judged.dueMs)
    for (const step of judged.steps) carryOut(client, step)
  }

  return {
    hear(alerts, nowMs) {
      const heard = alerts.filter(({ kind }) => kind === 'firing' || kind === 'resolved')
      for (const [client, words] of Map.groupBy(heard, (alert) => alert.client)) review(client, words, nowMs)
      for (const [client, dueMs] of due) if (dueMs <= nowMs) review(client, [], nowMs)
    },
    incidents,
    suppressed,
  }
}

function hostKey(host: Host): string {
  return host.of === 'site' ? `site ${host.site}` : `${host.device} ${host.cause}`
}

function end(incident: DeskIncident, atMs: number): void {
  incident.core = {
    ...incident.core,
    state: 'resolved',
    resolvedAtMs: atMs,
    fingerprints: [],
    resolvedBy: 'itself',
  }
}
