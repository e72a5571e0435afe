import * as z from 'zod'
import { JOB_STATES, ParameterValues, TranscriptPiece } from './command.ts'
import { Evidence, IMPACTS, SEVERITIES, TIERS } from './rules.ts'

/** ITIL 4 priority from impact and urgency: P1 is the most pressing. */
export const PRIORITIES = ['P1', 'P2', 'P3', 'P4'] as const
export type Priority = (typeof PRIORITIES)[number]

/**
 * `open` → `remediating` (a remedy is at work) → `resolved`, or → `escalated` (a ticket stands) → `resolved`.
 */
export const INCIDENT_STATES = ['open', 'remediating', 'escalated', 'resolved'] as const
export type IncidentState = (typeof INCIDENT_STATES)[number]
export const RESOLVED_BY = ['remedy', 'itself', 'person'] as const

/** One line of an incident's story, in order; `kind` chooses the words on the page, `detail` the figures. */
export const IncidentEvent = z.object({
  atMs: z.number(),
  kind: z.enum([
    'opened',
    'evidence',
    'remedy-ordered',
    'remedy-skipped',
    'remedy-state',
    'verified',
    'verify-failed',
    'escalated',
    'resolved',
    'reopened',
    'note',
    'joined',
    'left',
    'merged',
    'flapping',
  ]),
  detail: z.record(z.string(), z.unknown()),
})
export type IncidentEvent = z.infer<typeof IncidentEvent>

/** An alert that an incident explains: of the same device (inhibition), or a device of a site that is offline. */
export const IncidentMember = z.object({
  device: z.string(),
  hostname: z.string(),
  rule: z.string(),
  fingerprint: z.string(),
  sinceMs: z.number(),
  /** Null while it fires. */
  untilMs: z.number().nullable(),
  sentence: z.string(),
})
export type IncidentMember = z.infer<typeof IncidentMember>

/** `site`: of a whole site; `device` is then one of its devices, and `hostname` the name of the site. */
export const INCIDENT_SCOPES = ['device', 'site'] as const

export const Incident = z.object({
  id: z.uuid(),
  client: z.string(),
  device: z.string(),
  hostname: z.string(),
  rule: z.string(),
  ruleVersion: z.string(),
  title: z.object({ en: z.string(), es: z.string() }),
  cause: z.string(),
  labels: z.record(z.string(), z.string()),
  metric: z.string(),
  severity: z.enum(SEVERITIES),
  impact: z.enum(IMPACTS),
  tier: z.enum(TIERS),
  priority: z.enum(PRIORITIES),
  state: z.enum(INCIDENT_STATES),
  openedAtMs: z.number(),
  resolvedAtMs: z.number().nullable(),
  resolvedBy: z.enum(RESOLVED_BY).nullable(),
  evidence: Evidence,
  runbook: z.string(),
  remedy: z.string().nullable(),
  ticket: z.string().nullable(),
  scope: z.enum(INCIDENT_SCOPES).optional(),
  site: z.string().nullable().optional(),
  /** What it explains beside its own alerts, by start. */
  members: z.array(IncidentMember).optional(),
  /** The incident that explains this one, where it ended for that reason. */
  mergedInto: z.string().nullable().optional(),
  /** Since when it is kept open because its alerts come and go. */
  flappingSinceMs: z.number().nullable().optional(),
})
export type Incident = z.infer<typeof Incident>

export const JobView = z.object({
  id: z.uuid(),
  client: z.string(),
  device: z.string(),
  script: z.string(),
  scriptVersion: z.number().int(),
  scriptDigest: z.string(),
  parameters: ParameterValues,
  state: z.enum(JOB_STATES),
  /** Why it stands where it stands: an error code, or words. */
  reason: z.string().nullable(),
  /** A remedy's job belongs to an incident; a technician's does not. */
  incident: z.uuid().nullable(),
  /** The ticket from which a technician ordered it. */
  ticket: z.uuid().nullable().optional(),
  /** The run to which it belongs, and its wave there. */
  run: z.uuid().nullable().optional(),
  wave: z.number().int().nullable().optional(),
  dryRun: z.boolean().optional(),
  orderedBy: z.string(),
  createdAtMs: z.number(),
  sentAtMs: z.number().nullable(),
  startedAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  expiresAtMs: z.number(),
  exitCode: z.number().int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  fields: z.record(z.string(), z.string()),
  /** Bytes that the script wrote, of which stdout and stderr hold head and tail. */
  stdoutBytes: z.number().optional(),
  stderrBytes: z.number().optional(),
  /** Both streams in the order in which they came. */
  transcript: z.array(TranscriptPiece).optional(),
})
export type JobView = z.infer<typeof JobView>

export const TICKET_STATES = ['new', 'in-progress', 'resolved', 'closed'] as const
export type TicketState = (typeof TICKET_STATES)[number]

export const Ticket = z.object({
  id: z.uuid(),
  /** Human number, counted per installation: shown as V-1042. */
  number: z.number().int(),
  client: z.string(),
  device: z.string().nullable(),
  hostname: z.string().nullable(),
  incident: z.uuid().nullable(),
  title: z.object({ en: z.string(), es: z.string() }),
  /** Cause, values, forecast and what was tried: the same structure that the page draws. */
  body: z.object({
    cause: z.string(),
    evidence: Evidence.nullable(),
    runbook: z.string(),
    tried: z.array(
      z.object({
        remedy: z.string(),
        state: z.string(),
        atMs: z.number(),
        exitCode: z.number().nullable(),
        output: z.string(),
      }),
    ),
    why: z.string(),
  }),
  tier: z.enum(TIERS),
  priority: z.enum(PRIORITIES),
  state: z.enum(TICKET_STATES),
  assignee: z.string().nullable(),
  openedAtMs: z.number(),
  /** Target of the resolution under the client's SLA. */
  dueAtMs: z.number(),
  respondedAtMs: z.number().nullable(),
  resolvedAtMs: z.number().nullable(),
  closedAtMs: z.number().nullable(),
  events: z.array(z.object({ atMs: z.number(), who: z.string(), kind: z.string(), text: z.string() })),
})
export type Ticket = z.infer<typeof Ticket>

/** The ledger of avoided trouble: one row for each incident that ended without a person. */
export const LedgerEntry = z.object({
  id: z.uuid(),
  client: z.string(),
  device: z.string(),
  hostname: z.string(),
  incident: z.uuid(),
  rule: z.string(),
  title: z.object({ en: z.string(), es: z.string() }),
  remedy: z.string(),
  job: z.uuid(),
  atMs: z.number(),
  detectedAtMs: z.number(),
  /** What would have happened and when, as forecast at the time; null for a fault that was already there. */
  forecastAtMs: z.number().nullable(),
  unit: z.string(),
  before: z.number().nullable(),
  after: z.number().nullable(),
  tookMs: z.number(),
})
export type LedgerEntry = z.infer<typeof LedgerEntry>
