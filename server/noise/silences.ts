import { randomUUID } from 'node:crypto'
import { VigiaError } from '../../contract/errors.ts'
import type { Silence } from '../../contract/noise.ts'
import { matcherFaults } from '../../rules/noise/hush.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, text } from '../records/schema.ts'
import { toSilence } from './world.ts'

/** Silences; the end is not part of one. */
export type Silences = {
  /** Throws REQUEST_INVALID for matchers that cannot be used or a span that is none, NOT_FOUND for an unknown client. */
  create(silence: Omit<Silence, 'id'>, nowMs: number): Promise<Silence>
  /** Those that are not over, by end; with `all` the others too, newest end first. */
  list(query: { client?: string | undefined; all?: boolean | undefined }, nowMs: number): Promise<Silence[]>
  /** Another end or reason. NOT_FOUND; CONFLICT when it is over. */
  change(
    id: string,
    change: { endsAtMs?: number | undefined; reason?: string | undefined },
    nowMs: number,
  ): Promise<Silence>
  /** Ends it now. NOT_FOUND; CONFLICT when it is over. */
  end(id: string, nowMs: number): Promise<Silence>
}

/** Silences over the records. */
export function createSilences({ records }: { records: Records }): Silences {
  async function update(
    id: string,
    nowMs: number,
    change: { endsAtMs?: number | undefined; reason?: string | undefined },
  ): Promise<Silence> {
    return records.operator(async (db) => {
      const present = await find(db, id)
      if (present.endsAtMs <= nowMs) throw new VigiaError('CONFLICT', 'the silence is over')
      const next = {
        ...present,
        endsAtMs: change.endsAtMs ?? present.endsAtMs,
        reason: change.reason ?? present.reason,
      }
      await db
        .updateTable('silence')
        .set({ ends_at: at(next.endsAtMs), reason: text(next.reason) })
        .where('silence_id', '=', id)
        .execute()
      return next
    })
  }

  return {
    async create(silence, nowMs) {
      const faults = [...matcherFaults(silence.matchers), ...spanFaults(silence, nowMs)]
      if (silence.client === null && Object.keys(silence.matchers).length === 0)
        faults.push({ field: 'matchers', message: 'without a client, at least one matcher' })
      if (faults.length > 0)
        throw new VigiaError('REQUEST_INVALID', faults.map(({ message }) => message).join('; '), { faults })
      const id = randomUUID()
      await records.operator(async (db) => {
        const { client } = silence
        const known =
          client === null ||
          (await db
            .selectFrom('client')
            .select('client_id')
            .where('client_id', '=', client)
            .executeTakeFirst()) !== undefined
        if (!known) throw new VigiaError('NOT_FOUND', `there is no client ${client}`)
        await db
          .insertInto('silence')
          .values({
            silence_id: id,
            client_id: client,
            matchers: json(silence.matchers),
            starts_at: at(silence.startsAtMs),
            ends_at: at(silence.endsAtMs),
            reason: text(silence.reason),
            created_by: text(silence.createdBy),
            created_at: at(nowMs),
          })
          .execute()
      })
      return { id, ...silence }
    },
    list: ({ client, all }, nowMs) =>
      records.operator(async (db) => {
        let select = db.selectFrom('silence').selectAll().limit(1000)
        if (client !== undefined)
          select = select.where((where) =>
            where.or([where('client_id', '=', client), where('client_id', 'is', null)]),
          )
        select =
          all === true
            ? select.orderBy('ends_at', 'desc')
            : select.where('ends_at', '>', at(nowMs)).orderBy('ends_at')
        return (await select.execute()).map(toSilence)
      }),
    change: (id, change, nowMs) => update(id, nowMs, change),
    end: (id, nowMs) => update(id, nowMs, { endsAtMs: nowMs }),
  }
}

async function find(db: Db, id: string): Promise<Silence> {
  const row = await db
    .selectFrom('silence')
    .selectAll()
    .where('silence_id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (!row) throw new VigiaError('NOT_FOUND', `no silence ${id}`)
  return toSilence(row)
}

function spanFaults(
  { startsAtMs, endsAtMs }: Pick<Silence, 'startsAtMs' | 'endsAtMs'>,
  nowMs: number,
): { field: string; message: string }[] {
  if (endsAtMs <= startsAtMs) return [{ field: 'endsAtMs', message: 'it ends before it starts' }]
  return endsAtMs <= nowMs ? [{ field: 'endsAtMs', message: 'it would be over already' }] : []
}
