import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Layout, SeriesSpec } from '../../../contract/report.ts'
import { layoutText } from '../../../contract/wire.ts'
import type { MetricStore, StoredReport } from '../../../server/store/store.ts'

/** A store as the parts of its contract see it; `device` makes a name that no other test has. */
export type OpenStore = { store: () => MetricStore; device: () => string; now: number }

/** A layout over these series with its true hash. */
export function layoutOf(series: SeriesSpec[]): Layout {
  const hash = createHash('sha256').update(layoutText(series)).digest('hex').slice(0, 16)
  return { v: 1, hash, series }
}

/** A layout of `count` gauges, told apart by a label. */
export function gauges(count: number): Layout {
  return layoutOf(
    Array.from({ length: count }, (_, i) => ({
      metric: `test.gauge_${i % 8}`,
      labels: { unit_no: String(i) },
      unit: '%',
    })),
  )
}

export const ONE = layoutOf([{ metric: 'cpu.used_percent', labels: {}, unit: '%' }])
export const BOOT = '00112233aabbccdd'
export const DEVICE = 'd-aaaaaaaaaaaaaaa2'

/** A report with defaults for everything but what the test is about. */
export function report(part: Partial<StoredReport> & { seq: number; timeMs: number }): StoredReport {
  return { client: 'demo', device: DEVICE, boot: BOOT, layout: ONE, values: Float64Array.of(1), ...part }
}

/** A new 16-digit boot identity. */
export function newBoot(): string {
  return randomBytes(8).toString('hex')
}

/** A directory of its own under the system's temporary one. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'vigia-store-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The numbers from `from` on, before `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
