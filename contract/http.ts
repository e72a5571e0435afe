import * as z from 'zod'
import { ClientId } from './ids.ts'
import { ACCESS_ROUTES } from './routes/access.ts'
import { AUDIT_ROUTES } from './routes/audit.ts'
import { FLEET_ROUTES } from './routes/fleet.ts'
import { INCIDENT_ROUTES } from './routes/incident.ts'
import { NOISE_ROUTES } from './routes/noise.ts'
import { Page } from './routes/page.ts'
import { PEOPLE_ROUTES, SIGN_IN_ROUTES } from './routes/person.ts'
import { REMOTE_ROUTES } from './routes/remote.ts'
import { RULE_ROUTES } from './routes/rule.ts'
import { WORK_ROUTES } from './routes/work.ts'
import { Health } from './views.ts'

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

const ok = z.object({ ok: z.literal(true) })

/** Every HTTP route of Vigía, once: the server registers from this table, the console and the CLI call through it. */
export const ROUTES = {
  health: {
    method: 'GET',
    path: '/healthz',
    access: 'public',
    answer: Health,
    summary: 'Is the server well, and which part is not',
  },
  ...SIGN_IN_ROUTES,
  ...FLEET_ROUTES,
  ...INCIDENT_ROUTES,
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
  ...PEOPLE_ROUTES,
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
