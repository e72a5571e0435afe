import type { Generated, GeneratedAlways } from 'kysely'
import type {
  Incident,
  IncidentEvent,
  IncidentMember,
  IncidentState,
  Priority,
  Ticket,
  TicketState,
} from '../../../contract/incident.ts'
import type { Evidence, Impact, Severity, Tier } from '../../../contract/rules.ts'
import type { DefaultJson, Json, NullableJson } from './columns.ts'

/** Tables of incidents, tickets and the ledger. */
export type IncidentTables = {
  incident: {
    incident_id: string
    client_id: string
    device_id: string
    rule: string
    rule_version: string
    title: Json<Incident['title']>
    cause: string
    metric: string
    labels: Json<Record<string, string>>
    fingerprints: string[]
    severity: Severity
    impact: Impact
    tier: Tier
    priority: Priority
    state: IncidentState
    opened_at: Date
    resolved_at: Date | null
    resolved_by: NonNullable<Incident['resolvedBy']> | null
    evidence: Json<Evidence>
    runbook: string
    remedy: NullableJson<unknown>
    scope: Generated<'device' | 'site'>
    site: string | null
    members: DefaultJson<IncidentMember[]>
    merged_into: string | null
    flapping_since: Date | null
  }
  incident_event: {
    event_id: GeneratedAlways<number>
    client_id: string
    incident_id: string
    at: Date
    kind: IncidentEvent['kind']
    detail: Json<Record<string, unknown>>
  }
  ticket: {
    ticket_id: string
    number: GeneratedAlways<number>
    client_id: string
    device_id: string | null
    incident_id: string | null
    title: Json<Ticket['title']>
    body: Json<Ticket['body']>
    tier: Tier
    priority: Priority
    state: TicketState
    assignee: string | null
    opened_at: Date
    due_at: Date
    responded_at: Date | null
    resolved_at: Date | null
    closed_at: Date | null
  }
  ticket_event: {
    event_id: GeneratedAlways<number>
    client_id: string
    ticket_id: string
    at: Date
    who: string
    kind: string
    text: string
  }
  ledger: {
    ledger_id: string
    client_id: string
    device_id: string
    incident_id: string
    job_id: string
    rule: string
    title: Json<Incident['title']>
    remedy: string
    at: Date
    detected_at: Date
    forecast_at: Date | null
    unit: string
    before: number | null
    after: number | null
    took_ms: number
  }
}
