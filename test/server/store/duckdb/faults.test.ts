import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDuckdbStore } from '../../../../server/store/duckdb/duckdb.ts'
import { NOW } from '../contract.ts'
import { rowsOf, SAMPLES } from './rows.ts'
import { gauges, newBoot, report, temporaryDirectory } from '../fixtures.ts'
import { suiteOnSmallDisk } from '../small-disk.ts'

const DAY = 86_400_000

describe('the embedded store', () => {
  let directory: ReturnType<typeof temporaryDirectory>
  let path: string
  beforeEach(() => {
    directory = temporaryDirectory()
    path = join(directory.path, 'metrics.duckdb')
  })
  afterEach(() => directory.remove())

  it('is refused to a second process, with the first one named', { timeout: 30_000 }, async () => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'kill-child.ts'), path, newBoot(), String(NOW - DAY)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    await expect(openDuckdbStore({ path, clock: () => NOW })).rejects.toMatchObject({
      code: 'DATA_IN_USE',
      message: expect.stringContaining(`process ${child.pid}`),
    })
    child.kill('SIGKILL')
    await once(child, 'close')
    await (await openDuckdbStore({ path, clock: () => NOW })).close()
  })

  it('is refused a second time in the same process, and free again after a close', async () => {
    const store = await openDuckdbStore({ path, clock: () => NOW })
    await expect(openDuckdbStore({ path, clock: () => NOW })).rejects.toMatchObject({ code: 'DATA_IN_USE' })
    await store.close()
    await (await openDuckdbStore({ path, clock: () => NOW })).close()
  })

  it('says which file is not a database', async () => {
    writeFileSync(path, 'this is not a database, and longer than any header of one could be'.repeat(100))
    await expect(openDuckdbStore({ path, clock: () => NOW })).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringContaining(path),
    })
  })

  it('refuses to write while its disk has less than the reserve', async () => {
    const store = await openDuckdbStore({ path, clock: () => NOW, minFreeBytes: Number.MAX_SAFE_INTEGER })
    const full = { code: 'DISK_FULL', message: expect.stringContaining(directory.path) }
    await expect(store.write([report({ seq: 1, timeMs: NOW })])).rejects.toMatchObject(full)
    await expect(store.ping()).rejects.toMatchObject(full)
    await store.close()
  })

  it(
    'lets the main thread go on while it commits 200,000 samples at a time',
    { timeout: 60_000 },
    async () => {
      const store = await openDuckdbStore({ path, clock: () => NOW })
      const layout = gauges(80)
      const values = new Float64Array(80).fill(1)
      const batch = (seq: number) =>
        Array.from({ length: 500 }, (_, i) =>
          report({ device: `d-${i}`, layout, seq, timeMs: NOW - DAY + seq * 1000, values }),
        )
      await store.write(batch(0))
      // CPU time of this thread, not time on the wall: the machine may be busy with something else.
      const cpuMs = (): number => {
        const { user, system } = process.threadCpuUsage()
        return (user + system) / 1000
      }
      let longestTurnMs = 0
      let turnBeganMs = cpuMs()
      let measuring = true
      const turn = (): void => {
        longestTurnMs = Math.max(longestTurnMs, cpuMs() - turnBeganMs)
        turnBeganMs = cpuMs()
        if (measuring) setTimeout(turn, 1)
      }
      turn()
      const before = cpuMs()
      for (let seq = 1; seq <= 25; seq += 5) {
        await Promise.all([0, 1, 2, 3, 4].map((i) => store.write(batch(seq + i))))
      }
      measuring = false
      // A commit of 200,000 samples with its checkpoint takes some 200 ms; here they are only flattened.
      expect(longestTurnMs).toBeLessThan(100)
      expect((cpuMs() - before) / 1000).toBeLessThan(0.5)
      await store.close()
      expect(await rowsOf(path, `SELECT count(*) FROM ${SAMPLES}`)).toEqual([[26 * 500 * 80]])
    },
  )

  it('sorts closed hours, drops raw samples past their retention and gives their space back', async () => {
    const store = await openDuckdbStore({ path, clock: () => NOW })
    const layout = gauges(80)
    const boot = newBoot()
    const write = (from: number, count: number, firstSeq: number) =>
      store.write(
        Array.from({ length: count }, (_, i) =>
          report({
            boot,
            layout,
            seq: firstSeq + i,
            timeMs: from + i * 10_000,
            values: new Float64Array(80).map(() => Math.random()),
          }),
        ),
      )
    await write(NOW - 29 * DAY, 3000, 0)
    await write(NOW - 60_000, 6, 3000)
    await store.maintain(NOW)
    const grown = statSync(path).size
    for (let round = 0; round < 3; round++) {
      await write(NOW - 28 * DAY + round * 100_000_000, 3000, 4000 + round * 3000)
      await store.maintain(NOW + 2 * DAY + round * 100_000_000)
    }
    await store.close()
    expect(await rowsOf(path, 'SELECT count(*) FROM recent')).toEqual([[0]])
    const [[kept] = []] = await rowsOf(path, 'SELECT count(*) FROM sample')
    expect(kept).toBe(3000 * 80 + 480)
    expect(await rowsOf(path, 'SELECT sum(count)::BIGINT FROM hourly')).toEqual([[4 * 3000 * 80 + 480]])
    expect(statSync(path).size).toBeLessThan(grown * 3)
  })

  it('forgets sequences that nobody can send any more, and no others', async () => {
    const store = await openDuckdbStore({ path, clock: () => NOW })
    const [old, young] = [newBoot(), newBoot()]
    for (const [boot, timeMs] of [
      [old, NOW - 29 * DAY],
      [young, NOW - 5 * DAY],
    ] as const) {
      for (const seq of [1, 2, 3, 5]) await store.write([report({ boot, seq, timeMs: timeMs + seq })])
    }
    await store.maintain(NOW)
    expect(await store.seen()).toHaveLength(2)
    await store.maintain(NOW + 2 * DAY)
    const left = [
      {
        device: report({ seq: 0, timeMs: 0 }).device,
        boot: young,
        ranges: [
          [1, 3],
          [5, 5],
        ],
      },
    ]
    expect(await store.seen()).toEqual(left)
    await store.close()
    expect(await rowsOf(path, 'SELECT seq_from, seq_to FROM seen ORDER BY 1')).toEqual([
      [1, 3],
      [5, 5],
    ])
    const again = await openDuckdbStore({ path, clock: () => NOW })
    expect(await again.seen()).toEqual(left)
    await again.close()
  })

  it('marks a sequence that has no samples, so that runs stay whole', async () => {
    const store = await openDuckdbStore({ path, clock: () => NOW })
    const boot = newBoot()
    await store.write([
      report({ boot, seq: 1, timeMs: NOW }),
      report({ boot, seq: 2, timeMs: NOW, values: new Float64Array(0) }),
      report({ boot, seq: 3, timeMs: NOW }),
    ])
    expect((await store.seen())[0]?.ranges).toEqual([[1, 3]])
    await store.close()
  })
})

