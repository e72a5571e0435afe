import type { Generated, GeneratedAlways } from 'kysely'
import type { Json, NullableJson } from './columns.ts'

/** What a passkey of this session is asked to sign, for what, where and until when. */
type PasskeyChallenge = {
  purpose: 'add' | 'show'
  challenge: string
  relyingParty: string
  untilMs: number
}

/** Tables of the people who sign in, and what they did. */
export type AccessTables = {
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
    removed_at: Date | null
    removed_by: string | null
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
