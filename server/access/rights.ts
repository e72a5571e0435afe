import type { Db } from '../records/records.ts'

/**
 * The clients for which whoever is called so may run code now; null: all. A viewer may for none, nor who was removed.
 * Who is no person is the machine itself.
 */
export async function clientsOf(db: Db, name: string): Promise<readonly string[] | null> {
  const person = await db
    .selectFrom('person')
    .select(['role', 'clients', 'removed_at'])
    .where('name', '=', name)
    .executeTakeFirst()
  if (person === undefined) return null
  return person.removed_at !== null || person.role === 'viewer' ? [] : person.clients
}
