import * as z from 'zod'
import { ACCESS_ROUTES } from './routes/access.ts'
import { AUDIT_ROUTES } from './routes/audit.ts'
import { DevicePolicy } from './down.ts'
import { EnrolAnswer, EnrolRequest, TrustAnswer } from './enrol.ts'
import { ClientId, DeviceId, RecordId } from './ids.ts'
import {
  Incident,
  IncidentEvent,
  INCIDENT_STATES,
  JobView,
  LedgerEntry,
  Ticket,
  TICKET_STATES,
} from './incident.ts'
import { NOISE_ROUTES } from './routes/noise.ts'
import { FACT_KINDS } from './report.ts'
import { REMOTE_ROUTES } from './routes/remote.ts'
import { RULE_ROUTES } from './routes/rule.ts'
import { IncidentReplay } from './rule-views.ts'
import {
  DeviceView,
  LatestValue,
  SeriesData,
  Health,
  PersonRole,
  Me,
  TICKET_ACTIONS,
  MaintenanceWindow,
} from './views.ts'
import { WORK_ROUTES } from './routes/work.ts'

/**
 * Who may call a route: anyone; a signed-in person (a viewer only to read); a person for themselves (a viewer too); a
 * technician or owner who has shown a second factor lately; an owner, who has too where it changes something; only the
 * machine of the server (its local token).
 */
export type Access = 'public' | 'person' | 'self' | 'operate' | 'owner' | 'local'

/**
 * What a changing route changes, by its parameters or body. A person who sees some clients only changes nothing of
 * others, which is to them as if it were not there, and nothing that is for all of them:
 * - a thing of a client: `client`, `device`, `ticket` and so on;
 * - `target`: the devices that a run names; `selection`: a client, or none;
 * - `everyone`: what is for all clients;
 * - `own`: what is the caller's own or the MSP's, or is asked for by a signature that says for whom;
 * - `none`: it answers only, as a GET does.
 */
export type Touches =
  | 'client'
  | 'device'
  | 'ticket'
  | 'job'
  | 'run'
  | 'target'
  | 'remote'
  | 'silence'
  | 'maintenance'
  | 'maintenance-schedule'
  | 'selection'
  | 'view'
  | 'everyone'
  | 'own'
  | 'none'

type Route = ({ method: 'GET' } | { method: 'POST' | 'PATCH' | 'DELETE'; touches: Touches }) & {
  path: string
  access: Access
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodType
  answer: z.ZodType
  summary: string
}

export const Page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(200),
  client: ClientId.optional(),
})
const PersonName = z.string().min(1).max(80)
/** Jobs and the audit chain name people beside these, which the product gives itself. */
const NewPersonName = PersonName.regex(
  /^(?!\s)[^\p{Cc}\p{Cf}\u2028\u2029]+(?<!\s)$/u,
  'must have no space at its ends and no invisible character',
).refine((name) => !/^(local|server|nobody|rule .*)$/i.test(name), 'is a name that Vigía itself acts under')
const NewPassword = z.string().min(12).max(200)
const ok = z.object({ ok: z.literal(true) })
const byId = z.object({ id: RecordId })
const byDevice = z.object({ device: DeviceId })

