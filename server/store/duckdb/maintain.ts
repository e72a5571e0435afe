import type { DuckDBConnection } from '@duckdb/node-api'
import { HOUR_MS, type Retention } from '../buckets.ts'
import { rollback } from './append.ts'
import type { Maintained } from './messages.ts'

/** Reports come late by network and outbox: an hour is closed this long after its end. */
const GRACE_MS = 5 * 60_000
/** Samples that are sorted in one transaction; about 150 MB, the rest of a sort goes to the temporary directory. */
const SLICE_ROWS = 4_000_000

type Job = { nowMs: number; retention: Retention; dropBoots: readonly number[] }
type Slice = { fromMs: number; toMs: number; fromSeries: number; toSeries: number }

/** Sorts closed hours into `sample` and `hourly`, expires what is too old, compacts the sequences, checkpoints. */
export async function maintain(connection: DuckDBConnection, job: Job): Promise<Maintained> {
  const cutMs = Math.floor((job.nowMs - GRACE_MS) / HOUR_MS) * HOUR_MS
  let movedSamples = 0
  for (const slice of await slicesBefore(connection, cutMs)) movedSamples += await move(connection, slice)
  const expiredSamples =
    (await expire(connection, 'sample', 'at_ms', job.nowMs - job.retention.rawMs)) +
    (await expire(connection, 'hourly', 'hour_ms', job.nowMs - job.retention.hourlyMs))
  await compactSeen(connection, job.dropBoots)
  return { movedSamples, expiredSamples, checkpointed: await checkpoint(connection) }
}

/** Whole hours together up to the size of a slice; an hour above it is cut by series. */
async function slicesBefore(connection: DuckDBConnection, cutMs: number): Promise<Slice[]> {
  const result = await connection.run(
    `SELECT (at_ms // ${HOUR_MS}) * ${HOUR_MS} AS hour_ms, count(*), min(series_id), max(series_id)
     FROM recent WHERE at_ms < ${cutMs} GROUP BY 1 ORDER BY 1`,
  )
  const slices: Slice[] = []
  let rowsInLast = Infinity
  for (const [hour, count, min, max] of await result.getRows()) {
    const fromMs = Number(hour)
    const rows = Number(count)
    const toMs = fromMs + HOUR_MS
    const last = slices[slices.length - 1]
    if (last && rowsInLast + rows <= SLICE_ROWS) {
      slices[slices.length - 1] = { ...last, toMs }
      rowsInLast += rows
      continue
    }
    const parts = Math.ceil(rows / SLICE_ROWS)
    const width = Math.ceil((Number(max) - Number(min) + 1) / parts)
    for (let part = 0; part < parts; part++) {
      const fromSeries = part === 0 ? 0 : Number(min) + part * width
      const toSeries = part === parts - 1 ? 2 ** 32 : Number(min) + (part + 1) * width
      slices.push({ fromMs, toMs, fromSeries, toSeries })
    }
    rowsInLast = parts === 1 ? rows : Infinity
  }
  return slices
}

async function move(connection: DuckDBConnection, slice: Slice): Promise<number> {
  const series =
    slice.toSeries - slice.fromSeries === 2 ** 32
      ? ''
      : ` AND series_id >= ${slice.fromSeries} AND series_id < ${slice.toSeries}`
  const where = `at_ms >= ${slice.fromMs} AND at_ms < ${slice.toMs}${series}`
  return inTransaction(connection, async () => {
    await connection.run(
      `INSERT INTO hourly SELECT series_id, (at_ms // ${HOUR_MS}) * ${HOUR_MS} AS hour_ms,
         min(value), max(value), avg(value), count(*), max(at_ms), arg_max(value, at_ms)
       FROM recent WHERE ${where} GROUP BY 1, 2 ORDER BY 1, 2`,
    )
    await connection.run(
      `INSERT INTO sample SELECT series_id, at_ms, value FROM recent WHERE ${where} ORDER BY series_id, at_ms`,
    )
    const deleted = await connection.run(`DELETE FROM recent WHERE ${where}`)
    return deleted.rowsChanged
  })
}

async function expire(
  connection: DuckDBConnection,
  table: 'sample' | 'hourly',
  column: string,
  beforeMs: number,
): Promise<number> {
  const whole = Math.floor(beforeMs / HOUR_MS) * HOUR_MS
  return inTransaction(
    connection,
    async () => (await connection.run(`DELETE FROM ${table} WHERE ${column} < ${whole}`)).rowsChanged,
  )
}

/** Merges neighbouring ranges of sequences (gaps and islands) and drops boots that nobody can send for any more. */
async function compactSeen(connection: DuckDBConnection, dropBoots: readonly number[]): Promise<void> {
  await inTransaction(connection, async () => {
    if (dropBoots.length > 0) {
      const list = dropBoots.join(',')
      await connection.run(`DELETE FROM seen WHERE boot_id IN (${list})`)
      await connection.run(`DELETE FROM boot WHERE boot_id IN (${list})`)
    }
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE compact AS
       WITH ordered AS (
         SELECT *, max(seq_to) OVER (PARTITION BY boot_id ORDER BY seq_from, seq_to
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached FROM seen),
       islands AS (
         SELECT *, sum(CASE WHEN reached IS NULL OR seq_from > reached + 1 THEN 1 ELSE 0 END)
           OVER (PARTITION BY boot_id ORDER BY seq_from, seq_to ROWS UNBOUNDED PRECEDING) AS island FROM ordered)
       SELECT boot_id, min(seq_from) AS seq_from, max(seq_to) AS seq_to, max(at_ms) AS at_ms
       FROM islands GROUP BY boot_id, island`,
    )
    const before = await count(connection, 'seen')
    const after = await count(connection, 'compact')
    if (after <= before / 2) {
      await connection.run('DELETE FROM seen')
      await connection.run('INSERT INTO seen SELECT * FROM compact')
    }
    await connection.run('DROP TABLE compact')
  })
}

async function count(connection: DuckDBConnection, table: string): Promise<number> {
  const result = await connection.run(`SELECT count(*) FROM ${table}`)
  const [row] = await result.getRows()
  return Number(row?.[0] ?? 0)
}

/** False when a writer was in the middle of a transaction: the next commit past the log's limit does it then. */
async function checkpoint(connection: DuckDBConnection): Promise<boolean> {
  try {
    await connection.run('CHECKPOINT')
    return true
  } catch (error) {
    if (/other (write )?transactions active/i.test(String(error))) return false
    throw error
  }
}

async function inTransaction<Answer>(
  connection: DuckDBConnection,
  body: () => Promise<Answer>,
): Promise<Answer> {
  await connection.run('BEGIN TRANSACTION')
  try {
    const answer = await body()
    await connection.run('COMMIT')
    return answer
  } catch (error) {
    return rollback(connection, error)
  }
}
