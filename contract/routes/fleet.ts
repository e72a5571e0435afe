import * as z from 'zod'
import { DevicePolicy } from '../down.ts'
import { EnrolAnswer, EnrolRequest, TrustAnswer } from '../enrol.ts'
import { ClientId, DeviceId } from '../ids.ts'
import { FACT_KINDS } from '../report.ts'
import { DeviceView, LatestValue, SeriesData } from '../views.ts'
import { Page } from './page.ts'

const ok = z.object({ ok: z.literal(true) })
const byDevice = z.object({ device: DeviceId })

/** Routes of enrolment, clients and devices; part of ROUTES in http.ts. */
export const FLEET_ROUTES = {
  enrolTrust: {
    method: 'GET',
    path: '/api/enrol/trust',
    access: 'public',
    answer: TrustAnswer,
    summary: 'The trust root that tokens pin',
  },
  enrol: {
    method: 'POST',
    path: '/api/enrol',
    access: 'public',
    touches: 'own',
    body: EnrolRequest,
    answer: EnrolAnswer,
    summary: 'Admit a device with a single-use token',
  },
  createEnrolToken: {
    method: 'POST',
    path: '/api/enrol-tokens',
    access: 'local',
    touches: 'client',
    body: z.object({
      client: ClientId,
      site: z.string().max(80).optional(),
      ttlMinutes: z.number().int().min(1).max(43_200).default(60),
    }),
    answer: z.object({ token: z.string(), expiresAtMs: z.number() }),
    summary: 'Make a single-use enrolment token',
  },
  clients: {
    method: 'GET',
    path: '/api/clients',
    access: 'person',
    answer: z.object({
      clients: z.array(z.object({ id: ClientId, name: z.string(), devices: z.number().int() })),
    }),
    summary: 'The clients',
  },
  createClient: {
    method: 'POST',
    path: '/api/clients',
    access: 'local',
    touches: 'everyone',
    body: z.object({ id: ClientId, name: z.string().min(1).max(120) }),
    answer: ok,
    summary: 'Add a client',
  },
  devices: {
    method: 'GET',
    path: '/api/devices',
    access: 'person',
    /** The fleet page shows it as one virtual list, so it may be asked for whole. */
    query: Page.extend({ limit: z.coerce.number().int().min(1).max(10_000).default(1000) }),
    answer: z.object({ devices: z.array(DeviceView) }),
    summary: 'The fleet',
  },
  device: {
    method: 'GET',
    path: '/api/devices/:device',
    access: 'person',
    params: byDevice,
    answer: z.object({ device: DeviceView, policy: DevicePolicy, latest: z.array(LatestValue) }),
    summary: 'One device with its latest values',
  },
  deviceFacts: {
    method: 'GET',
    path: '/api/devices/:device/facts',
    access: 'person',
    params: byDevice,
    answer: z.object({
      facts: z.array(z.object({ kind: z.enum(FACT_KINDS), timeMs: z.number(), document: z.unknown() })),
    }),
    summary: 'Its inventory and other documents',
  },
  deviceSeries: {
    method: 'GET',
    path: '/api/devices/:device/series',
    access: 'person',
    params: byDevice,
    query: z.object({
      metric: z.string().max(80),
      fromMs: z.coerce.number().int(),
      toMs: z.coerce.number().int(),
      points: z.coerce.number().int().min(10).max(5000).default(600),
    }),
    answer: z.object({ series: z.array(SeriesData) }),
    summary: 'Charts: one metric over time, all its labels',
  },
  revokeDevice: {
    method: 'POST',
    path: '/api/devices/:device/revoke',
    access: 'local',
    touches: 'device',
    params: byDevice,
    answer: ok,
    summary: 'Revoke its certificate and cut its session',
  },
  setPolicy: {
    method: 'PATCH',
    path: '/api/devices/:device/policy',
    access: 'local',
    touches: 'device',
    params: byDevice,
    body: DevicePolicy.omit({ version: true }).partial(),
    answer: DevicePolicy,
    summary: 'Change what it watches and how often',
  },
  setTags: {
    method: 'PATCH',
    path: '/api/devices/:device/tags',
    access: 'operate',
    touches: 'device',
    params: byDevice,
    body: z.strictObject({ tags: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/)).max(20) }),
    answer: z.object({ tags: z.array(z.string()) }),
    summary: 'Say what a device is: rules and overrides select by its tags (server, laptop, …)',
  },
  startLab: {
    method: 'POST',
    path: '/api/devices/:device/lab',
    access: 'local',
    touches: 'device',
    params: byDevice,
    body: z.object({
      minutes: z.number().int().min(1).max(30),
      collectorIntervalS: z.record(z.string(), z.number().int().min(1)),
      includeMounts: z.array(z.string()).default([]),
      reason: z.string().max(200),
    }),
    answer: z.object({ untilMs: z.number() }),
    summary: 'For a while: faster collection and no guard after boot, on the record',
  },
  endLab: {
    method: 'DELETE',
    path: '/api/devices/:device/lab',
    access: 'local',
    touches: 'device',
    params: byDevice,
    answer: ok,
    summary: 'End the lab at once',
  },
} as const
