import type { DuckDBConnection } from '@duckdb/node-api'

/**
 * The tables. `recent` takes samples in the order in which they come; `sample` has those of closed hours, sorted
 * by series and time, and is as wide: a sample is in exactly one of the two. `hourly` has one or more partial
 * rows for each series and hour of `sample`, to be merged by weight when read. `seen` has ranges of committed
 * sequences, written in the same transaction as their samples.
 */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS series (
     series_id UINTEGER PRIMARY KEY, client VARCHAR NOT NULL, device VARCHAR NOT NULL,
     metric VARCHAR NOT NULL, labels VARCHAR NOT NULL, unit VARCHAR NOT NULL)`,
  'CREATE TABLE IF NOT EXISTS boot (boot_id UINTEGER PRIMARY KEY, device VARCHAR NOT NULL, boot VARCHAR NOT NULL)',
  `CREATE TABLE IF NOT EXISTS seen (
     boot_id UINTEGER NOT NULL, seq_from BIGINT NOT NULL, seq_to BIGINT NOT NULL, at_ms BIGINT NOT NULL)`,
  'CREATE TABLE IF NOT EXISTS recent (series_id UINTEGER NOT NULL, at_ms BIGINT NOT NULL, value DOUBLE NOT NULL)',
  'CREATE TABLE IF NOT EXISTS sample (series_id UINTEGER NOT NULL, at_ms BIGINT NOT NULL, value DOUBLE NOT NULL)',
  `CREATE TABLE IF NOT EXISTS hourly (
     series_id UINTEGER NOT NULL, hour_ms BIGINT NOT NULL, min DOUBLE NOT NULL, max DOUBLE NOT NULL,
     avg DOUBLE NOT NULL, count UINTEGER NOT NULL, last_ms BIGINT NOT NULL, last DOUBLE NOT NULL)`,
]

/** Makes the tables where they are missing. */
export async function createTables(connection: DuckDBConnection): Promise<void> {
  for (const statement of TABLES) await connection.run(statement)
}
