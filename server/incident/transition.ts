import type { Incident, IncidentEvent, Priority } from '../../contract/incident.ts'
import {
  IMPACTS,
  SEVERITIES,
  type AlertTransition,
  type Evidence,
  type Impact,
  type RuleSpec,
  type Severity,
  type Tier,
} from '../../contract/rules.ts'
import { priorityOf } from './priority.ts'

/** What an incident takes from its rule. */
export type RuleFacts = Pick<
  RuleSpec,
  'title' | 'severity' | 'impact' | 'tier' | 'runbook' | 'remedy' | 'noRemedy'
>

/** The part of an incident that alerts change. `fingerprints` are the alerts of its cause that are firing. */
export type IncidentCore = {
  rule: string
  ruleVersion: string
  title: Incident['title']
  cause: string
  metric: string
  labels: Record<string, string>
  fingerprints: readonly string[]
  severity: Severity
  impact: Impact
  tier: Tier
  priority: Priority
  state: Incident['state']
  openedAtMs: number
  resolvedAtMs: number | null
  resolvedBy: Incident['resolvedBy']
  evidence: Evidence
  runbook: string
  remedy: Remedy | null
  /** Why the rule has no remedy, where it has none. */
  noRemedy: string | null
}

/** A rule's answer to its own finding. */
export type Remedy = NonNullable<RuleSpec['remedy']>

/** `opened` makes a new row, `reopened`, `updated` and `resolved` change the present one, `none` changes nothing. */
export type Outcome = {
  change: 'opened' | 'reopened' | 'updated' | 'resolved' | 'none'
  incident: IncidentCore | null
  events: IncidentEvent[]
  why: string
  /** A more severe rule joined the cause: priority, tier or remedy may have changed. */
  worsened: boolean
}

/**
 * A cause that comes back this soon after it went away by itself is the same incident (flapping is one trouble,
 * one story, one ticket). What a remedy or a person ended stays ended: its ledger entry or ticket is true, and
 * the next one is a new incident.
 */
export const REOPEN_WITHIN_MS = 10 * 60_000

/**
 * What one change of an alert does to the newest incident of its (device, cause), which may be none, open or
 * resolved. There is at most one open incident for a cause; it resolves when the last of its alerts does.
 * Transitions that were applied before (a replay after a restart) change nothing or only renew the evidence.
 */
export function transition(
  current: IncidentCore | null,
  alert: AlertTransition,
  rule: RuleFacts | undefined,
): Outcome {
  switch (alert.kind) {
    case 'pending':
      return nothing(current, 'a pending alert is not an incident yet')
    case 'firing':
      if (rule === undefined) return nothing(current, 'its rule is no longer in force')
      return fire(current, alert, rule)
    case 'resolved':
    case 'cancelled':
      return clear(current, alert)
    default:
      return alert.kind satisfies never
  }
}

function fire(current: IncidentCore | null, alert: AlertTransition, rule: RuleFacts): Outcome {
  if (current === null) return open(alert, rule, 'the first alert of this cause fires')
  if (current.state !== 'resolved') return join(current, alert, rule)
  const resolvedAtMs = current.resolvedAtMs ?? current.openedAtMs
  if (alert.atMs === current.openedAtMs) return nothing(current, 'the alert that opened it, seen again')
  if (current.resolvedBy !== 'itself') return open(alert, rule, 'the one before was mended; this is another')
  if (alert.atMs - resolvedAtMs > REOPEN_WITHIN_MS) return open(alert, rule, 'the one before is long over')
  const fresh = fromRule(alert, rule)
  const incident: IncidentCore = { ...fresh, openedAtMs: current.openedAtMs }
  return outcome('reopened', incident, [event('reopened', alert)], 'the cause is back within ten minutes')
}

function open(alert: AlertTransition, rule: RuleFacts, why: string): Outcome {
  return outcome('opened', fromRule(alert, rule), [event('opened', alert)], why)
}

