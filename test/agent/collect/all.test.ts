import { createHook } from 'node:async_hooks'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { allCollectors } from '../../../agent/collect/all.ts'
import { createCycle } from '../../../agent/collect/cycle.ts'
import type { Collector } from '../../../agent/collect/collector.ts'
import { METRICS } from '../../../contract/metrics.ts'
import { UnitName } from '../../../contract/ids.ts'
import { machine, POLICY, START_MS, watch } from './machine.ts'

const FOLDER = fileURLToPath(new URL('../../../agent/collect', import.meta.url))
const quiet = { info: () => undefined, warn: () => undefined }

function isCollector(value: unknown): value is Collector {
  return typeof value === 'object' && value !== null && 'create' in value && 'metrics' in value
}

describe('all collectors', () => {
  it('are each one file, named as the unit, and listed once', async () => {
    const [found, others]: [string[], string[]] = [[], []]
    for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.ts'))) {
      const exports = Object.values((await import(`${FOLDER}/${file}`)) as Record<string, unknown>).filter(
        isCollector,
      )
      expect(exports.length, file).toBeLessThan(2)
      const [collector] = exports
      if (collector === undefined) {
        others.push(file)
        continue
      }
      expect(`${collector.name}.ts`).toBe(file)
      expect(UnitName.safeParse(collector.name).success).toBe(true)
      found.push(collector.name)
    }
    expect(others.sort()).toEqual(['all.ts', 'collector.ts', 'cycle.ts', 'segment.ts'])
    expect(found.length).toBeGreaterThan(15)
    expect(allCollectors.map(({ name }) => name).sort()).toEqual(found.sort())
  })

  it('together report every metric of the contract that is not the inventory’s', () => {
    const declared = allCollectors.flatMap(({ metrics }) => metrics)
    expect(new Set(declared).size).toBe(declared.length)
    const rest = Object.keys(METRICS).filter(
      (name) => !/^(?:package|smart|battery)\.|collector_failed$/.test(name),
    )
    expect(declared.toSorted()).toEqual(rest.sort())
  })

  it('report metrics, units and labels as the contract has them, on every recorded machine', async () => {
    for (const name of ['debian-12-vm', 'ubuntu-24.04-laptop', 'ubuntu-22.04-vm-steal'] as const) {
      const on = machine(name)
      const policy = {
        ...POLICY,
        services: ['ssh'],
        certificates: ['/etc/ssl/none.pem'],
        includeMounts: ['/tmp/lab'],
      }
      const cycle = createCycle({ policy, log: quiet, root: on.root })
      for (const intervalS of cycle.groups().keys()) {
        const { series } = await cycle.run(START_MS, intervalS)
        for (const { metric, labels, unit } of series) {
          const row = METRICS[metric as keyof typeof METRICS]
          expect(unit).toBe(row.unit)
          expect(Object.keys(labels).sort(), metric).toEqual([...row.labels].sort())
        }
        on.later()
        const again = await cycle.run(START_MS + 30_000, intervalS)
        expect(again.series).toBe(series)
        expect(
          again.series.flatMap(({ labels }, i) => (again.values[i] === 1 ? (labels['collector'] ?? []) : [])),
        ).toEqual([])
      }
    }
  })

  it('say unavailable, never zero, on a machine where nothing can be read', async () => {
    const read = await watch(machine(), allCollectors, { dataDir: '/does/not/exist' }).run()
    expect(Object.keys(read).length).toBeGreaterThan(25)
    const told = Object.entries(read).filter(
      ([key, value]) => value !== null && !/^agent\.(cpu|rss)/.test(key),
    )
    expect(told).toEqual([])
  })

  it('run on this machine, fork nothing below five minutes, and take less than 3 ms of CPU a cycle', async () => {
    const forks: string[] = []
    const hook = createHook({
      init(_id, type) {
        if (type === 'PROCESSWRAP') forks.push(type)
      },
    }).enable()
    const cycle = createCycle({ policy: { ...POLICY, services: ['ssh', 'cron'] }, log: quiet })
    const intervals = [...cycle.groups().keys()]
    const hot = intervals[0]!
    for (const intervalS of intervals.filter((each) => each < 300)) await cycle.run(Date.now(), intervalS)
    const before = process.cpuUsage()
    for (let i = 0; i < 20; i++) await cycle.run(Date.now(), hot)
    const { user, system } = process.cpuUsage(before)
    hook.disable()
    expect(forks).toEqual([])
    expect((user + system) / 1000 / 20).toBeLessThan(3)
  })

  it('would see a fork', async () => {
    const forks: string[] = []
    const hook = createHook({
      init(_id, type) {
        if (type === 'PROCESSWRAP') forks.push(type)
      },
    }).enable()
    const { execFile } = await import('node:child_process')
    await new Promise((resolve) => execFile('true', resolve))
    hook.disable()
    expect(forks).toEqual(['PROCESSWRAP'])
  })
})
