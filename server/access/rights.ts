import type { Db } from '../records/records.ts'

/**
 * The clients for which whoever is called so may run code now; null: all. A viewer may for none. Who is no person is the
 * machine itself.
 */
export async function clientsOf(db: Db, name: string): Promise<readonly string[] | null> {
  const person = await db
    .selectFrom('person')
    .select(['role', 'clients'])
    .where('name', '=', name)
    .executeTakeFirst()
  return person?.role === 'viewer' ? [] : (person?.clients ?? null)
}
