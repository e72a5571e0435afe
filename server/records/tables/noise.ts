import type { GeneratedAlways } from 'kysely'
import type { Calendar, Recurrence } from '../../../contract/calendar.ts'
import type { SilenceMatchers, Suppression, Suppressor } from '../../../contract/noise.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import type { Json } from './columns.ts'

/** Tables of alerts and of what holds them back. */
export type NoiseTables = {
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
  client_calendar: { client_id: string; calendar: Json<Calendar>; changed_at: Date; changed_by: string }
}
