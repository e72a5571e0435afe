import * as z from 'zod'
import { ClientId } from '../ids.ts'
import { Me, PersonRole } from '../views.ts'

const PersonName = z.string().min(1).max(80)
/** Jobs and the audit chain name people beside these, which the product gives itself. */
const NewPersonName = PersonName.regex(
  /^(?!\s)[^\p{Cc}\p{Cf}\u2028\u2029]+(?<!\s)$/u,
  'must have no space at its ends and no invisible character',
).refine((name) => !/^(local|server|nobody|rule .*)$/i.test(name), 'is a name that Vigía itself acts under')
const NewPassword = z.string().min(12).max(200)
const ok = z.object({ ok: z.literal(true) })

/** Routes of setting up, signing in and out; part of ROUTES in http.ts. */
export const SIGN_IN_ROUTES = {
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
} as const

/** A key that stands in the trust root under a person's name: an approver takes it out, the server cannot. */
export const StandingKey = z.object({ role: z.enum(['technician', 'approver']), keyid: z.string() })
export type StandingKey = z.infer<typeof StandingKey>

/** Somebody who may sign in; `clients` are those that they see and work for, null: all. */
export const PersonView = z.object({
  name: z.string(),
  role: PersonRole,
  createdAtMs: z.number(),
  clients: z.array(ClientId).nullable(),
  secondFactor: z.boolean(),
})
export type PersonView = z.infer<typeof PersonView>

/** Somebody who was removed; their name tells the past and is given to nobody else. */
export const FormerView = z.object({
  name: z.string(),
  role: PersonRole,
  removedAtMs: z.number(),
  removedBy: z.string(),
})
export type FormerView = z.infer<typeof FormerView>

/** Routes of the people who may sign in; part of ROUTES in http.ts. */
export const PEOPLE_ROUTES = {
  people: {
    method: 'GET',
    path: '/api/people',
    access: 'owner',
    answer: z.object({ people: z.array(PersonView), former: z.array(FormerView) }),
    summary: 'Who may sign in, and who was removed; for an owner who works for all clients',
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
      /** It is the person of this name who was removed, come back. */
      returns: z.boolean().default(false),
    }),
    answer: ok,
    summary: 'Let one more person sign in, or one who was removed again',
  },
  removePerson: {
    method: 'POST',
    path: '/api/people/remove',
    access: 'owner',
    touches: 'everyone',
    body: z.object({ name: PersonName }),
    answer: z.object({ keys: z.array(StandingKey) }),
    summary: 'Take a person out; answers the keys that still stand in the trust root under that name',
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
  setPersonClients: {
    method: 'POST',
    path: '/api/people/clients',
    access: 'local',
    touches: 'everyone',
    body: z.object({ name: PersonName, clients: z.array(ClientId).nullable() }),
    answer: ok,
    summary: 'The clients that a person sees and works for; null: all',
  },
} as const
