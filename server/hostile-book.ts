import type { Registry } from 'prom-client'
import type { HostileSample } from './ingest/refusals.ts'
import type { Logger } from './observe/log.ts'
import { readerNow } from './records/reader.ts'
import type { Db, Records } from './records/records.ts'
import { at, ms } from './records/schema.ts'

/** Samples kept of all devices together; older ones go. */
const KEPT_SAMPLES = 2000
/** Samples that wait for the records; more are only counted. */
const WAITING_SAMPLES = 200

export type HostileView = {
  atMs: number
  reason: string
  client: string | null
  device: string | null
  topic: string
  bytes: number
  headHex: string
}

/** What was refused, for the operator: a bounded number of samples in the records, and the counts by reason. */
export type HostileBook = {
  /** Keeps a sample without waiting; what cannot be kept is still counted. */
  keep(sample: HostileSample): void
  list(limit: number, client: string | undefined): Promise<HostileView[]>
  counts(): Promise<Record<string, number>>
}

/** A book over the records, counting in the registry that ingest counts in. */
export function createHostileBook({
  records,
  registry,
  log,
}: {
  records: Records
  registry: Registry
  log: Logger
}): HostileBook {
  let waiting = 0
  return {
    keep(sample) {
      if (waiting >= WAITING_SAMPLES) return
      waiting++
      save(records, sample)
        .catch((error: unknown) =>
          log.warn({ err: error, reason: sample.reason }, 'a refused message could not be kept'),
        )
        .finally(() => waiting--)
    },
    list: (limit, client) =>
      records.operator(async (db) => {
        const all = db.selectFrom('hostile_sample').selectAll().orderBy('sample_id', 'desc').limit(limit)
        const rows = await (client === undefined ? all : all.where('client_id', '=', client)).execute()
        return rows.map((row) => ({
          atMs: ms(row.at),
          reason: row.reason,
          client: row.client_id,
          device: row.device_id,
          topic: row.topic,
          bytes: row.bytes,
          headHex: row.head.toString('hex'),
        }))
      }),
    async counts() {
      if (readerNow() !== null) return records.operator(countKept)
      const metric = (await registry.getMetricsAsJSON()).find(
        ({ name }) => name === 'vigia_ingest_refused' || name === 'vigia_ingest_refused_total',
      )
      return Object.fromEntries(
        (metric?.values ?? []).map((value) => [String(value.labels['reason']), value.value]),
      )
    },
  }
}

/** What was counted names no client, so who sees some clients only is told how many of theirs are kept. */
async function countKept(db: Db): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('hostile_sample')
    .select(['reason', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy('reason')
    .execute()
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]))
}

async function save(records: Records, sample: HostileSample): Promise<void> {
  await records.operator(async (db) => {
    const known =
      sample.client === null
        ? undefined
        : await db
            .selectFrom('client')
            .select('client_id')
            .where('client_id', '=', sample.client)
            .executeTakeFirst()
    const row = await db
      .insertInto('hostile_sample')
      .values({
        client_id: known?.client_id ?? null,
        device_id: sample.device,
        at: at(sample.atMs),
        reason: sample.reason,
        topic: sample.topic.slice(0, 300).toWellFormed().replaceAll('\0', '\ufffd'),
        bytes: sample.bytes,
        head: Buffer.from(sample.head),
      })
      .returning('sample_id')
      .executeTakeFirstOrThrow()
    await db
      .deleteFrom('hostile_sample')
      .where('sample_id', '<=', row.sample_id - KEPT_SAMPLES)
      .execute()
  })
}
