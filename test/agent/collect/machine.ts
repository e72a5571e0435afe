import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Collector } from '../../../agent/collect/collector.ts'
import { createCycle, type Cycle, type CycleOptions, type CycleReport } from '../../../agent/collect/cycle.ts'
import type { DevicePolicy } from '../../../contract/down.ts'
import { seriesKey } from '../../../contract/wire.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/agent', import.meta.url))
export const START_MS = Date.UTC(2026, 10, 21, 12, 0, 0)

export const POLICY: DevicePolicy = {
  version: 1,
  intervalS: 30,
  collectorIntervalS: {},
  services: [],
  includeMounts: [],
  certificates: [],
}

/** A copy of a recorded machine in a folder of its own, which goes when the test ends. */
export type Machine = {
  root: string
  write(path: string, content: string | Uint8Array): void
  remove(path: string): void
  /** Lays the reading of 30 s on over the first. */
  later(): void
}

export function machine(name?: 'debian-12-vm' | 'ubuntu-24.04-laptop' | 'ubuntu-22.04-vm-steal'): Machine {
  const root = mkdtempSync(join(tmpdir(), 'vigia-machine-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const lay = (part: string): void =>
    cpSync(join(FIXTURES, name ?? '', part), root, { recursive: true, verbatimSymlinks: true })
  if (name !== undefined) lay('first')
  return {
    root,
    write(path, content) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    },
    remove: (path) => rmSync(join(root, path), { recursive: true, force: true }),
    later: () => lay('later'),
  }
}

export type Watch = {
  cycle: Cycle
  /** One cycle of every group; values by series key, null when unavailable, without agent.collector_failed. */
  run(atS?: number): Promise<Record<string, number | null>>
  /** The collectors that were flagged in the last run. */
  failed(): string[]
  facts(): CycleReport['facts']
  warnings: { message: string; fields: object }[]
}

/** Runs collectors over a machine. `atS` counts from START_MS, for both the clock and the monotonic clock. */
export function watch(
  on: Machine,
  collectors: readonly Collector[],
  options: Partial<CycleOptions> = {},
): Watch {
  let nowS = 0
  let failed: string[] = []
  let facts: CycleReport['facts'] = []
  const warnings: Watch['warnings'] = []
  const cycle = createCycle({
    policy: POLICY,
    log: { info: () => undefined, warn: (message, fields) => warnings.push({ message, fields }) },
    root: on.root,
    collectors,
    monotonicMs: () => nowS * 1000,
    arch: 'x64',
    statfs: () => undefined,
    platform: 'linux',
    // No recorded machine has programs to run.
    program: (file) =>
      Promise.resolve({ exitCode: null, stdout: '', stderr: '', error: `${file} is not installed` }),
    ...options,
  })
  return {
    cycle,
    warnings,
    async run(atS = 0) {
      nowS = atS
      failed = []
      facts = []
      const read: Record<string, number | null> = {}
      for (const intervalS of cycle.groups().keys()) {
        const report = await cycle.run(START_MS + atS * 1000, intervalS)
        facts.push(...report.facts)
        report.series.forEach(({ metric, labels }, i) => {
          const value = report.values[i]!
          if (metric !== 'agent.collector_failed')
            read[seriesKey(metric, labels)] = Number.isNaN(value) ? null : value
          else if (value === 1) failed.push(labels['collector']!)
        })
      }
      return read
    },
    failed: () => failed,
    facts: () => facts,
  }
}
