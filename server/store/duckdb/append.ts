import {
  BIGINT,
  DOUBLE,
  DuckDBDataChunk,
  UINTEGER,
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBVector,
} from '@duckdb/node-api'
import type { WriteBatch } from './messages.ts'

/** Rows in one DuckDB vector. */
const VECTOR_ROWS = 2048

type Column =
  | { type: typeof UINTEGER; items: Uint32Array }
  | { type: typeof BIGINT; items: BigInt64Array }
  | { type: typeof DOUBLE; items: Float64Array }

/** Appends whole columns to a table; all of them `rows` long and without nulls. Runs in the open transaction. */
export async function appendColumns(
  connection: DuckDBConnection,
  table: string,
  columns: readonly Column[],
  rows: number,
): Promise<void> {
  if (rows === 0) return
  const types: DuckDBType[] = columns.map((column) => column.type)
  await withAppender(connection, table, (appender) => {
    const chunk = DuckDBDataChunk.create(types)
    for (let offset = 0; offset < rows; offset += VECTOR_ROWS) {
      const count = Math.min(VECTOR_ROWS, rows - offset)
      chunk.rowCount = count
      columns.forEach((column, index) => {
        const vector = chunk.getColumnVector(index)
        fill(vector, column, offset, count)
        vector.flush()
      })
      appender.appendDataChunk(chunk)
    }
  })
}

/** Writes one batch in one transaction: on return it is durable, on a throw nothing of it is stored. */
export async function writeBatch(connection: DuckDBConnection, batch: WriteBatch): Promise<void> {
  await connection.run('BEGIN TRANSACTION')
  try {
    await appendNames(connection, batch)
    await appendColumns(
      connection,
      'recent',
      [
        { type: UINTEGER, items: batch.seriesIds },
        { type: BIGINT, items: timesOf(batch) },
        { type: DOUBLE, items: batch.values },
      ],
      batch.count,
    )
    await appendColumns(
      connection,
      'seen',
      [
        { type: UINTEGER, items: batch.seenBoots },
        { type: BIGINT, items: BigInt64Array.from(batch.seenFrom, BigInt) },
        { type: BIGINT, items: BigInt64Array.from(batch.seenTo, BigInt) },
        { type: BIGINT, items: BigInt64Array.from(batch.seenTimesMs, BigInt) },
      ],
      batch.seenBoots.length,
    )
    await connection.run('COMMIT')
  } catch (error) {
    await rollback(connection, error)
  }
}

/** New series and boots, row by row: they are few. */
async function appendNames(connection: DuckDBConnection, batch: WriteBatch): Promise<void> {
  if (batch.newSeries.length > 0) {
    await appendRows(connection, 'series', batch.newSeries, (appender, row) => {
      appender.appendUInteger(row.seriesId)
      for (const text of [row.client, row.device, row.metric, JSON.stringify(row.labels), row.unit]) {
        appender.appendVarchar(text)
      }
    })
  }
  if (batch.newBoots.length > 0) {
    await appendRows(connection, 'boot', batch.newBoots, (appender, row) => {
      appender.appendUInteger(row.bootId)
      appender.appendVarchar(row.device)
      appender.appendVarchar(row.boot)
    })
  }
}

async function appendRows<Row>(
  connection: DuckDBConnection,
  table: string,
  rows: readonly Row[],
  append: (appender: DuckDBAppender, row: Row) => void,
): Promise<void> {
  await withAppender(connection, table, (appender) => {
    for (const row of rows) {
      append(appender, row)
      appender.endRow()
    }
  })
}

async function withAppender(
  connection: DuckDBConnection,
  table: string,
  fillIn: (appender: DuckDBAppender) => void,
): Promise<void> {
  const appender = await connection.createAppender(table)
  try {
    fillIn(appender)
    appender.flushSync()
  } catch (error) {
    appender.clear()
    throw error
  } finally {
    appender.closeSync()
  }
}

/** Rolls back and throws `error` on; a failed rollback is told with it. */
export async function rollback(connection: DuckDBConnection, error: unknown): Promise<never> {
  try {
    await connection.run('ROLLBACK')
  } catch (second) {
    // A commit that failed has ended its transaction already; anything else belongs in the report.
    if (!String(second).includes('no transaction is active')) {
      throw new AggregateError([error, second], `${String(error)}; rolling back failed: ${String(second)}`)
    }
  }
  throw error
}

/** The times of the samples, filled run by run: one BigInt a report instead of one a sample. */
function timesOf(batch: WriteBatch): BigInt64Array {
  const times = new BigInt64Array(batch.count)
  let at = 0
  batch.runTimesMs.forEach((timeMs, run) => {
    const length = batch.runLengths[run] ?? 0
    times.fill(BigInt(timeMs), at, at + length)
    at += length
  })
  return times
}

/**
 * Copies a slice of a column into a vector's own array. The binding's setItem goes value by value and marks
 * each valid; the array behind it is private in its types, so its kind is checked here.
 */
function fill(vector: DuckDBVector, column: Column, offset: number, count: number): void {
  const items = (vector as unknown as { items: unknown }).items
  if (items instanceof Uint32Array && column.items instanceof Uint32Array) {
    items.set(column.items.subarray(offset, offset + count))
  } else if (items instanceof BigInt64Array && column.items instanceof BigInt64Array) {
    items.set(column.items.subarray(offset, offset + count))
  } else if (items instanceof Float64Array && column.items instanceof Float64Array) {
    items.set(column.items.subarray(offset, offset + count))
  } else {
    throw new TypeError(
      `a vector of ${String(vector.type)} has no array of its kind in this version of DuckDB`,
    )
  }
}