suiteOnSmallDisk('the embedded store on a full disk', 96, (disk) => {
  it(
    'acknowledges nothing that it loses, says so, and works when there is space again',
    { timeout: 60_000 },
    async () => {
      const path = join(disk(), 'metrics.duckdb')
      const ballast = join(disk(), 'ballast')
      const store = await openDuckdbStore({ path, clock: () => NOW, minFreeBytes: 0, walLimitMb: 8 })
      const layout = gauges(80)
      let committed = 0
      const write = async (seq: number): Promise<void> => {
        const batch = Array.from({ length: 100 }, (_, i) =>
          report({
            device: `d-${i}`,
            layout,
            seq,
            timeMs: NOW - DAY + seq * 1000,
            values: new Float64Array(80).map(() => Math.random()),
          }),
        )
        await store.write(batch)
        committed++
      }
      for (let seq = 0; seq < 20; seq++) await write(seq)
      spawnSync('sh', ['-c', `cat /dev/zero > ${ballast} 2>/dev/null`])
      let failure: unknown
      let failedAt = 0
      for (let seq = 20; seq < 400 && failure === undefined; seq++) {
        failedAt = seq
        await write(seq).catch((error: unknown) => (failure = error))
      }
      expect(failure).toMatchObject({ code: 'DISK_FULL' })
      rmSync(ballast)
      await expect
        .poll(() => write(failedAt).then(() => 'written', String), { timeout: 20_000, interval: 300 })
        .toBe('written')
      for (let seq = failedAt + 1; seq < failedAt + 10; seq++) await write(seq)
      await store.close()
      expect(
        await rowsOf(path, `SELECT count(*), count(DISTINCT (series_id, at_ms)) FROM ${SAMPLES}`),
      ).toEqual([[committed * 8000, committed * 8000]])
      expect(committed).toBe(failedAt + 10)
    },
  )
})
