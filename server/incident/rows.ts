import type { Selectable } from 'kysely'
import type { Incident, IncidentEvent } from '../../contract/incident.ts'
import type { Db } from '../records/records.ts'
import { at, json, ms, text, type Tables } from '../records/schema.ts'
import { logRemedies } from './remedy-log.ts'
import { nameOfSite } from './site.ts'
import type { IncidentCore, Remedy } from './transition.ts'

type IncidentRow = Selectable<Tables['incident']>

/** What the column `remedy` holds: the rule's remedy as it stood at the opening, or why there is none. */
type StoredRemedy = Remedy | { noRemedy: string } | null

/** Names an incident inside a transaction. */
export type IncidentKey = { client: string; id: string }

/** A row as the pure transition takes it. */
export function toCore(row: IncidentRow): IncidentCore {
  const stored = row.remedy as StoredRemedy
  return {
    rule: row.rule,
    ruleVersion: row.rule_version,
    title: row.title,
    cause: row.cause,
    metric: row.metric,
    labels: row.labels,
    fingerprints: row.fingerprints,
    severity: row.severity,
    impact: row.impact,
    tier: row.tier,
    priority: row.priority,
    state: row.state,
    openedAtMs: ms(row.opened_at),
    resolvedAtMs: ms(row.resolved_at),
    resolvedBy: row.resolved_by,
    evidence: row.evidence,
    runbook: row.runbook,
    remedy: stored !== null && 'name' in stored ? stored : null,
    noRemedy: stored !== null && 'noRemedy' in stored ? stored.noRemedy : null,
  }
}

/** The columns of an incident, without its identity. */
export function toColumns(core: IncidentCore) {
  const stored: StoredRemedy = core.remedy ?? (core.noRemedy === null ? null : { noRemedy: core.noRemedy })
  return {
    rule: core.rule,
    rule_version: core.ruleVersion,
    title: json(core.title),
    cause: text(core.cause),
    metric: text(core.metric),
    labels: json(core.labels),
    fingerprints: core.fingerprints.map(text),
    severity: core.severity,
    impact: core.impact,
    tier: core.tier,
    priority: core.priority,
    state: core.state,
    opened_at: at(core.openedAtMs),
    resolved_at: at(core.resolvedAtMs),
    resolved_by: core.resolvedBy,
    evidence: json(core.evidence),
    runbook: core.runbook,
    remedy: stored === null ? null : json(stored),
  }
}

/** An incident as pages and the CLI see it. */
export function toView(row: IncidentRow & { hostname: string; ticket: string | null }): Incident {
  const { fingerprints: _fingerprints, remedy, noRemedy: _noRemedy, ...core } = toCore(row)
  return {
    ...core,
    id: row.incident_id,
    client: row.client_id,
    device: row.device_id,
    hostname: row.scope === 'site' ? nameOfSite(row.client_id, row.site ?? '') : row.hostname,
    remedy: remedy?.name ?? null,
    ticket: row.ticket,
    scope: row.scope,
    site: row.site,
    members: row.members,
    mergedInto: row.merged_into,
    flappingSinceMs: ms(row.flapping_since),
  }
}

/** Adds lines to an incident's story, in this order. */
export async function tell(db: Db, key: IncidentKey, events: readonly IncidentEvent[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    client_id: key.client,
    incident_id: key.id,
    at: at(event.atMs),
    kind: event.kind,
    detail: json(event.detail),
  }))
  await db.insertInto('incident_event').values(rows).execute()
  await logRemedies(db, key, events)
}

/** Moves an open incident between `open`, `remediating` and `escalated`; a resolved one is left as it is. */
export async function enter(
  db: Db,
  key: IncidentKey,
  state: 'open' | 'remediating' | 'escalated',
): Promise<void> {
  await db
    .updateTable('incident')
    .set({ state })
    .where('incident_id', '=', key.id)
    .where('state', '<>', 'resolved')
    .execute()
}

/** Says who ended a resolved incident, once that is known. */
export async function credit(db: Db, key: IncidentKey, by: 'remedy' | 'person'): Promise<void> {
  await db
    .updateTable('incident')
    .set({ resolved_by: by })
    .where('incident_id', '=', key.id)
    .where('state', '=', 'resolved')
    .execute()
}
