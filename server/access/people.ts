import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, text } from '../records/schema.ts'
import type { FormerView } from '../../contract/routes/person.ts'
import { callerOf, hasPasskey, type Person } from './caller.ts'
import { listFormer, readmit, refuseTaken, removePerson } from './former.ts'
import { sameSecret } from './local-token.ts'
import { hashPassword, passwordMatches } from './password.ts'
import type { Note } from './note.ts'
import { isLoopback, type Caller } from './roles.ts'
import { createThrottle } from './throttle.ts'

const SESSION_MS = 12 * 3_600_000
/** A session slides forward at most this often, so that not every request writes. */
const SLIDE_MS = 60_000
const SETUP_SETTING = 'setup-token'

/** The cookie of a session and how it must be set; with `secure: true` where the browser calls over TLS. */
export const SESSION_COOKIE = {
  name: 'vigia_session',
  options: { httpOnly: true, sameSite: 'strict', path: '/', maxAge: SESSION_MS / 1000 },
} as const

/** A session just begun: who, and the token for the cookie, which is kept nowhere. */
export type Session = { me: Caller; token: string; expiresAtMs: number }
type PersonRole = 'owner' | 'technician' | 'viewer'

/** The MSP's people and their sessions. */
export type People = {
  setupNeeded(): Promise<boolean>
  /** A new one-time token for the set-up link, in place of any before; undefined once a person exists. */
  issueSetupToken(): Promise<string | undefined>
  /** The first set-up: makes the owner and signs in. Throws SETUP_DONE, or FORBIDDEN from elsewhere or with a wrong token. */
  setup(request: { token: string; name: string; password: string; address: string }): Promise<Session>
  /** Throws UNAUTHENTICATED without saying what was wrong, LOGIN_THROTTLED after many failures. */
  login(request: { name: string; password: string; address: string }): Promise<Session>
  /** Whose session the token is, and slides its end to 12 h from now; undefined when it is none. */
  session(token: string): Promise<Caller | undefined>
  logout(token: string): Promise<void>
  /**
   * Throws CONFLICT when the name is taken, NAME_OF_FORMER when it is that of somebody who was removed, and NOT_FOUND
   * for a client that there is not. `clients` null: all. `returns`: the former person of this name; NOT_FOUND.
   */
  create(person: {
    name: string
    password: string
    role: PersonRole
    clients: string[] | null
    returns?: boolean
  }): Promise<void>
  /** Takes a person out, and enters it into the audit chain. Throws what `removePerson` does. */
  remove(name: string, by: { who: string; keys: unknown; note: Note }): Promise<void>
  /** Who was removed. */
  former(): Promise<FormerView[]>
  /** The clients that the person sees and works for from now on; null: all. Throws NOT_FOUND for the person or a client. */
  setClients(name: string, clients: string[] | null): Promise<void>
  /** Sets a new password and ends all sessions of that person. Throws NOT_FOUND. */
  setPassword(name: string, password: string): Promise<void>
  list(): Promise<
    {
      name: string
      role: PersonRole
      createdAtMs: number
      clients: string[] | null
      secondFactor: boolean
    }[]
  >
  /** Takes away sessions that are over; answers how many. */
  sweep(): Promise<number>
}

