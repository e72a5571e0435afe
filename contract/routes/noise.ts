import * as z from 'zod'
import { Calendar, Recurrence } from '../calendar.ts'
import { ClientId, DeviceId, RecordId } from '../ids.ts'
import {
  ClientHours,
  MaintenanceSchedule,
  NoiseFinding,
  Silence,
  SilenceMatchers,
  Suppression,
  SUPPRESSORS,
} from '../noise.ts'
import { MaintenanceWindow } from '../views.ts'

const byId = z.object({ id: RecordId })
const byClient = z.object({ client: ClientId })
const flag = z.enum(['true', 'false']).default('false')

/** Routes of maintenance and noise control; part of ROUTES in http.ts. */
export const NOISE_ROUTES = {
  maintenance: {
    method: 'GET',
    path: '/api/maintenance',
    access: 'person',
    query: z.object({ client: ClientId }),
    answer: z.object({ windows: z.array(MaintenanceWindow) }),
    summary: 'Maintenance windows of a client that are not over',
  },
  addMaintenance: {
    method: 'POST',
    path: '/api/maintenance',
    access: 'operate',
    touches: 'client',
    body: MaintenanceWindow.pick({ client: true, startsAtMs: true, endsAtMs: true, reason: true })
      .extend({
        device: DeviceId.nullable(),
        site: z.string().min(1).max(80).nullable().optional(),
        tag: z.string().min(1).max(80).nullable().optional(),
      })
      .strict(),
    answer: MaintenanceWindow,
    summary: 'Open a maintenance window: no incident opens and no remedy runs in it, and it is no downtime',
  },
  silences: {
    method: 'GET',
    path: '/api/silences',
    access: 'person',
    query: z.object({ client: ClientId.optional(), all: flag }),
    answer: z.object({ silences: z.array(Silence) }),
    summary: 'Silences that are not over; with all, the others too',
  },
  addSilence: {
    method: 'POST',
    path: '/api/silences',
    access: 'operate',
    touches: 'client',
    body: z.strictObject({
      client: ClientId.nullable().default(null),
      matchers: SilenceMatchers.default({}),
      startsAtMs: z.number().int(),
      endsAtMs: z.number().int(),
      reason: z.string().min(1).max(300),
    }),
    answer: Silence,
    summary: 'Silence what matches: it opens no incident until the end',
  },
  changeSilence: {
    method: 'PATCH',
    path: '/api/silences/:id',
    access: 'operate',
    touches: 'silence',
    params: byId,
    body: z.strictObject({
      endsAtMs: z.number().int().optional(),
      reason: z.string().min(1).max(300).optional(),
    }),
    answer: Silence,
    summary: 'Another end or reason for a silence',
  },
  endSilence: {
    method: 'DELETE',
    path: '/api/silences/:id',
    access: 'operate',
    touches: 'silence',
    params: byId,
    answer: Silence,
    summary: 'End a silence now',
  },
  endMaintenance: {
    method: 'DELETE',
    path: '/api/maintenance/:id',
    access: 'operate',
    touches: 'maintenance',
    params: byId,
    answer: MaintenanceWindow,
    summary: 'End a maintenance window now, or take it back',
  },
  maintenanceSchedules: {
    method: 'GET',
    path: '/api/maintenance-schedules',
    access: 'person',
    query: byClient,
    answer: z.object({ schedules: z.array(MaintenanceSchedule) }),
    summary: 'Recurring maintenance windows of a client',
  },
  addMaintenanceSchedule: {
    method: 'POST',
    path: '/api/maintenance-schedules',
    access: 'operate',
    touches: 'client',
    body: z.strictObject({
      client: ClientId,
      device: DeviceId.nullable().default(null),
      site: z.string().min(1).max(80).nullable().default(null),
      tag: z.string().min(1).max(80).nullable().default(null),
      recurrence: Recurrence,
      reason: z.string().min(1).max(300),
    }),
    answer: MaintenanceSchedule,
    summary: 'A maintenance window that comes back',
  },
  endMaintenanceSchedule: {
    method: 'DELETE',
    path: '/api/maintenance-schedules/:id',
    access: 'operate',
    touches: 'maintenance-schedule',
    params: byId,
    answer: MaintenanceSchedule,
    summary: 'End a recurring window, also where it is open now',
  },
  hours: {
    method: 'GET',
    path: '/api/clients/:client/hours',
    access: 'person',
    params: byClient,
    answer: ClientHours,
    summary: "A client's business hours",
  },
  setHours: {
    method: 'POST',
    path: '/api/clients/:client/hours',
    access: 'operate',
    touches: 'client',
    params: byClient,
    body: Calendar,
    answer: ClientHours,
    summary: "Set a client's business hours: rules that keep to them wait for them to begin",
  },
  noise: {
    method: 'GET',
    path: '/api/noise',
    access: 'person',
    query: z.object({ client: ClientId.optional() }),
    answer: z.object({ findings: z.array(NoiseFinding) }),
    summary: 'Rules beyond their noise budget, each with a proposed change; nothing is applied',
  },
  suppressions: {
    method: 'GET',
    path: '/api/suppressions',
    access: 'person',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(1000).default(200),
      client: ClientId.optional(),
      device: DeviceId.optional(),
      rule: z.string().max(64).optional(),
      by: z.enum(SUPPRESSORS).optional(),
      sinceMs: z.coerce.number().optional(),
      active: flag,
    }),
    answer: z.object({ suppressions: z.array(Suppression) }),
    summary: 'What was suppressed and by what, newest first',
  },
} as const
