import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../../server/store/open.ts'
import { NOW } from './contract.ts'
import { report, temporaryDirectory } from './fixtures.ts'

const away = 'http://127.0.0.1:9'

describe('the configured store', () => {
  it('is the embedded one in the data directory', async () => {
    const directory = temporaryDirectory()
    const context = { dataDir: directory.path, clock: () => NOW }
    const store = await openStore({ kind: 'duckdb', memoryMb: 128 }, context)
    await store.write([report({ seq: 1, timeMs: NOW })])
    expect(existsSync(join(directory.path, 'metrics', 'metrics.duckdb'))).toBe(true)
    await expect(openStore({ kind: 'duckdb' }, context)).rejects.toMatchObject({ code: 'DATA_IN_USE' })
    await store.close()
    directory.remove()
  })

  it('may be away on the network, and then says where it was looked for', async () => {
    const context = { dataDir: '/nowhere', clock: () => NOW }
    const configs = [
      { kind: 'influx1', url: away, database: 'vigia', username: 'u', password: 'p' },
      { kind: 'influx2', url: away, org: 'msp', bucket: 'vigia', token: 't' },
    ] as const
    for (const config of configs) {
      const store = await openStore(config, context)
      expect(store.name).toBe(config.kind)
      await expect(store.ping()).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining(away),
      })
      await store.close()
    }
  })
})
