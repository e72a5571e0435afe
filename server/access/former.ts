import { VigiaError } from '../../contract/errors.ts'
import type { FormerView } from '../../contract/routes/person.ts'
import type { Db, Records } from '../records/records.ts'
import { at, ms, text } from '../records/schema.ts'
import type { Note } from './note.ts'

/**
 * Who was removed stays as a row without secrets. Audit chain, runs, tickets, articles and recordings tell the past by
 * names, so a name that was given once is given to nobody else: a new person of it would read as whoever did all that,
 * and a technician's key that still stands under it would be theirs.
 */

/** Do two names read as one person's? Case and forms of the same letters do not tell people apart. */
export function readsAs(a: string, b: string): boolean {
  return folded(a) === folded(b)
}
const folded = (name: string): string => name.normalize('NFKC').toLowerCase()

/** Everyone of a name that reads so, who is there and who was: the same name first. */
export async function namedAlike(db: Db, name: string) {
  const everyone = await db.selectFrom('person').select(['person_id', 'name', 'removed_at']).execute()
  const exact = (each: { name: string }): number => Number(each.name !== name.normalize('NFC'))
  return everyone.filter((each) => readsAs(each.name, name)).sort((a, b) => exact(a) - exact(b))
}

/**
 * Was whoever is called so removed? Their row is held until the transaction ends, so that what is begun in it and a
 * removal at the same time come one after the other.
 */
export async function wasRemoved(db: Db, name: string): Promise<boolean> {
  const [person] = await namedAlike(db, name)
  if (person === undefined) return false
  const held = await db
    .selectFrom('person')
    .select('removed_at')
    .where('person_id', '=', person.person_id)
    .forShare()
    .executeTakeFirst()
  return held !== undefined && held.removed_at !== null
}

/** Everyone who was removed, by name. */
export async function listFormer(db: Db): Promise<FormerView[]> {
  const rows = await db
    .selectFrom('person')
    .select(['name', 'role', 'removed_at', 'removed_by'])
    .where('removed_at', 'is not', null)
    .orderBy('name')
    .execute()
  return rows.flatMap(({ name, role, removed_at, removed_by }) =>
    removed_at === null ? [] : [{ name, role, removedAtMs: ms(removed_at), removedBy: removed_by ?? '' }],
  )
}

/**
 * Takes a person out: from this transaction on no login, password or second factor of theirs counts. Throws NOT_FOUND,
 * OWN_ACCOUNT for whoever removes themselves, and LAST_OWNER for the last owner, or the last who works for all clients.
 */
export async function removePerson(
  records: Records,
  { name, who, nowMs, keys, note }: { name: string; who: string; nowMs: number; keys: unknown; note: Note },
): Promise<void> {
  await records.operator(async (db) => {
    // Held until the end: of two owners who remove each other at once the second sees what the first has done.
    const owners = await db
      .selectFrom('person')
      .select(['name', 'clients'])
      .where('role', '=', 'owner')
      .where('removed_at', 'is', null)
      .orderBy('person_id')
      .forUpdate()
      .execute()
    const person = await db
      .selectFrom('person')
      .select(['person_id', 'name', 'role', 'clients', 'removed_at'])
      .where('name', '=', text(name))
      .forUpdate()
      .executeTakeFirst()
    if (person === undefined) throw new VigiaError('NOT_FOUND', `there is nobody of the name ${name}`)
    if (person.removed_at !== null)
      throw new VigiaError('NOT_FOUND', `${name} was removed on ${day(person.removed_at)} already`)
    if (person.name === who)
      throw new VigiaError('OWN_ACCOUNT', 'this is you: nobody removes themselves from the console')
    refuseLast(person, owners)
    await db.deleteFrom('person_passkey').where('person_id', '=', person.person_id).execute()
    await db.deleteFrom('person_session').where('person_id', '=', person.person_id).execute()
    await db
      .updateTable('person')
      .set({
        ...{ removed_at: at(nowMs), removed_by: text(who), password_hash: '' },
        ...{ totp_secret: null, totp_last_step: null, recovery_hashes: [] },
      })
      .where('person_id', '=', person.person_id)
      .execute()
    const { role, clients } = person
    await note(db, {
      ...{ who, action: 'person.remove', client: null, subject: name },
      detail: { role, clients, keys },
    })
  })
}

type Owner = { name: string; clients: string[] | null }

/** What is for all clients takes an owner who works for all: one such must stay, where there is one. */
function refuseLast({ name, role, clients }: Owner & { role: string }, owners: readonly Owner[]): void {
  if (role !== 'owner') return
  const others = owners.filter((owner) => owner.name !== name)
  if (others.length === 0) throw new VigiaError('LAST_OWNER', `${name} is the last owner`)
  if (clients === null && others.every((owner) => owner.clients !== null))
    throw new VigiaError('LAST_OWNER', `${name} is the last owner who works for all clients`)
}

/** Throws NAME_OF_FORMER or CONFLICT where the name reads as that of somebody who was removed, or who is there. */
export async function refuseTaken(db: Db, name: string): Promise<void> {
  const [alike] = await namedAlike(db, name)
  if (alike === undefined) return
  if (alike.removed_at === null)
    throw new VigiaError('CONFLICT', `there is somebody of the name ${alike.name} already`)
  throw new VigiaError(
    'NAME_OF_FORMER',
    `${alike.name} was removed on ${day(alike.removed_at)}, and what they did is told by that name`,
  )
}

/** The person of this name comes back: with a new password and no second factor. Throws NOT_FOUND. */
export async function readmit(
  db: Db,
  {
    name,
    ...row
  }: { name: string; password_hash: string; role: FormerView['role']; clients: string[] | null },
): Promise<void> {
  const person = await db
    .updateTable('person')
    .set({ ...row, removed_at: null, removed_by: null })
    .where('name', '=', text(name))
    .where('removed_at', 'is not', null)
    .returning('person_id')
    .executeTakeFirst()
  if (person === undefined) throw new VigiaError('NOT_FOUND', `nobody of the name ${name} was removed`)
  // What a login begun before the removal may have left.
  await db.deleteFrom('person_session').where('person_id', '=', person.person_id).execute()
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10)
}
