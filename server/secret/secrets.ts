import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import type { SealedSecret } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { SecretView } from '../../contract/run.ts'
import type { Db, Records } from '../records/records.ts'
import { at, ms } from '../records/schema.ts'
import type { SecretBox } from './box.ts'
import { sealSecret } from './seal.ts'

/** Names of secrets by the parameter whose value they are. */
type Names = Readonly<Record<string, string>>
type Place = { name: string; client: string | null }

/**
 * Secrets that scripts are given: encrypted in the records, never shown again, each for one client or for all. Where a
 * client has its own, that is the one.
 */
export type Secrets = {
  /** All of them, by name; without their values. */
  list(): Promise<SecretView[]>
  /** Stores a value, in place of the one before. `note` runs in the same transaction. NOT_FOUND for an unknown client. */
  set(secret: Place & { value: string }, who: string, note: (db: Db) => Promise<void>): Promise<SecretView>
  /** Forgets it; NOT_FOUND. */
  remove(place: Place, note: (db: Db) => Promise<void>): Promise<void>
  /** Those of these names that a client has not. */
  missing(db: Db, client: string, names: Names): Promise<string[]>
  /** Their values sealed for a session; SECRET_MISSING, and SECRET_UNSEALED for an agent without a key for them. */
  seal(
    db: Db,
    request: { client: string; job: string; names: Names; sealKey: string | undefined },
  ): Promise<Record<string, SealedSecret>>
}

/** Secrets over the records and the box that encrypts them. */
export function createSecrets({
  records,
  clock,
  box,
}: {
  records: Records
  clock: Clock
  box: SecretBox
}): Secrets {
  async function sealedOf(
    db: Db,
    client: string,
    names: Names,
  ): Promise<Map<string, Place & { sealed: Buffer }>> {
    const wanted = [...new Set(Object.values(names))]
    if (wanted.length === 0) return new Map()
    const rows = await db
      .selectFrom('secret')
      .select(['name', 'client_id as client', 'sealed'])
      .where('name', 'in', wanted)
      .where((eb) => eb.or([eb('client_id', 'is', null), eb('client_id', '=', client)]))
      // A client's own comes last, and stays.
      .orderBy(sql`client_id is not null`)
      .execute()
    return new Map(rows.map((row) => [row.name, row]))
  }

  return {
    list: () =>
      records.operator(async (db) => {
        const rows = await db
          .selectFrom('secret')
          .select(['name', 'client_id', 'changed_at', 'changed_by'])
          .orderBy('name')
          .orderBy(sql`client_id nulls first`)
          .execute()
        return rows.map((row) => ({
          name: row.name,
          client: row.client_id,
          changedAtMs: ms(row.changed_at),
          changedBy: row.changed_by,
        }))
      }),

    async set({ name, client, value }, who, note) {
      const nowMs = clock()
      await records.operator(async (db) => {
        if (client !== null) await knownClient(db, client)
        const columns = {
          sealed: box.seal(value, contextOf({ name, client })),
          changed_at: at(nowMs),
          changed_by: who,
        }
        await db
          .insertInto('secret')
          .values({ secret_id: randomUUID(), name, client_id: client, ...columns })
          .onConflict((conflict) => conflict.columns(['name', 'client_id']).doUpdateSet(columns))
          .execute()
        await note(db)
      })
      return { name, client, changedAtMs: nowMs, changedBy: who }
    },

    remove: ({ name, client }, note) =>
      records.operator(async (db) => {
        const gone = await db
          .deleteFrom('secret')
          .where('name', '=', name)
          .where('client_id', client === null ? 'is' : '=', client)
          .executeTakeFirst()
        if (gone.numDeletedRows === 0n)
          throw new VigiaError(
            'NOT_FOUND',
            `no secret ${name}${client === null ? '' : ` of client ${client}`}`,
          )
        await note(db)
      }),

    async missing(db, client, names) {
      const found = await sealedOf(db, client, names)
      return [...new Set(Object.values(names))].filter((name) => !found.has(name))
    },

    async seal(db, { client, job, names, sealKey }) {
      if (sealKey === undefined)
        throw new VigiaError('SECRET_UNSEALED', 'the agent gave no key for which a secret could be sealed')
      const found = await sealedOf(db, client, names)
      return Object.fromEntries(
        Object.entries(names).map(([parameter, name]) => {
          const secret = found.get(name)
          if (!secret) throw new VigiaError('SECRET_MISSING', `no secret ${name} for client ${client}`)
          const value = box.open(secret.sealed, contextOf(secret))
          return [parameter, sealSecret({ sealKey, job, parameter, value }).sealed]
        }),
      )
    },
  }
}

/** A row that is copied to another name or client does not open there. */
function contextOf({ name, client }: Place): string {
  return `secret ${client ?? '*'} ${name}`
}

async function knownClient(db: Db, client: string): Promise<void> {
  const row = await db
    .selectFrom('client')
    .select('client_id')
    .where('client_id', '=', client)
    .executeTakeFirst()
  if (!row) throw new VigiaError('NOT_FOUND', `no client ${client}`)
}
