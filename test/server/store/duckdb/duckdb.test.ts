import { join } from 'node:path'
import { NOW, storeContract } from '../contract.ts'
import { temporaryDirectory } from '../fixtures.ts'
import { openDuckdbStore } from '../../../../server/store/duckdb/duckdb.ts'

storeContract('DuckDB keeps the contract of a store', async () => {
  const directory = temporaryDirectory()
  return {
    open: () => openDuckdbStore({ path: join(directory.path, 'metrics.duckdb'), clock: () => NOW }),
    stop: async () => directory.remove(),
    remembersSequences: true,
  }
})
