import type { Generated, GeneratedAlways } from 'kysely'
import type { DevicePolicy } from '../../../contract/down.ts'
import type { FactKind, Layout } from '../../../contract/report.ts'
import type { DefaultJson, Json, NullableJson } from './columns.ts'

/** Tables of clients, their devices and what is known of them. */
export type FleetTables = {
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
  presence: {
    presence_id: GeneratedAlways<number>
    client_id: string
    device_id: string
    online_at: Date
    offline_at: Date | null
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
}
