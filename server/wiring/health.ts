import type { Clock } from '../../contract/clock.ts'
import type { Health } from '../../contract/views.ts'
import type { AlertQueue } from '../alert/queue.ts'
import type { Broker } from '../broker/broker.ts'
import { checkHealth, type HealthProbe } from '../observe/health.ts'
import type { OpenRecords } from '../records/open.ts'
import type { Coverage } from '../rules/coverage.ts'
import { ruleHealth } from '../rules/health.ts'
import type { RuleBook } from '../rules/rule-book.ts'
import type { SpoolingWriter } from '../store/spool/spool.ts'
import type { MetricStore } from '../store/store.ts'

type Parts = {
  records: OpenRecords
  store: MetricStore
  writer: SpoolingWriter
  broker: Broker
  alerts: AlertQueue
  ruleBook: RuleBook
  coverage: Coverage
  /** Parts that bring their own. */
  others: readonly { health: HealthProbe }[]
}

/** What the server asks of itself for /healthz and the console. */
export function healthOf(
  parts: Parts & { version: string; startedAtMs: number; clock: Clock },
): () => Promise<Health> {
  const { version, startedAtMs, clock } = parts
  const probes = probesOf(parts)
  return () => checkHealth(probes, { version, startedAtMs, clock })
}

function probesOf(parts: Parts): HealthProbe[] {
  const { records, store, writer, broker, alerts, ruleBook, coverage, others } = parts
  return [
    { name: 'records', probe: () => records.health() },
    {
      name: 'store',
      async probe() {
        const spool = writer.state()
        if (spool.reports > 0)
          return {
            state: 'degraded',
            message: `${spool.reports} reports (${spool.bytes} bytes) wait on disk: ${spool.lastError ?? 'being written'}`,
          }
        await store.ping()
        return { state: 'ok', message: store.name }
      },
    },
    {
      name: 'broker',
      async probe() {
        await broker.ping()
        return { state: 'ok', message: `${broker.name}, sessions: ${broker.sessions()}` }
      },
    },
    {
      name: 'rules',
      async probe() {
        return ruleHealth({ book: ruleBook, coverage: coverage.summary(), waiting: alerts.size() })
      },
    },
    ...others.map(({ health }) => health),
  ]
}
