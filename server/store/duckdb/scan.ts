import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { HOUR_MS } from '../buckets.ts'
import type { ScanAnswer, ScanPiece } from './messages.ts'

/** Reads one piece of a scan, vector by vector into plain arrays. */
export async function readSamples(connection: DuckDBConnection, piece: ScanPiece): Promise<ScanAnswer> {
  const result = await connection.stream(statement(piece))
  const parts: ScanAnswer[] = []
  let count = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) break
    const rows = chunk.rowCount
    parts.push({
      seriesIds: itemsOf(chunk.getColumnVector(0), Uint32Array).slice(0, rows),
      timesMs: itemsOf(chunk.getColumnVector(1), Float64Array).slice(0, rows),
      values: itemsOf(chunk.getColumnVector(2), Float64Array).slice(0, rows),
    })
    count += rows
  }
  const answer = {
    seriesIds: new Uint32Array(count),
    timesMs: new Float64Array(count),
    values: new Float64Array(count),
  }
  let offset = 0
  for (const { seriesIds, timesMs, values } of parts) {
    answer.seriesIds.set(seriesIds, offset)
    answer.timesMs.set(timesMs, offset)
    answer.values.set(values, offset)
    offset += seriesIds.length
  }
  return answer
}

function statement({ seriesIds, fromMs, toMs, hourly }: ScanPiece): string {
  const ids = seriesIds.join(',')
  const span = `series_id IN (${ids}) AND at_ms >= ${fromMs} AND at_ms <= ${toMs}`
  const samples = hourly
    ? // An hour may stand in several partial rows.
      `SELECT series_id, hour_ms + ${HOUR_MS} AS at_ms, sum(avg * count) / sum(count) AS value FROM hourly
       WHERE series_id IN (${ids}) AND hour_ms >= ${fromMs} AND hour_ms <= ${toMs} GROUP BY 1, 2`
    : `SELECT series_id, at_ms, value FROM sample WHERE ${span}
       UNION ALL SELECT series_id, at_ms, value FROM recent WHERE ${span}`
  return `SELECT series_id, CAST(at_ms AS DOUBLE), value FROM (${samples}) ORDER BY at_ms, series_id`
}

/** The array behind a vector is private in its types, so its kind is checked here. */
function itemsOf<A extends Uint32Array | Float64Array>(vector: DuckDBVector, kind: new () => A): A {
  const items = (vector as unknown as { items: unknown }).items
  if (items instanceof kind) return items
  throw new TypeError(`a vector of ${String(vector.type)} has no array of its kind in this version of DuckDB`)
}
