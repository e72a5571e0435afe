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

/** Routes of the people who may sign in; part of ROUTES in http.ts. */
export const PEOPLE_ROUTES = {
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
} as const
