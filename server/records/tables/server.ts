import type { GeneratedAlways } from 'kysely'
import type { RuleSpec } from '../../../contract/rules.ts'
import type { DsseEnvelope } from '../../../contract/trust/dsse.ts'
import type { Json } from './columns.ts'

/** Tables of the server itself: its settings, runs, trust roots and rules. */
export type ServerTables = {
  setting: { name: string; value: Json<unknown>; changed_at: Date }
  server_run: { run_id: GeneratedAlways<number>; started_at: Date; alive_at: Date }
  trust_root: { version: number; envelope: Json<DsseEnvelope>; applied_at: Date; applied_by: string }
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
}
