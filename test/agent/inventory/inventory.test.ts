import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runInventory } from '../../../agent/inventory/inventory.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { METRICS, type MetricName } from '../../../contract/metrics.ts'
import { FACT_KINDS, SeriesSpec } from '../../../contract/report.ts'

const quiet = { info: () => undefined, warn: () => undefined }
const sh = (script: string): readonly [string, ...string[]] => ['/bin/sh', '-c', script]
const line = (kind: string, document: object): string =>
  JSON.stringify({ kind, document, samples: [], unavailable: [] })

function unavailableOf(
  inventory: Awaited<ReturnType<typeof runInventory>>,
): { part: string; reason: string }[] {
  const { document } = inventory.facts.find(({ kind }) => kind === 'unavailable')!
  return (document as { parts: { part: string; reason: string }[] }).parts
}

describe('the inventory of this machine', () => {
  it('has its system and packages, each document within its bound, each value in the contract', async () => {
    const { facts, series, values } = await runInventory({ timeoutMs: 60_000, log: quiet })
    const kinds = facts.map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['os', 'hardware', 'users', 'unavailable']))
    for (const { kind, document } of facts) {
      expect(FACT_KINDS).toContain(kind)
      expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThan(LIMITS.factsBytes)
    }
    expect(facts.find(({ kind }) => kind === 'os')!.document).toMatchObject({ platform: 'linux' })
    expect(values).toHaveLength(series.length)
    for (const each of series) {
      SeriesSpec.parse(each)
      const row = METRICS[each.metric as MetricName]
      expect([each.unit, Object.keys(each.labels).sort()]).toEqual([row.unit, [...row.labels].sort()])
    }
    expect(series.map(({ metric }) => metric)).toContain('package.pending_updates_count')
    const told = new Set([...kinds, ...unavailableOf({ facts, series, values }).map(({ part }) => part)])
    for (const kind of ['os', 'hardware', 'battery', 'users', 'smart', 'packages'])
      expect(told).toContain(kind)
  }, 70_000)
})

describe('the child of the inventory', () => {
  it('is ended with everything that it started when it takes too long; what it told stands', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-inventory-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const pidFile = join(folder, 'pid')
    const startMs = performance.now()
    const inventory = await runInventory({
      timeoutMs: 700,
      log: quiet,
      command: sh(`echo '${line('os', { distro: 'X' })}'; sleep 60 & echo $! > ${pidFile}; wait`),
    })
    expect(performance.now() - startMs).toBeLessThan(10_000)
    expect(inventory.facts[0]).toEqual({ kind: 'os', document: { distro: 'X' } })
    expect(unavailableOf(inventory).find(({ part }) => part === 'smart')!.reason).toMatch(
      /longer than 700 ms/,
    )
    const pid = readFileSync(pidFile, 'utf8').trim()
    const isRunning = (): boolean =>
      existsSync(`/proc/${pid}/stat`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    await expect.poll(isRunning, { timeout: 3000 }).toBe(false)
  })

  it('that fails, tells too much, tells nonsense or does not start leaves everything unavailable, with the reason', async () => {
    const reasonOf = async (command: readonly [string, ...string[]]): Promise<string | undefined> =>
      unavailableOf(await runInventory({ timeoutMs: 5000, log: quiet, command })).find(
        ({ part }) => part === 'os',
      )?.reason
    expect(await reasonOf(sh('echo broken library >&2; exit 3'))).toBe(
      'the inventory ended with code 3: broken library',
    )
    expect(await reasonOf(sh('yes'))).toBe('the inventory told too much')
    expect(await reasonOf(sh('echo null; echo "{}"; echo "["; exit 0'))).toBe(
      'the inventory ended with code 0',
    )
    expect(await reasonOf(['/does/not/exist'])).toMatch(/did not start/)
  })

  it('may be ended early', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 100)
    const inventory = await runInventory({
      timeoutMs: 60_000,
      log: quiet,
      command: sh('sleep 60'),
      signal: controller.signal,
    })
    expect(unavailableOf(inventory)[0]!.reason).toBe('the inventory was ended')
  })

  it('marks what it could not read as unavailable, not as zero', async () => {
    const part = {
      kind: 'packages',
      document: null,
      samples: [{ metric: 'package.pending_updates_count', labels: {}, value: null }],
      unavailable: [{ part: 'packages', reason: 'none' }],
    }
    const { series, values } = await runInventory({
      timeoutMs: 5000,
      log: quiet,
      command: sh(`echo '${JSON.stringify(part)}'`),
    })
    expect(series).toEqual([{ metric: 'package.pending_updates_count', labels: {}, unit: 'count' }])
    expect(values).toEqual([Number.NaN])
  })
})
