import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { openDuckdbStore } from '../../../../server/store/duckdb/duckdb.ts'
import { NOW } from '../contract.ts'
import { rowsOf, SAMPLES } from './rows.ts'
import { newBoot, temporaryDirectory } from '../fixtures.ts'

const KILLS = 10

it('has every acknowledged report exactly once after kill -9, ten times', { timeout: 120_000 }, async () => {
  const directory = temporaryDirectory()
  const path = join(directory.path, 'metrics.duckdb')
  const acknowledged = new Map<string, Set<number>>()
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      await writeUntilKilled(path, newBoot(), NOW - (kill + 3) * 24 * 3_600_000, acknowledged)
      const store = await openDuckdbStore({ path, clock: () => NOW, minFreeBytes: 0 })
      const seen = await store.seen()
      for (const [key, sequences] of acknowledged) {
        const ranges = seen.find((one) => `${one.device} ${one.boot}` === key)?.ranges ?? []
        const missing = [...sequences].filter((seq) => !ranges.some(([from, to]) => from <= seq && seq <= to))
        expect(missing, `${key} after kill ${kill + 1}`).toEqual([])
      }
      await store.close()
    }
    const reports = [...acknowledged.values()].reduce((sum, sequences) => sum + sequences.size, 0)
    expect(reports).toBeGreaterThan(KILLS * 20)
    const [[samples, distinct] = []] = await rowsOf(
      path,
      `SELECT count(*), count(DISTINCT (series_id, at_ms)) FROM ${SAMPLES}`,
    )
    expect(distinct).toBe(samples)
    expect(samples).toBeGreaterThanOrEqual(reports * 20)
    // Sequences and samples stand and fall together: as many samples as seen sequences have series.
    const [[sequences] = []] = await rowsOf(
      path,
      'SELECT count(DISTINCT (boot_id, s)) FROM (SELECT boot_id, unnest(range(seq_from, seq_to + 1)) AS s FROM seen)',
    )
    expect(samples).toBe(Number(sequences) * 20)
    const [[hourly, closed] = []] = await rowsOf(
      path,
      'SELECT (SELECT sum(count)::BIGINT FROM hourly), (SELECT count(*) FROM sample)',
    )
    expect(hourly).toBe(closed)
    const [[wrong] = []] = await rowsOf(
      path,
      `SELECT count(*) FROM ${SAMPLES} WHERE (at_ms // 1000) % 3600 <> value % 3600`,
    )
    expect(wrong).toBe(0)
  } finally {
    directory.remove()
  }
})

async function writeUntilKilled(
  path: string,
  boot: string,
  startMs: number,
  acknowledged: Map<string, Set<number>>,
): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'kill-child.ts'), path, boot, String(startMs)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let complaint = ''
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()))
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })
  let timer: NodeJS.Timeout | undefined
  lines.on('line', (line) => {
    timer ??= setTimeout(() => child.kill('SIGKILL'), 50 + Math.random() * 600)
    const [word, device, ofBoot, seq] = line.split(' ')
    if (word !== 'ack') return
    const key = `${device} ${ofBoot}`
    acknowledged.set(key, (acknowledged.get(key) ?? new Set()).add(Number(seq)))
  })
  const [code, signal] = (await ended) as [number | null, string | null]
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself with ${code}: ${complaint}`)
}
