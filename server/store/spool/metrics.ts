import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../../contract/clock.ts'
import type { SpoolState } from './state.ts'

/** What the spool counts. */
export type SpoolMetrics = { spooled(reports: number): void; damaged(): void; refused(): void }

/** Registers the spool's metrics; gauges are read from `state` when they are asked for. */
export function spoolMetrics(registry: Registry, state: () => SpoolState, clock: Clock): SpoolMetrics {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (state: SpoolState) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(state()))
      },
    })
  }
  gauge('vigia_store_away', '1 while the metrics store is away and reports wait on disk', ({ away }) =>
    Number(away),
  )
  gauge('vigia_store_spool_bytes', 'Bytes that wait on disk for the metrics store', ({ bytes }) => bytes)
  gauge(
    'vigia_store_spool_reports',
    'Reports that wait on disk for the metrics store',
    ({ reports }) => reports,
  )
  gauge('vigia_store_spool_age_seconds', 'For how long the oldest of them has waited', ({ oldestMs }) =>
    oldestMs === null ? 0 : Math.max(0, clock() - oldestMs) / 1000,
  )
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers })
  const spooled = counter('vigia_store_spooled_reports_total', 'Reports that went to disk')
  const damaged = counter(
    'vigia_store_spool_damaged_total',
    'Damaged parts of the spool that were kept aside',
  )
  const refused = counter(
    'vigia_store_spool_refused_total',
    'Reports that the store refused for good, kept aside',
  )
  return {
    spooled: (reports) => spooled.inc(reports),
    damaged: () => damaged.inc(),
    refused: () => refused.inc(),
  }
}
