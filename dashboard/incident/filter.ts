import type { Incident } from '../../contract/incident.ts'

export const INCIDENT_FILTERS = ['active', 'open', 'remediating', 'escalated', 'resolved'] as const
export type IncidentFilter = (typeof INCIDENT_FILTERS)[number]

/** Does an incident belong to what is shown? Nothing chosen shows all. */
export function passes(
  incident: Incident,
  show: IncidentFilter | undefined,
  client: string | undefined,
): boolean {
  if (client !== undefined && incident.client !== client) return false
  if (show === undefined) return true
  return show === 'active' ? incident.state !== 'resolved' : incident.state === show
}
