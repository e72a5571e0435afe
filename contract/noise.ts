import * as z from 'zod'
import { Calendar, Recurrence } from './calendar.ts'
import { ClientId, DeviceId, UnitName } from './ids.ts'
import { SEVERITIES } from './rules.ts'

/** A text, or `~` and a regular expression (anchored). */
const Matcher = z.string().min(1).max(200)

/** What a silence is about; all that is given must match. `tag` is one of the device's. */
export const SilenceMatchers = z
  .strictObject({
    site: Matcher.optional(),
    device: Matcher.optional(),
    tag: Matcher.optional(),
    rule: Matcher.optional(),
    severity: z.enum(SEVERITIES).optional(),
    labels: z.record(z.string().max(80), Matcher).optional(),
  })
  .describe('all that is given must match')
export type SilenceMatchers = z.infer<typeof SilenceMatchers>

/** While it lasts, alerts that it matches open no incident; what still fires at its end opens one then. */
export const Silence = z.object({
  id: z.uuid(),
  /** Null: of every client. */
  client: ClientId.nullable(),
  matchers: SilenceMatchers,
  startsAtMs: z.number().int(),
  endsAtMs: z.number().int(),
  reason: z.string().min(1).max(300),
  createdBy: z.string(),
})
export type Silence = z.infer<typeof Silence>

/** A maintenance window that comes back; each time it makes a window of its own. */
export const MaintenanceSchedule = z.object({
  id: z.uuid(),
  client: ClientId,
  device: DeviceId.nullable(),
  site: z.string().max(80).nullable(),
  tag: z.string().max(80).nullable(),
  recurrence: Recurrence,
  reason: z.string().min(1).max(300),
  createdBy: z.string(),
  /** When it begins next, or began if it is open now. */
  nextMs: z.number().nullable(),
})
export type MaintenanceSchedule = z.infer<typeof MaintenanceSchedule>

/** A client's business hours; `isDefault` while nobody has set any. */
export const ClientHours = z.object({
  client: ClientId,
  calendar: Calendar,
  isDefault: z.boolean(),
  openNow: z.boolean(),
  /** When they begin or end next; null when never within a year. */
  changesMs: z.number().nullable(),
})
export type ClientHours = z.infer<typeof ClientHours>

/**
 * What can keep an alert from an incident of its own, or a remedy from running. `inhibition`: another alert of the
 * device explains it. `site`: the whole site is offline. `flapping`: it came and went too often, its incident is
 * kept open. The rest holds back remedies.
 */
export const SUPPRESSORS = [
  'silence',
  'maintenance',
  'business-hours',
  'inhibition',
  'site',
  'flapping',
  'kill-switch',
  'after-boot',
  'commands-disabled',
  'device-cap',
  'installation-cap',
] as const
export type Suppressor = (typeof SUPPRESSORS)[number]

/** One episode of a suppression. `byId` is the silence, window, inhibiting alert or site; empty where there is one only. */
export const Suppression = z.object({
  id: z.number().int(),
  client: ClientId,
  device: DeviceId,
  hostname: z.string(),
  rule: UnitName,
  fingerprint: z.string(),
  what: z.enum(['incident', 'remedy']),
  by: z.enum(SUPPRESSORS),
  byId: z.string(),
  why: z.string(),
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
})
export type Suppression = z.infer<typeof Suppression>

/** A rule that opened more incidents at a client than its budget, and nobody and nothing acted on them. */
export const NoiseFinding = z.object({
  client: ClientId,
  rule: UnitName,
  /** Incidents of the last 30 days that ended by themselves, with no remedy and no person. */
  ignored: z.number().int(),
  /** All of the same time. */
  incidents: z.number().int(),
  devices: z.number().int(),
  budget: z.number(),
  proposal: z.object({
    kind: z.enum(['for', 'bound', 'disable']),
    /** An override as a rule pack has it. */
    yaml: z.string(),
    why: z.string(),
    /** How many of the ignored incidents it would have kept away. */
    avoids: z.number().int(),
  }),
})
export type NoiseFinding = z.infer<typeof NoiseFinding>
