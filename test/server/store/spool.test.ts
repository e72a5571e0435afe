import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { openDuckdbStore } from '../../../server/store/duckdb.ts'
import { openInflux1Store } from '../../../server/store/influx1.ts'
import { createSpoolingWriter, type SpoolingWriter } from '../../../server/store/spool.ts'
import type { MetricStore, StoredReport } from '../../../server/store/store.ts'
import { suiteNeeding } from '../../support/servers.ts'
import { NOW } from './contract.ts'
import { rowsOf, SAMPLES } from './duckdb-file.ts'
import { DEVICE, gauges, newBoot, report, temporaryDirectory } from './fixtures.ts'
import { startInfluxd } from './influx-servers.ts'
import { suiteOnSmallDisk } from './small-disk.ts'

const FAST = { first: 10, longest: 50 }

/** A real store behind a switch: while it is off, calls fail as on a server that is away. */
function switched(store: MetricStore): MetricStore & { away: boolean; ambiguous: boolean } {
  const gate = {
    ...store,
    away: false,
    /** Commits and then says that it did not: what a connection that breaks too late looks like. */
    ambiguous: false,
    async write(reports: readonly StoredReport[]) {
      if (gate.away) throw new VigiaError('STORE_UNAVAILABLE', 'switched off')
      await store.write(reports)
      if (gate.ambiguous) throw new VigiaError('STORE_UNAVAILABLE', 'broke off after the commit')
    },
    async ping() {
      if (gate.away) throw new VigiaError('STORE_UNAVAILABLE', 'switched off')
      await store.ping()
    },
  }
  return gate
}

