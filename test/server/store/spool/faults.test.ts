import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, it, onTestFinished } from 'vitest'
import { openDuckdbStore } from '../../../../server/store/duckdb/duckdb.ts'
import { openInflux1Store } from '../../../../server/store/influx/influx1.ts'
import { createSpoolingWriter } from '../../../../server/store/spool/spool.ts'
import { suiteNeeding } from '../../../support/servers.ts'
import { NOW } from '../contract.ts'
import { rowsOf, SAMPLES } from '../duckdb/rows.ts'
import { gauges, newBoot, report, temporaryDirectory } from '../fixtures.ts'
import { startInfluxd } from '../influx/servers.ts'
import { suiteOnSmallDisk } from '../small-disk.ts'
import { FAST, switched } from '../switched-store.ts'

suiteOnSmallDisk('the spool on a full disk', 8, (disk) => {
  it('refuses with DISK_FULL, and takes again when there is space', { timeout: 30_000 }, async () => {
    const directory = temporaryDirectory()
    const path = join(directory.path, 'metrics.duckdb')
    const store = switched(await openDuckdbStore({ path, clock: () => NOW }))
    store.away = true
    const writer = createSpoolingWriter({
      store,
      directory: join(disk(), 'spool'),
      maxBytes: 1e9,
      segmentBytes: 300_000,
      log: pino({ level: 'silent' }),
      registry: new Registry(),
      clock: () => NOW,
      retryMs: FAST,
    })
    await writer.start()
    const layout = gauges(100)
    const acknowledged: number[] = []
    const write = async (seq: number): Promise<void> => {
      await writer.write([
        report({ layout, seq, timeMs: NOW + seq, values: new Float64Array(100).fill(seq) }),
      ])
      acknowledged.push(seq)
    }
    for (let seq = 0; seq < 10; seq++) await write(seq)
    spawnSync('sh', ['-c', `cat /dev/zero > ${join(disk(), 'ballast')} 2>/dev/null`])
    let refusal: unknown
    for (let seq = 10; seq < 2000 && refusal === undefined; seq++) {
      await write(seq).catch((error: unknown) => (refusal = error))
    }
    expect(refusal).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('spool') })
    rmSync(join(disk(), 'ballast'))
    for (let seq = 5000; seq < 5010; seq++) await write(seq)
    store.away = false
    await expect.poll(() => writer.state().reports, { timeout: 15_000 }).toBe(0)
    await writer.stop()
    await store.close()
    const stored = await rowsOf(path, `SELECT value, count(*) FROM ${SAMPLES} GROUP BY 1 ORDER BY 1`)
    expect(stored).toEqual(acknowledged.map((seq) => [seq, 100]))
    directory.remove()
  })
})

suiteNeeding(['influxd'], 'the spool before a real influxd', ({ influxd }) => {
  it('loses no acknowledged sample over three kills under load', { timeout: 120_000 }, async () => {
    const directory = temporaryDirectory()
    onTestFinished(directory.remove)
    const server = await startInfluxd(influxd)
    onTestFinished(() => server.stop())
    const store = openInflux1Store({ url: server.url, database: 'vigia', clock: () => NOW, timeoutMs: 5000 })
    const writer = createSpoolingWriter({
      store,
      directory: directory.path,
      maxBytes: 1e9,
      log: pino({ level: 'silent' }),
      registry: new Registry(),
      clock: () => Date.now(),
      retryMs: FAST,
    })
    await writer.start()
    const layout = gauges(20)
    const boot = newBoot()
    const acknowledged = new Map<string, number>()
    let running = true
    let sawSpool = 0
    const load = async (device: string): Promise<void> => {
      for (let seq = 0; running; seq++) {
        const values = new Float64Array(20).fill(seq)
        await writer.write([
          report({ device, boot, layout, seq, timeMs: NOW - 3_000_000 + seq * 10, values }),
        ])
        acknowledged.set(device, seq + 1)
        sawSpool = Math.max(sawSpool, writer.state().reports)
      }
    }
    const loads = ['d-a', 'd-b', 'd-c', 'd-d'].map(load)
    for (let kill = 0; kill < 3; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 400 + Math.random() * 400))
      await server.kill()
      await new Promise((resolve) => setTimeout(resolve, 300))
      await server.start()
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    running = false
    await Promise.all(loads)
    await expect.poll(() => writer.state().reports, { timeout: 60_000 }).toBe(0)
    expect(sawSpool).toBeGreaterThan(0)
    for (const [device, count] of acknowledged) {
      const [total] = await totals(server.url, device)
      expect(total, device).toEqual({ count: count * 20, sum: ((count * (count - 1)) / 2) * 20 })
    }
    await writer.stop()
    await store.close()
  })
})

async function totals(url: string, device: string): Promise<{ count: number; sum: number }[]> {
  const select = `SELECT count(value), sum(value) FROM vigia_raw./.*/ WHERE device = '${device}'`
  const answer = await fetch(`${url}/query?db=vigia&epoch=ms&q=${encodeURIComponent(select)}`)
  const { results } = (await answer.json()) as {
    results: { series?: { values: [number, number, number][] }[] }[]
  }
  const rows = results[0]?.series ?? []
  return [
    {
      count: rows.reduce((sum, { values }) => sum + values[0]![1], 0),
      sum: rows.reduce((sum, { values }) => sum + values[0]![2], 0),
    },
  ]
}
