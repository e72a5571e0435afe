import { DEVICE_REPORT_METRIC, type AlertTransition } from '../../contract/rules.ts'
import type { Step } from '../../rules/noise/state.ts'
import type { RuleFacts } from './transition.ts'

/** The name under which incidents of whole sites are filed; no pack has a rule of this name. */
export const SITE_INCIDENT_RULE = 'site-offline'

/** How a site is called; devices without one stand for the client itself. */
export function nameOfSite(client: string, site: string): string {
  return site === '' ? client : site
}

/** What an incident of a whole site says. L2: power and lines are no matter of one machine. */
export function siteFacts(client: string, site: string): RuleFacts {
  const name = nameOfSite(client, site)
  return {
    title: { en: `Site offline: ${name}`, es: `Sede sin conexión: ${name}` },
    severity: 'critical',
    impact: 'high',
    tier: 'L2',
    runbook:
      'Ask at the site whether there is power; see to router and line, and call the provider. The machines come back by themselves; those that do not get incidents of their own.',
    noRemedy: 'Nothing can be run at a site that cannot be reached.',
  }
}

/** The silence of a site as one alert, filed under the first of its devices; undefined for one without devices. */
export function siteAlert(
  client: string,
  { site, sinceMs, atMs, members, devices }: Extract<Step, { do: 'site' }>,
): AlertTransition | undefined {
  const [first] = members.toSorted((a, b) => (a.device < b.device ? -1 : 1))
  if (first === undefined) return undefined
  const cause = `${SITE_INCIDENT_RULE}:${site}`
  const bound = Math.max(3, Math.ceil(devices / 2))
  return {
    kind: 'firing',
    rule: SITE_INCIDENT_RULE,
    ruleVersion: '1',
    cause,
    client,
    device: first.device,
    metric: DEVICE_REPORT_METRIC,
    labels: { site },
    fingerprint: cause,
    atMs: Math.max(sinceMs, atMs),
    evidence: {
      value: members.length,
      unit: 'count',
      threshold: bound,
      forecast: null,
      points: [],
      sentence: `${members.length} of ${devices} devices of ${nameOfSite(client, site)} do not report, since ${new Date(sinceMs).toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
    },
  }
}
