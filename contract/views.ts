import * as z from 'zod'
import { ClientId, DeviceId } from './ids.ts'

export const ErrorAnswer = z.object({
  code: z.string(),
  message: z.string(),
  next: z.string(),
  faults: z.array(
    z.object({
      file: z.string().optional(),
      line: z.number().optional(),
      column: z.number().optional(),
      field: z.string().optional(),
      message: z.string(),
    }),
  ),
  id: z.string().optional(),
})
export type ErrorAnswer = z.infer<typeof ErrorAnswer>

export const DeviceView = z.object({
  id: DeviceId,
  client: ClientId,
  site: z.string().nullable(),
  hostname: z.string(),
  os: z.string(),
  osName: z.string(),
  arch: z.string(),
  tags: z.array(z.string()),
  agentVersion: z.string(),
  online: z.boolean(),
  lastSeenMs: z.number().nullable(),
  enrolledAtMs: z.number(),
  revokedAtMs: z.number().nullable(),
  bootTimeMs: z.number().nullable(),
  openIncidents: z.number().int(),
  worstSeverity: z.enum(['info', 'warning', 'critical']).nullable(),
  /** The few values that the fleet page shows; null is unavailable. */
  headline: z.object({
    cpuPercent: z.number().nullable(),
    memoryPercent: z.number().nullable(),
    diskPercent: z.number().nullable(),
  }),
})
export type DeviceView = z.infer<typeof DeviceView>

export const LatestValue = z.object({
  metric: z.string(),
  labels: z.record(z.string(), z.string()),
  unit: z.string(),
  timeMs: z.number(),
  value: z.number().nullable(),
})
export type LatestValue = z.infer<typeof LatestValue>

/** One line of a chart: parallel arrays; null marks a gap. */
export const SeriesData = z.object({
  metric: z.string(),
  labels: z.record(z.string(), z.string()),
  unit: z.string(),
  timesMs: z.array(z.number()),
  values: z.array(z.number().nullable()),
})
export type SeriesData = z.infer<typeof SeriesData>

export const HealthPart = z.object({
  name: z.string(),
  state: z.enum(['ok', 'degraded', 'down']),
  message: z.string(),
})
export const Health = z.object({
  state: z.enum(['ok', 'degraded', 'down']),
  version: z.string(),
  startedAtMs: z.number(),
  parts: z.array(HealthPart),
})
export type Health = z.infer<typeof Health>

/** What a person may be; a viewer only reads. */
export const PersonRole = z.enum(['owner', 'technician', 'viewer'])
export type PersonRole = z.infer<typeof PersonRole>
export const Me = z.object({
  name: z.string(),
  role: z.enum(['owner', 'technician', 'viewer', 'local']),
  /** The clients that this person sees and works for; null: all. */
  clients: z.array(ClientId).nullable().optional(),
  /** Has this person set up a second factor? */
  secondFactor: z.boolean().optional(),
  /** How many recovery codes are left of a second factor. */
  recoveryCodesLeft: z.number().int().optional(),
  /** Until when the second factor counts in this session; null: it must be shown first. */
  provenUntilMs: z.number().nullable().optional(),
})
export type Me = z.infer<typeof Me>

/** What a person may do with a ticket. */
export const TICKET_ACTIONS = ['start', 'resolve', 'close', 'reopen', 'note'] as const

export const MaintenanceWindow = z.object({
  id: z.string(),
  client: ClientId,
  /** Null: every device of the client. */
  device: z.string().nullable(),
  /** Where given, only devices of this site, or with this tag. */
  site: z.string().max(80).nullable().optional(),
  tag: z.string().max(80).nullable().optional(),
  startsAtMs: z.number().int(),
  endsAtMs: z.number().int(),
  reason: z.string().min(1).max(300),
  createdBy: z.string(),
})
export type MaintenanceWindow = z.infer<typeof MaintenanceWindow>

/** What changed, as the console hears it on the event stream; it then asks again. */
export const LiveEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('device'), device: z.string() }),
  z.object({ type: z.literal('values'), device: z.string(), timeMs: z.number() }),
  z.object({ type: z.literal('incident'), id: z.string(), device: z.string() }),
  z.object({ type: z.literal('ticket'), id: z.string() }),
  z.object({ type: z.literal('job'), id: z.string() }),
  z.object({ type: z.literal('run'), id: z.string() }),
  z.object({ type: z.literal('remote'), id: z.string() }),
  z.object({ type: z.literal('health') }),
])
export type LiveEvent = z.infer<typeof LiveEvent>
