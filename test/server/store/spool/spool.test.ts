import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDuckdbStore } from '../../../../server/store/duckdb/duckdb.ts'
import { createSpoolingWriter, type SpoolingWriter } from '../../../../server/store/spool/spool.ts'
import type { StoredReport } from '../../../../server/store/store.ts'
import { NOW } from '../contract.ts'
import { rowsOf, SAMPLES } from '../duckdb/rows.ts'
import { DEVICE, newBoot, report, temporaryDirectory } from '../fixtures.ts'
import { FAST, switched } from '../switched-store.ts'

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
