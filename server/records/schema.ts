import type { ColumnType, Generated, GeneratedAlways } from 'kysely'
import type { JobState, ParameterValues, TranscriptPiece } from '../../contract/command.ts'
import type { DevicePolicy } from '../../contract/down.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { ScriptContent } from '../../contract/command.ts'
import type { Calendar, Recurrence } from '../../contract/calendar.ts'
import type {
  Incident,
  IncidentEvent,
  IncidentMember,
  IncidentState,
  Priority,
  Ticket,
} from '../../contract/incident.ts'
import type { SilenceMatchers, Suppression, Suppressor } from '../../contract/noise.ts'
import type { TicketState } from '../../contract/incident.ts'
import type { RemoteState } from '../../contract/remote/session.ts'
import type { RemoteKind } from '../../contract/remote/policy.ts'
import type { FactKind, Layout } from '../../contract/report.ts'
import type { AlertTransition, Evidence, Impact, RuleSpec, Severity, Tier } from '../../contract/rules.ts'
import type { Article, RunRequest, RunState } from '../../contract/run.ts'

/** A jsonb column: read as T, written as JSON text made by `json()` (a bare array would become a PostgreSQL array). */
type Json<T> = ColumnType<T, string, string>
type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>
/** jsonb with a default: may be left out on insert. */
type DefaultJson<T> = ColumnType<T, string | undefined, string>

/** What a passkey of this session is asked to sign, for what, where and until when. */
type PasskeyChallenge = {
  purpose: 'add' | 'show'
  challenge: string
  relyingParty: string
  untilMs: number
}