/** Every HTTP route of Vigía, once: the server registers from this table, the console and the CLI call through it. */
export const ROUTES = {
  health: {
    method: 'GET',
    path: '/healthz',
    access: 'public',
    answer: Health,
    summary: 'Is the server well, and which part is not',
  },
  setup: {
    method: 'POST',
    path: '/api/setup',
    access: 'public',
    touches: 'own',
    body: z.object({
      token: z.string(),
      name: NewPersonName,
      password: NewPassword,
    }),
    answer: Me,
    summary: 'First set-up, once, with the one-time link',
  },
  setupState: {
    method: 'GET',
    path: '/api/setup',
    access: 'public',
    answer: z.object({ needed: z.boolean() }),
    summary: 'Is the first set-up still to be done',
  },
  login: {
    method: 'POST',
    path: '/api/login',
    access: 'public',
    touches: 'own',
    body: z.object({ name: z.string().max(80), password: z.string().max(200) }),
    answer: Me,
    summary: 'Sign in',
  },
  logout: {
    method: 'POST',
    path: '/api/logout',
    access: 'person',
    touches: 'own',
    answer: ok,
    summary: 'Sign out',
  },
  me: { method: 'GET', path: '/api/me', access: 'person', answer: Me, summary: 'Who is signed in' },
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
    body: z.object({ tags: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/)).max(20) }),
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
  incidents: {
    method: 'GET',
    path: '/api/incidents',
    access: 'person',
    query: Page.extend({
      state: z.enum(INCIDENT_STATES).optional(),
      device: DeviceId.optional(),
      sinceMs: z.coerce.number().optional(),
    }),
    answer: z.object({ incidents: z.array(Incident) }),
    summary: 'Incidents, newest first',
  },
  incident: {
    method: 'GET',
    path: '/api/incidents/:id',
    access: 'person',
    params: byId,
    answer: z.object({
      incident: Incident,
      events: z.array(IncidentEvent),
      jobs: z.array(JobView),
      replay: IncidentReplay.optional(),
    }),
    summary: 'One incident with its story',
  },
  tickets: {
    method: 'GET',
    path: '/api/tickets',
    access: 'person',
    query: Page.extend({ state: z.enum(TICKET_STATES).optional(), incident: RecordId.optional() }),
    answer: z.object({ tickets: z.array(Ticket) }),
    summary: 'Tickets by time left',
  },
  ticket: {
    method: 'GET',
    path: '/api/tickets/:id',
    access: 'person',
    params: byId,
    answer: Ticket,
    summary: 'One ticket',
  },
  updateTicket: {
    method: 'PATCH',
    path: '/api/tickets/:id',
    access: 'person',
    touches: 'ticket',
    params: byId,
    body: z.object({
      action: z.enum(TICKET_ACTIONS),
      text: z.string().max(4000).default(''),
    }),
    answer: Ticket,
    summary: 'Work on a ticket',
  },
  ledger: {
    method: 'GET',
    path: '/api/ledger',
    access: 'person',
    query: Page.extend({ sinceMs: z.coerce.number().optional() }),
    answer: z.object({ entries: z.array(LedgerEntry) }),
    summary: 'The ledger of avoided trouble',
  },
  ...WORK_ROUTES,
  ...REMOTE_ROUTES,
  ...ACCESS_ROUTES,
  hostile: {
    method: 'GET',
    path: '/api/hostile',
    access: 'person',
    query: Page,
    answer: z.object({
      counts: z.record(z.string(), z.number()),
      samples: z.array(
        z.object({
          atMs: z.number(),
          reason: z.string(),
          client: z.string().nullable(),
          device: z.string().nullable(),
          topic: z.string(),
          bytes: z.number(),
          headHex: z.string(),
        }),
      ),
    }),
    summary: 'Refused reports: counts by reason and kept samples',
  },
  ...RULE_ROUTES,
  report: {
    method: 'GET',
    path: '/api/reports/:client/:month',
    access: 'person',
    params: z.object({ client: ClientId, month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/) }),
    query: z.object({
      format: z.enum(['html', 'pdf', 'json']).default('html'),
      language: z.enum(['en', 'es']).default('en'),
    }),
    answer: z.unknown(),
    summary: "A client's SLA report for a month",
  },
  ...AUDIT_ROUTES,
  people: {
    method: 'GET',
    path: '/api/people',
    access: 'local',
    answer: z.object({
      people: z.array(
        z.object({
          name: z.string(),
          role: PersonRole,
          createdAtMs: z.number(),
          /** The clients that they see and work for; null: all. */
          clients: z.array(ClientId).nullable(),
          secondFactor: z.boolean(),
        }),
      ),
    }),
    summary: 'Who may sign in',
  },
  createPerson: {
    method: 'POST',
    path: '/api/people',
    access: 'local',
    touches: 'everyone',
    body: z.object({
      name: NewPersonName,
      password: NewPassword,
      role: PersonRole,
      clients: z.array(ClientId).nullable().default(null),
    }),
    answer: ok,
    summary: 'Let one more person sign in',
  },
  setPassword: {
    method: 'POST',
    path: '/api/people/password',
    access: 'local',
    touches: 'everyone',
    body: z.object({ name: PersonName, password: NewPassword }),
    answer: ok,
    summary: "Set a person's password and end all their sessions",
  },
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
    body: MaintenanceWindow.pick({ client: true, startsAtMs: true, endsAtMs: true, reason: true }).extend({
      device: DeviceId.nullable(),
      site: z.string().min(1).max(80).nullable().optional(),
      tag: z.string().min(1).max(80).nullable().optional(),
    }),
    answer: MaintenanceWindow,
    summary: 'Open a maintenance window: no incident opens and no remedy runs in it, and it is no downtime',
  },
  ...NOISE_ROUTES,
  killSwitch: {
    method: 'POST',
    path: '/api/kill-switch',
    access: 'local',
    touches: 'everyone',
    body: z.object({ on: z.boolean(), reason: z.string().min(1).max(300) }),
    answer: ok,
    summary: 'Stop every command of this server at once, or allow them again',
  },
  backup: {
    method: 'POST',
    path: '/api/backup',
    access: 'local',
    touches: 'everyone',
    body: z.object({ file: z.string().startsWith('/').max(1000) }),
    answer: z.object({ file: z.string(), bytes: z.number(), tables: z.number(), files: z.number() }),
    summary: 'Write records and keys into one file on the machine of the server',
  },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof ROUTES

/** GET /api/events (person): server-sent events; each names what changed, and the page asks again. GET /api/jobs/:id/output (person): server-sent JobOutput lines. */
export const EVENT_STREAM = '/api/events'
export const OUTPUT_STREAM = '/api/jobs/:id/output'
