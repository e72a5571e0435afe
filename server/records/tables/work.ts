import type { Generated, GeneratedAlways } from 'kysely'
import type { JobState, ParameterValues, ScriptContent, TranscriptPiece } from '../../../contract/command.ts'
import type { RemoteKind } from '../../../contract/remote/policy.ts'
import type { RemoteState } from '../../../contract/remote/session.ts'
import type { Article, RunRequest, RunState } from '../../../contract/run.ts'
import type { DsseEnvelope } from '../../../contract/trust/dsse.ts'
import type { DefaultJson, Json, NullableJson } from './columns.ts'

/** Tables of what is run on devices and opened to them. */
export type WorkTables = {
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
  script: {
    digest: string
    name: string
    version: number
    content: Json<ScriptContent>
    envelope: Json<DsseEnvelope>
    approved_by: string[]
    approved_at: Date
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
}