/** People over the records. Throttling is by name (10 free, at most a minute) and by address (20 free, 15 minutes). */
export function createPeople({ records, clock }: { records: Records; clock: Clock }): People {
  // By name the wait stays short, so that a stranger cannot lock a person out for long.
  const byName = createThrottle({ freeFailures: 10, longestWaitMs: 60_000 })
  const byAddress = createThrottle({ freeFailures: 20, longestWaitMs: 15 * 60_000 })

  async function begin(db: Db, person: Person): Promise<Session> {
    // They may have been removed while the password was looked at.
    const there = await db
      .selectFrom('person')
      .select('person_id')
      .where('person_id', '=', person.person_id)
      .where('removed_at', 'is', null)
      .forShare()
      .executeTakeFirst()
    if (there === undefined) throw new VigiaError('UNAUTHENTICATED', 'name or password is wrong')
    const token = randomBytes(32).toString('base64url')
    const expiresAtMs = clock() + SESSION_MS
    await db
      .insertInto('person_session')
      .values({
        token_hash: tokenHash(token),
        person_id: person.person_id,
        created_at: at(clock()),
        expires_at: at(expiresAtMs),
      })
      .execute()
    return { me: callerOf({ ...person, proven_until: null }), token, expiresAtMs }
  }

  return {
    setupNeeded: () => records.operator(nobodyYet),
    issueSetupToken() {
      return records.operator(async (db) => {
        if (!(await nobodyYet(db))) return undefined
        const token = randomBytes(32).toString('base64url')
        const row = { value: json(tokenHash(token)), changed_at: at(clock()) }
        await db
          .insertInto('setting')
          .values({ name: SETUP_SETTING, ...row })
          .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
          .execute()
        return token
      })
    },
    async setup({ token, name, password, address }) {
      if (!isLoopback(address))
        throw new VigiaError('FORBIDDEN', 'the first set-up is done on the machine of the server itself')
      byAddress.begin(address, clock())
      const hash = await hashPassword(password)
      const session = await records.operator(async (db) => {
        // Holds the token's row, so that of many at once the second sees what the first has done.
        const used = await db
          .deleteFrom('setting')
          .where('name', '=', SETUP_SETTING)
          .returning('value')
          .executeTakeFirst()
        if (!(await nobodyYet(db))) throw new VigiaError('SETUP_DONE', 'there is an owner already')
        if (used === undefined || !sameSecret(JSON.stringify(used.value), JSON.stringify(tokenHash(token))))
          // Thrown, so the token stands again: a wrong guess must not use it up.
          throw new VigiaError(
            'FORBIDDEN',
            'the set-up link is not the newest one; see what the server printed',
          )
        const person = await insertPerson(db, { name, hash, role: 'owner', clients: null }, clock())
        return begin(db, person)
      })
      byAddress.succeed(address)
      return session
    },
    async login({ name, password, address }) {
      const key = name.normalize('NFC').toLowerCase()
      byAddress.begin(address, clock())
      byName.begin(key, clock())
      const person = await records.operator((db) =>
        db
          .selectFrom('person')
          .selectAll()
          .select(hasPasskey)
          .where('name', '=', text(name))
          .where('removed_at', 'is', null)
          .executeTakeFirst(),
      )
      if (!(await passwordMatches(password, person?.password_hash)) || person === undefined)
        throw new VigiaError('UNAUTHENTICATED', 'name or password is wrong')
      byAddress.succeed(address)
      byName.succeed(key)
      return records.operator((db) => begin(db, person))
    },
    session(token) {
      return records.operator(async (db) => {
        const hash = tokenHash(token)
        const found = await db
          .selectFrom('person_session')
          .innerJoin('person', 'person.person_id', 'person_session.person_id')
          .select([
            ...(['person.name', 'person.role', 'person.clients', 'person.recovery_hashes'] as const),
            ...(['person.totp_secret', 'person_session.expires_at', 'person_session.proven_until'] as const),
          ])
          .select((eb) => hasPasskey(eb))
          .where('token_hash', '=', hash)
          .where('person_session.expires_at', '>', at(clock()))
          .where('removed_at', 'is', null)
          .executeTakeFirst()
        if (found === undefined) return undefined
        const expiresAtMs = clock() + SESSION_MS
        if (expiresAtMs - ms(found.expires_at) >= SLIDE_MS)
          await db
            .updateTable('person_session')
            .set({ expires_at: at(expiresAtMs) })
            .where('token_hash', '=', hash)
            .execute()
        return callerOf(found)
      })
    },
    async logout(token) {
      await records.operator((db) =>
        db.deleteFrom('person_session').where('token_hash', '=', tokenHash(token)).execute(),
      )
    },
    async create({ name, password, role, clients, returns = false }) {
      const hash = await hashPassword(password)
      await records.operator(async (db) => {
        await checkClients(db, clients)
        if (returns) return readmit(db, { name, password_hash: hash, role, clients })
        await refuseTaken(db, name)
        await insertPerson(db, { name, hash, role, clients }, clock())
      })
    },
    remove: (name, by) => removePerson(records, { name, ...by, nowMs: clock() }),
    former: () => records.operator(listFormer),
    async setClients(name, clients) {
      await records.operator(async (db) => {
        await checkClients(db, clients)
        const person = await db
          .updateTable('person')
          .set({ clients })
          .where('name', '=', text(name))
          .where('removed_at', 'is', null)
          .returning('person_id')
          .executeTakeFirst()
        if (person === undefined) throw nobody(name)
      })
    },
    async setPassword(name, password) {
      const hash = await hashPassword(password)
      await records.operator(async (db) => {
        const person = await db
          .updateTable('person')
          .set({ password_hash: hash })
          .where('name', '=', text(name))
          .where('removed_at', 'is', null)
          .returning('person_id')
          .executeTakeFirst()
        if (person === undefined) throw nobody(name)
        await db.deleteFrom('person_session').where('person_id', '=', person.person_id).execute()
      })
    },
    async list() {
      const rows = await records.operator((db) =>
        db
          .selectFrom('person')
          .select(['name', 'role', 'created_at', 'clients', 'totp_secret'])
          .select(hasPasskey)
          .where('removed_at', 'is', null)
          .orderBy('name')
          .execute(),
      )
      return rows.map(({ name, role, created_at, clients, totp_secret, has_passkey }) => ({
        ...{ name, role, clients },
        createdAtMs: ms(created_at),
        secondFactor: totp_secret !== null || has_passkey,
      }))
    },
    async sweep() {
      const over = await records.operator((db) =>
        db.deleteFrom('person_session').where('expires_at', '<=', at(clock())).executeTakeFirst(),
      )
      return Number(over.numDeletedRows)
    },
  }
}

async function insertPerson(
  db: Db,
  { name, hash, role, clients }: { name: string; hash: string; role: PersonRole; clients: string[] | null },
  nowMs: number,
): Promise<Person> {
  const row = await db
    .insertInto('person')
    .values({
      ...{ person_id: randomUUID(), name: text(name), password_hash: hash, role, clients },
      created_at: at(nowMs),
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new VigiaError('CONFLICT', `there is somebody of the name ${name} already`)
  return { ...row, has_passkey: false }
}

/** Throws NOT_FOUND, naming all clients that there are not. */
async function checkClients(db: Db, clients: readonly string[] | null): Promise<void> {
  if (clients === null || clients.length === 0) return
  const known = await db.selectFrom('client').select('client_id').where('client_id', 'in', clients).execute()
  const missing = clients.filter((client) => !known.some(({ client_id }) => client_id === client))
  if (missing.length > 0) throw new VigiaError('NOT_FOUND', `there is no client ${missing.join(', ')}`)
}

function nobody(name: string): VigiaError {
  return new VigiaError('NOT_FOUND', `there is nobody of the name ${name}`)
}

async function nobodyYet(db: Db): Promise<boolean> {
  const anyone = await db.selectFrom('person').select('person_id').limit(1).executeTakeFirst()
  return anyone === undefined
}

/** What is kept of the token of a session. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
