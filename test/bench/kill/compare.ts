import { DuckDBInstance, BIGINT, DOUBLE, UINTEGER, type DuckDBConnection } from '@duckdb/node-api'
import type { SeriesSpec } from '../../../contract/report.ts'
import { seriesKey } from '../../../contract/wire.ts'
import { appendColumns } from '../../../server/store/duckdb/append.ts'
import type { LedgerReport } from './device.ts'

/**
 * What the store holds of what was acknowledged. `lost`: samples that are not there with their value, and
 * sequences that the store does not know as seen. `duplicated`: rows beyond one for the same series and time, and
 * sequences that were committed twice.
 */
export type Comparison = {
  reports: number
  samples: number
  lost: number
  duplicated: number
  /** For a person: where and when something is missing or twice. */
  where: string[]
}

const CHUNK = 200_000
/** Fractions travel as float32, whose relative error is at most 2^-24. The bench's own values are whole and below 1/ROUNDING. */
const ROUNDING = 1e-7

/** Compares a ledger with the file of an embedded store that nobody has open. */
export async function compareWithStore(file: string, ledger: Iterable<LedgerReport>): Promise<Comparison> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run(`ATTACH '${file.replaceAll("'", "''")}' AS store (READ_ONLY)`)
    await connection.run(
      `CREATE TABLE expected (series_id UINTEGER NOT NULL, at_ms BIGINT NOT NULL, value DOUBLE NOT NULL)`,
    )
    await connection.run(
      `CREATE VIEW actual AS SELECT series_id, at_ms, value FROM store.recent
       UNION ALL SELECT series_id, at_ms, value FROM store.sample`,
    )
    const idOf = await seriesIds(connection)
    const seen = await seenSequences(connection)
    const chunk = createChunk(connection)
    let reports = 0
    let lost = 0
    const where: string[] = []
    for (const report of ledger) {
      reports++
      if (seen.of(report.device, report.boot)?.has(report.seq) !== true) {
        lost++
        where.push(`not seen: ${report.device} ${report.boot}:${report.seq} of ${iso(report.timeMs)}`)
      }
      const ids = idOf(report.device, report.series)
      for (let column = 0; column < ids.length; column++) {
        const value = report.values[column] ?? null
        if (value !== null) chunk.add(ids[column] ?? 0, report.timeMs, value)
      }
      if (chunk.isFull()) await chunk.flush()
    }
    await chunk.flush()
    await connection.run(
      `CREATE TABLE missing AS SELECT series_id, at_ms FROM expected
       EXCEPT SELECT series_id, at_ms FROM expected e JOIN actual a USING (series_id, at_ms)
       WHERE abs(e.value - a.value) <= ${ROUNDING} * abs(e.value)`,
    )
    await connection.run(
      `CREATE TABLE twice AS SELECT series_id, at_ms, count(*) - 1 AS n FROM actual GROUP BY ALL HAVING count(*) > 1`,
    )
    lost += await count(connection, 'SELECT count(*) FROM missing')
    const twice = await count(connection, 'SELECT coalesce(sum(n), 0) FROM twice')
    for (const table of ['missing', 'twice']) {
      const rows = await connection.run(
        `SELECT device || ' ' || metric || ' ' || labels, count(*), count(DISTINCT at_ms), min(at_ms), max(at_ms)
         FROM ${table} LEFT JOIN store.series USING (series_id) GROUP BY 1 ORDER BY 1`,
      )
      for (const [device, samples, times, from, to] of await rows.getRows())
        where.push(
          `${table}: ${String(device)} ${String(samples)} samples of ${String(times)} moments from ${iso(Number(from))} to ${iso(Number(to))}`,
        )
    }
    return { reports, samples: chunk.total(), lost, duplicated: twice + seen.twice, where }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** The identities of a device's series; 0, which the store never gives, for one that it does not have. */
async function seriesIds(
  connection: DuckDBConnection,
): Promise<(device: string, series: readonly SeriesSpec[]) => Uint32Array> {
  const byKey = new Map<string, number>()
  const result = await connection.run('SELECT series_id, device, metric, labels FROM store.series')
  for (const [id, device, metric, labels] of await result.getRows()) {
    const parsed = JSON.parse(String(labels)) as Record<string, string>
    byKey.set(`${String(device)} ${seriesKey(String(metric), parsed)}`, Number(id))
  }
  const known = new Map<readonly SeriesSpec[], Map<string, Uint32Array>>()
  return (device, series) => {
    const ofLayout = known.get(series) ?? new Map<string, Uint32Array>()
    known.set(series, ofLayout)
    const found =
      ofLayout.get(device) ??
      Uint32Array.from(
        series,
        ({ metric, labels }) => byKey.get(`${device} ${seriesKey(metric, labels)}`) ?? 0,
      )
    ofLayout.set(device, found)
    return found
  }
}

async function seenSequences(connection: DuckDBConnection) {
  const result = await connection.run(
    'SELECT device, boot, seq_from, seq_to FROM store.seen JOIN store.boot USING (boot_id)',
  )
  const seen = new Map<string, Set<number>>()
  let twice = 0
  for (const [device, boot, from, to] of await result.getRows()) {
    const key = `${String(device)} ${String(boot)}`
    const of = seen.get(key) ?? new Set<number>()
    seen.set(key, of)
    for (let seq = Number(from); seq <= Number(to); seq++) {
      if (of.has(seq)) twice++
      of.add(seq)
    }
  }
  return { of: (device: string, boot: string) => seen.get(`${device} ${boot}`), twice }
}

/** Columns that are filled and appended to `expected` together. */
function createChunk(connection: DuckDBConnection) {
  const room = 2 * CHUNK
  const ids = new Uint32Array(room)
  const times = new BigInt64Array(room)
  const values = new Float64Array(room)
  let rows = 0
  let total = 0
  return {
    add(id: number, timeMs: number, value: number): void {
      if (rows === room) throw new RangeError('a report with too many values')
      ids[rows] = id
      times[rows] = BigInt(timeMs)
      values[rows] = value
      rows++
    },
    isFull: () => rows >= CHUNK,
    total: () => total + rows,
    async flush(): Promise<void> {
      await appendColumns(
        connection,
        'expected',
        [
          { type: UINTEGER, items: ids },
          { type: BIGINT, items: times },
          { type: DOUBLE, items: values },
        ],
        rows,
      )
      total += rows
      rows = 0
    },
  }
}

async function count(connection: DuckDBConnection, query: string): Promise<number> {
  const [[answer] = []] = await (await connection.run(query)).getRows()
  return Number(answer)
}