function fromRule(alert: AlertTransition, rule: RuleFacts): IncidentCore {
  return {
    rule: alert.rule,
    ruleVersion: alert.ruleVersion,
    title: rule.title,
    cause: alert.cause,
    metric: alert.metric,
    labels: alert.labels,
    fingerprints: [alert.fingerprint],
    severity: rule.severity,
    impact: rule.impact,
    tier: rule.tier,
    priority: priorityOf(rule.impact, rule.severity),
    state: 'open',
    openedAtMs: alert.atMs,
    resolvedAtMs: null,
    resolvedBy: null,
    evidence: alert.evidence,
    runbook: rule.runbook,
    remedy: rule.remedy ?? null,
    noRemedy: rule.noRemedy ?? null,
  }
}

function join(current: IncidentCore, alert: AlertTransition, rule: RuleFacts): Outcome {
  const known = current.fingerprints.includes(alert.fingerprint)
  const fingerprints = known ? current.fingerprints : [...current.fingerprints, alert.fingerprint]
  const worsened = SEVERITIES.indexOf(rule.severity) > SEVERITIES.indexOf(current.severity)
  const incident = worsened
    ? worse({ ...current, fingerprints }, alert, rule)
    : // The first finding stays what the incident is about; the same alert again brings newer figures.
      {
        ...current,
        fingerprints,
        evidence: known && alert.rule === current.rule ? alert.evidence : current.evidence,
        remedy: current.remedy ?? rule.remedy ?? null,
        noRemedy: current.remedy || rule.remedy ? null : current.noRemedy,
      }
  const why = known ? 'the alert still fires' : 'another alert of the same cause fires'
  return { ...outcome('updated', incident, [event('evidence', alert)], why), worsened }
}

/** The graver rule names the incident; the remedy of the first stays unless the graver one has its own. */
function worse(current: IncidentCore, alert: AlertTransition, rule: RuleFacts): IncidentCore {
  const impact =
    IMPACTS[Math.max(IMPACTS.indexOf(current.impact), IMPACTS.indexOf(rule.impact))] ?? rule.impact
  return {
    ...fromRule(alert, rule),
    fingerprints: current.fingerprints,
    impact,
    priority: priorityOf(impact, rule.severity),
    state: current.state,
    openedAtMs: current.openedAtMs,
    remedy: rule.remedy ?? current.remedy,
    noRemedy: (rule.remedy ?? current.remedy) ? null : (rule.noRemedy ?? null),
  }
}

function clear(current: IncidentCore | null, alert: AlertTransition): Outcome {
  if (current === null || current.state === 'resolved')
    return nothing(current, 'no incident of this cause is open')
  if (!current.fingerprints.includes(alert.fingerprint))
    return nothing(current, 'the alert was not part of the incident')
  const fingerprints = current.fingerprints.filter((one) => one !== alert.fingerprint)
  if (fingerprints.length > 0) {
    const cleared = { ...event('evidence', alert), detail: { ...detail(alert), cleared: true } }
    return outcome('updated', { ...current, fingerprints }, [cleared], 'other alerts of the cause still fire')
  }
  const incident: IncidentCore = {
    ...current,
    fingerprints,
    state: 'resolved',
    resolvedAtMs: alert.atMs,
    resolvedBy: 'itself',
  }
  const why =
    alert.kind === 'cancelled' ? 'no rule watches it any more' : 'the last alert of the cause resolved'
  return outcome('resolved', incident, [event('resolved', alert)], why)
}

function event(kind: IncidentEvent['kind'], alert: AlertTransition): IncidentEvent {
  return { atMs: alert.atMs, kind, detail: detail(alert) }
}

/** The figures of the moment, without the points: those stay with the incident. */
function detail(alert: AlertTransition): Record<string, unknown> {
  return {
    rule: alert.rule,
    metric: alert.metric,
    labels: alert.labels,
    fingerprint: alert.fingerprint,
    value: alert.evidence.value,
    unit: alert.evidence.unit,
    threshold: alert.evidence.threshold,
    forecast: alert.evidence.forecast,
    sentence: alert.evidence.sentence,
    ...(alert.saidAtMs === undefined ? {} : { saidAtMs: alert.saidAtMs }),
    ...(alert.judgedFromMs === undefined ? {} : { judgedFromMs: alert.judgedFromMs }),
  }
}

function nothing(current: IncidentCore | null, why: string): Outcome {
  return outcome('none', current, [], why)
}

function outcome(
  change: Outcome['change'],
  incident: IncidentCore | null,
  events: IncidentEvent[],
  why: string,
): Outcome {
  return { change, incident, events, why, worsened: false }
}
