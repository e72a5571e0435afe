import { DuckDBInstance } from '@duckdb/node-api'

/** What stands in a closed database file, read beside the store's own code. */
export async function rowsOf(path: string, statement: string): Promise<(number | string)[][]> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  try {
    const result = await connection.run(statement)
    return (await result.getRows()).map((row) =>
      row.map((value) => (typeof value === 'bigint' ? Number(value) : (value as number | string))),
    )
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Every sample, wherever it lies. */
export const SAMPLES = '(SELECT * FROM sample UNION ALL SELECT * FROM recent)'
