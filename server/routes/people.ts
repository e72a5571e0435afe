import { VigiaError } from '../../contract/errors.ts'
import type { PEOPLE_ROUTES, StandingKey } from '../../contract/routes/person.ts'
import { readsAs } from '../access/former.ts'
import type { Handlers } from '../http/handler.ts'
import type { Parts } from '../wiring/parts.ts'
import { ordererOf } from '../wiring/work.ts'

/** More schedules than anybody has. */
const SCHEDULES = 10_000

/** Routes of the MSP's people: who may sign in, for which clients, and who no more. */
export function peopleRoutes(
  parts: Pick<Parts, 'people' | 'remote' | 'runs' | 'audit' | 'trust'>,
): Pick<Handlers, keyof typeof PEOPLE_ROUTES> {
  const { people, remote, runs, audit, trust } = parts

  /** The server has no part in the trust root: it can say what stands there, and no more. */
  const keysOf = (name: string): StandingKey[] =>
    (['technician', 'approver'] as const).flatMap((role) =>
      trust.root[`${role}s`].keys
        .filter((key) => readsAs(key.name, name))
        .map(({ keyid }) => ({ role, keyid })),
    )

  return {
    async people({ who }) {
      if ((who?.clients ?? null) !== null)
        throw new VigiaError('FORBIDDEN', 'people are for all clients, and you work for some')
      return { people: await people.list(), former: await people.former() }
    },
    async createPerson({ body, whoName }) {
      await people.create(body)
      await audit.append({
        who: whoName,
        action: body.returns ? 'person.return' : 'person.create',
        client: null,
        subject: body.name,
        detail: { role: body.role, clients: body.clients },
      })
      return { ok: true }
    },
    async removePerson({ body: { name }, who, whoName }) {
      const keys = keysOf(name)
      await people.remove(name, { who: whoName, keys, note: (db, entry) => audit.appendIn(db, entry) })
      await remote.removed(name, whoName)
      for (const run of await runs.list({ state: 'scheduled', limit: SCHEDULES }))
        if (run.orderedBy === name) await runs.cancel(run.id, ordererOf(who))
      await runs.reconsider(name)
      return { keys }
    },
    async setPassword({ body, whoName }) {
      await people.setPassword(body.name, body.password)
      await audit.append({ who: whoName, action: 'person.password', client: null, subject: body.name })
      await remote.withdraw(body.name, [], whoName)
      return { ok: true }
    },
    async setPersonClients({ body, whoName }) {
      await people.setClients(body.name, body.clients)
      await audit.append({
        who: whoName,
        action: 'person.clients',
        client: null,
        subject: body.name,
        detail: { clients: body.clients },
      })
      await remote.withdraw(body.name, body.clients, whoName)
      await runs.reconsider(body.name)
      return { ok: true }
    },
  }
}
