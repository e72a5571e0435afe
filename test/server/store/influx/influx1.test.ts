import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { suiteNeeding } from '../../../support/servers.ts'
import { openInflux1Store } from '../../../../server/store/influx/influx1.ts'
import { NOW, storeContract } from '../contract.ts'
import { report } from '../fixtures.ts'
import { sparePort, startInfluxd, type TestServer } from './servers.ts'

suiteNeeding(['influxd'], 'InfluxDB v1', ({ influxd }) => {
  storeContract('a real influxd keeps the contract of a store', async () => {
    const server = await startInfluxd(influxd)
    return {
      open: async () => openInflux1Store({ url: server.url, database: 'vigia', clock: () => NOW }),
      stop: () => server.stop(),
      remembersSequences: false,
    }
  })

  describe('a database of somebody else', () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startInfluxd(influxd)
    })
    afterAll(() => server.stop())

    it('gets its policies, and again after it was dropped', async () => {
      const ask = async (statement: string): Promise<string> => {
        const answer = await fetch(`${server.url}/query?q=${encodeURIComponent(statement)}`, {
          method: 'POST',
        })
        return answer.text()
      }
      await ask('CREATE DATABASE "it\'s \\"ours\\""')
      const store = openInflux1Store({ url: server.url, database: 'it\'s "ours"', clock: () => NOW })
      await store.write([report({ seq: 1, timeMs: NOW - 1000 })])
      expect(await ask('SHOW RETENTION POLICIES ON "it\'s \\"ours\\""')).toContain('["vigia_raw","744h0m0s"')
      expect(await ask('SHOW RETENTION POLICIES ON "it\'s \\"ours\\""')).toContain(
        '["vigia_hourly","9600h0m0s"',
      )
      await ask('DROP DATABASE "it\'s \\"ours\\""')
      const lost = report({ seq: 2, timeMs: NOW - 500 })
      await expect(store.write([lost])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      await store.write([lost])
      expect(await store.latest(lost.client, lost.device)).toHaveLength(1)
      await store.close()
    })

    it('takes samples that are older than it keeps as done, and the others with them', async () => {
      const store = openInflux1Store({ url: server.url, database: 'old', clock: () => NOW })
      await store.write([
        report({ seq: 1, timeMs: NOW - 800 * 86_400_000 }),
        report({ seq: 2, timeMs: NOW - 1000, values: Float64Array.of(7) }),
      ])
      expect((await store.latest('demo', report({ seq: 1, timeMs: 0 }).device))[0]?.value).toBe(7)
      await store.close()
    })
  })

  it('says which server is away and why, and works when it is back', { timeout: 30_000 }, async () => {
    const server = await startInfluxd(influxd)
    onTestFinished(() => server.stop())
    const store = openInflux1Store({ url: server.url, database: 'vigia', clock: () => NOW })
    const one = report({ seq: 1, timeMs: NOW - 1000 })
    await server.kill()
    const away = {
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(`InfluxDB at ${server.url} (database vigia)`),
    }
    await expect(store.write([one])).rejects.toMatchObject(away)
    await expect(store.ping()).rejects.toMatchObject(away)
    await expect(store.latest(one.client, one.device)).rejects.toMatchObject(away)
    await server.start()
    await store.ping()
    await store.write([one])
    expect(await store.latest(one.client, one.device)).toHaveLength(1)
    await store.close()
  })
})

describe('an address where nothing listens', () => {
  it('is named with the reason', async () => {
    const url = `http://127.0.0.1:${await sparePort()}`
    const store = openInflux1Store({ url, database: 'vigia', clock: () => NOW })
    await expect(store.write([report({ seq: 1, timeMs: NOW })])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/ECONNREFUSED/),
    })
  })
})