/** The tables of migrations/, as kysely sees them. Every moment is a Date (see `at`, `ms`); every bigint a number. */
export type Tables = {
  client: { client_id: string; name: string; language: Generated<string>; created_at: Date }
  device: {
    device_id: string
    client_id: string
    site: string | null
    hostname: string
    os: string
    os_name: Generated<string>
    arch: string
    tags: Generated<string[]>
    agent_version: Generated<string>
    machine_id: string | null
    certificate_serial: string
    certificate_expires_at: Date
    policy: DefaultJson<Partial<DevicePolicy>>
    command_sequence: Generated<number>
    boot_time: Date | null
    last_seen: Date | null
    lab_until: Date | null
    lab_reason: string | null
    lab_policy: NullableJson<Pick<DevicePolicy, 'collectorIntervalS' | 'includeMounts'>>
    policy_version: Generated<number>
    trust_version: number | null
    enrolled_at: Date
    revoked_at: Date | null
  }
  device_layout: { client_id: string; device_id: string; hash: string; layout: Json<Layout>; seen_at: Date }
  device_fact: { client_id: string; device_id: string; kind: FactKind; at: Date; document: Json<unknown> }
  enrol_token: {
    token_id: string
    client_id: string
    site: string | null
    secret_hash: string
    created_at: Date
    expires_at: Date
    used_at: Date | null
    used_by: string | null
  }
  person: {
    person_id: string
    name: string
    password_hash: string
    role: 'owner' | 'technician' | 'viewer'
    created_at: Date
    totp_secret: Buffer | null
    totp_last_step: number | null
    recovery_hashes: Generated<string[]>
    clients: string[] | null
  }
  person_session: {
    token_hash: string
    person_id: string
    created_at: Date
    expires_at: Date
    proven_until: Date | null
    totp_pending: Buffer | null
    passkey_challenge: NullableJson<PasskeyChallenge>
  }
  person_passkey: {
    credential_id: string
    person_id: string
    relying_party: string
    name: string
    public_key: Buffer
    sign_count: number
    transports: string[]
    created_at: Date
    used_at: Date | null
  }
  trust_root: { version: number; envelope: Json<DsseEnvelope>; applied_at: Date; applied_by: string }
  saved_view: {
    view_id: string
    name: string
    client_id: string | null
    selector: string
    shared: boolean
    owner: string
  }
  run: {
    run_id: string
    script_digest: string
    request: Json<RunRequest>
    schedule_id: string | null
    state: RunState
    why: string | null
    ordered_by: string
    allowed_clients: string[] | null
    created_at: Date
    started_at: Date | null
    ended_at: Date | null
    next_at: Date | null
    wave: Generated<number>
    waves: Generated<number[]>
    wave_started_at: Generated<Date[]>
  }
  run_device: {
    run_id: string
    client_id: string
    device_id: string
    wave: number
    place: number
    job_id: string | null
    left_out: string | null
  }
  secret: {
    secret_id: string
    name: string
    client_id: string | null
    sealed: Buffer
    changed_at: Date
    changed_by: string
  }
  article: {
    slug: string
    title: Json<Article['title']>
    body: Json<Article['body']>
    rules: string[]
    remedy: NullableJson<Article['remedy']>
    changed_at: Date
    changed_by: string
  }
  remote_session: {
    session_id: string
    client_id: string
    device_id: string
    kind: RemoteKind
    control: boolean
    technician: string
    keyid: string
    reason: string
    request: Json<DsseEnvelope>
    state: RemoteState
    why: string | null
    requested_at: Date
    opened_at: Date | null
    closed_at: Date | null
    bytes_in: Generated<number>
    bytes_out: Generated<number>
    recording: string | null
    recording_sha256: string | null
  }
  setting: { name: string; value: Json<unknown>; changed_at: Date }
  script: {
    digest: string
    name: string
    version: number
    content: Json<ScriptContent>
    envelope: Json<DsseEnvelope>
    approved_by: string[]
    approved_at: Date
  }
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
  job: {
    job_id: string
    client_id: string
    device_id: string
    incident_id: string | null
    script_digest: string
    parameters: Json<ParameterValues>
    state: JobState
    reason: string | null
    ordered_by: string
    sequence: number | null
    created_at: Date
    sent_at: Date | null
    started_at: Date | null
    ended_at: Date | null
    expires_at: Date
    verify_by: Date | null
    exit_code: number | null
    stdout: Generated<string>
    stderr: Generated<string>
    fields: DefaultJson<Record<string, string>>
    run_id: string | null
    ticket_id: string | null
    wave: number | null
    attempt: Generated<number>
    dry_run: Generated<boolean>
    stdout_bytes: Generated<number>
    stderr_bytes: Generated<number>
    transcript: DefaultJson<TranscriptPiece[]>
    words: GeneratedAlways<unknown>
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
  maintenance_window: {
    window_id: string
    client_id: string
    device_id: string | null
    starts_at: Date
    ends_at: Date
    reason: string
    created_by: string
    site: string | null
    tag: string | null
    schedule_id: string | null
  }
  maintenance_schedule: {
    schedule_id: string
    client_id: string
    device_id: string | null
    site: string | null
    tag: string | null
    recurrence: Json<Recurrence>
    reason: string
    created_by: string
    created_at: Date
    ended_at: Date | null
  }
  silence: {
    silence_id: string
    client_id: string | null
    matchers: Json<SilenceMatchers>
    starts_at: Date
    ends_at: Date
    reason: string
    created_by: string
    created_at: Date
  }
  client_calendar: { client_id: string; calendar: Json<Calendar>; changed_at: Date; changed_by: string }
  alert_state: {
    client_id: string
    device_id: string
    fingerprint: string
    firing: boolean
    alert: Json<AlertTransition>
    judged: Json<unknown>
  }
  suppression: {
    suppression_id: GeneratedAlways<number>
    client_id: string
    device_id: string
    rule: string
    fingerprint: string
    what: Suppression['what']
    by_kind: Suppressor
    by_id: string
    why: string
    started_at: Date
    ended_at: Date | null
  }
  hostile_sample: {
    sample_id: GeneratedAlways<number>
    client_id: string | null
    device_id: string | null
    at: Date
    reason: string
    topic: string
    bytes: number
    head: Buffer
  }
  presence: {
    presence_id: GeneratedAlways<number>
    client_id: string
    device_id: string
    online_at: Date
    offline_at: Date | null
  }
  server_run: { run_id: GeneratedAlways<number>; started_at: Date; alive_at: Date }
  rule_version: { name: string; version: string; pack: string; spec: Json<RuleSpec>; first_seen: Date }
  rule_pack_history: {
    history_id: GeneratedAlways<number>
    pack: string
    at: Date
    who: string
    action: 'saved' | 'removed' | 'found'
    note: string
    body: string | null
  }
  audit: {
    audit_id: GeneratedAlways<number>
    at: Date
    who: string
    action: string
    client_id: string | null
    subject: string
    detail: Json<unknown>
    previous_hash: string
    hash: string
    format: Generated<number>
  }
}

/** A moment in Unix milliseconds as a timestamptz column takes it. */
export function at(timeMs: number): Date
export function at(timeMs: number | null): Date | null
export function at(timeMs: number | null): Date | null {
  return timeMs === null ? null : new Date(timeMs)
}

/** A timestamptz column in Unix milliseconds. */
export function ms(moment: Date): number
export function ms(moment: Date | null): number | null
export function ms(moment: Date | null): number | null {
  return moment === null ? null : moment.getTime()
}

/**
 * A value as JSON text that jsonb takes whatever a device sent: NUL and lone surrogates, which PostgreSQL
 * refuses, become U+FFFD. Throws TypeError for undefined and functions.
 */
export function json(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError('not a JSON value')
  if (!text.includes('\\u')) return text
  return text.replace(/\\(u[0-9a-f]{4}|.)/g, (escape, code: string) =>
    /^u(0000|d[89a-f]..)$/.test(code) ? '\\ufffd' : escape,
  )
}

/** A text that a text column takes: NUL, which PostgreSQL refuses, and lone surrogates become U+FFFD. */
export function text(value: string): string {
  return value.toWellFormed().replaceAll('\0', '\ufffd')
}