describe('the spool before an embedded store', () => {
  let directory: ReturnType<typeof temporaryDirectory>
  let path: string
  let spoolPath: string
  let store: ReturnType<typeof switched>
  let writer: SpoolingWriter
  let logged: string[]
  let registry: Registry

  const boot = newBoot()
  const one = (seq: number): StoredReport =>
    report({ boot, seq, timeMs: NOW - 100_000 + seq, values: Float64Array.of(seq) })

  async function open(
    options: { maxBytes?: number; segmentBytes?: number; away?: boolean } = {},
  ): Promise<void> {
    store = switched(await openDuckdbStore({ path, clock: () => NOW }))
    store.away = options.away ?? false
    logged = []
    registry = new Registry()
    writer = createSpoolingWriter({
      store,
      directory: spoolPath,
      maxBytes: options.maxBytes ?? 50_000_000,
      ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
      log: pino({ level: 'info' }, { write: (line: string) => void logged.push(line) }),
      registry,
      clock: () => NOW,
      retryMs: FAST,
    })
    await writer.start()
  }

  async function close(): Promise<void> {
    await writer.stop()
    await store.close()
  }

  async function drained(): Promise<void> {
    await expect
      .poll(() => writer.state(), { timeout: 15_000 })
      .toMatchObject({ reports: 0, bytes: 0, away: false })
  }

  async function storedSequences(): Promise<number[]> {
    return (await rowsOf(path, `SELECT value FROM ${SAMPLES} ORDER BY value`)).map(([value]) => Number(value))
  }

  beforeEach(() => {
    directory = temporaryDirectory()
    path = join(directory.path, 'metrics.duckdb')
    spoolPath = join(directory.path, 'spool')
  })
  afterEach(() => directory.remove())

  it('is not in the way while the store is well', async () => {
    await open()
    await writer.write([one(1), one(2)])
    expect(readdirSync(spoolPath)).toEqual([])
    await close()
    expect(await storedSequences()).toEqual([1, 2])
  })

  it('takes what the store does not, and writes each exactly once when it is back', async () => {
    await open({ segmentBytes: 2000 })
    await writer.write([one(0)])
    store.away = true
    for (let seq = 1; seq < 40; seq++) await writer.write([one(seq)])
    // Sent again by an agent that missed the acknowledgement.
    await writer.write([one(3), one(0)])
    expect(writer.state()).toMatchObject({
      away: true,
      reports: 41,
      oldestMs: NOW,
      lastError: 'switched off',
    })
    expect(readdirSync(spoolPath).length).toBeGreaterThan(2)
    expect(await registry.metrics()).toMatch(/vigia_store_spool_reports 41\n/)
    store.away = false
    await writer.write([one(40)])
    await drained()
    await writer.write([one(41), one(7)])
    await close()
    expect(await storedSequences()).toEqual(Array.from({ length: 42 }, (_, i) => i))
    expect(readdirSync(spoolPath)).toEqual([])
  })

  it('writes nothing twice when the store committed and could not say so', async () => {
    await open()
    store.ambiguous = true
    await writer.write([one(1), one(2)])
    await writer.write([one(3)])
    store.ambiguous = false
    await drained()
    await close()
    expect(await storedSequences()).toEqual([1, 2, 3])
  })

  it('survives a restart, with the sequences that wait', async () => {
    await open()
    await writer.write([one(1)])
    store.away = true
    await writer.write([one(2), one(3)])
    await writer.write([one(7)])
    await close()
    await open({ away: true })
    expect(writer.state().reports).toBe(3)
    expect(await writer.seen()).toEqual([
      {
        device: DEVICE,
        boot,
        ranges: [
          [1, 3],
          [7, 7],
        ],
      },
    ])
    store.away = false
    await drained()
    await close()
    expect(await storedSequences()).toEqual([1, 2, 3, 7])
  })

  it('refuses when it is full, and holds nothing of what it refused', async () => {
    await open({ maxBytes: 3000, away: true })
    const accepted: number[] = []
    let refusal: unknown
    for (let seq = 0; seq < 100 && refusal === undefined; seq++) {
      await writer.write([one(seq)]).then(
        () => accepted.push(seq),
        (error: unknown) => (refusal = error),
      )
    }
    expect(refusal).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/is full .*switched off/),
    })
    store.away = false
    await drained()
    await close()
    expect(await storedSequences()).toEqual(accepted)
  })

  it('passes on what is the fault of a report', async () => {
    await open()
    await expect(
      writer.write([report({ seq: 1, timeMs: NOW, values: new Float64Array(9) })]),
    ).rejects.toMatchObject({
      code: 'STORE_INVALID',
    })
    expect(writer.state().reports).toBe(0)
    await close()
  })

  it('keeps aside what the store will never take, and goes on', async () => {
    await open({ away: true })
    const bad = report({ boot, seq: 99, timeMs: NOW, values: new Float64Array(9) })
    await writer.write([one(1), bad, one(2)])
    await writer.write([one(3)])
    store.away = false
    await drained()
    await close()
    expect(await storedSequences()).toEqual([1, 2, 3])
    expect(readdirSync(spoolPath)).toEqual([expect.stringMatching(/^refused-/)])
    expect(logged.join('')).toContain('the store refuses a report that waited')
  })

  it('cuts a torn end off', async () => {
    await open({ away: true })
    await writer.write([one(1)])
    await writer.write([one(2)])
    await close()
    const [name = ''] = readdirSync(spoolPath)
    truncateSync(join(spoolPath, name), readFileSync(join(spoolPath, name)).length - 3)
    await open()
    await drained()
    await close()
    expect(await storedSequences()).toEqual([1])
    expect(logged.join('')).toContain('torn end')
    expect(readdirSync(spoolPath)).toEqual([])
  })

  it('keeps damage in the middle aside and says so, once', async () => {
    await open({ away: true })
    for (let seq = 1; seq <= 5; seq++) await writer.write([one(seq)])
    await close()
    const [name = ''] = readdirSync(spoolPath)
    const bytes = readFileSync(join(spoolPath, name))
    const length = Math.floor(bytes.length / 5)
    bytes[Math.floor(length * 2.5)]! ^= 0xff
    writeFileSync(join(spoolPath, name), bytes)
    await open()
    await drained()
    expect(await registry.metrics()).toMatch(/vigia_store_spool_damaged_total 1\n/)
    await close()
    const stored = await storedSequences()
    expect(stored).toHaveLength(4)
    expect(stored[0]).toBe(1)
    expect(logged.filter((line) => line.includes('was kept aside'))).toHaveLength(1)
    expect(readdirSync(spoolPath)).toEqual([expect.stringMatching(/^damaged-/)])
  })
})

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
