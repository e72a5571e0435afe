import type { Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import { createAlertQueue, type AlertQueue } from '../alert/queue.ts'
import type { Broker } from '../broker/broker.ts'
import type { Documents } from '../fleet/documents.ts'
import type { HostileBook } from '../hostile-book.ts'
import { createIngest, type Ingest } from '../ingest/ingest.ts'
import type { Logger } from '../observe/log.ts'
import { deliverAlerts, fromIngest, type Stages } from '../pipeline.ts'
import type { SpoolingWriter } from '../store/spool/spool.ts'

/** Ingest before the store, which knows what the store has already; what it hands on goes to the stages. */
export async function openIngest(needs: {
  writer: SpoolingWriter
  documents: Documents
  broker: Broker
  hostile: HostileBook
  clock: Clock
  registry: Registry
  log: Logger
  stages: () => Stages
}): Promise<Ingest> {
  const { writer, documents, broker, hostile, clock, registry, log, stages } = needs
  return createIngest({
    store: writer,
    seen: await writer.seen(),
    layouts: {
      get: (address, hash) => documents.layout(address, hash),
      save: (address, layout) => documents.saveLayout(address, layout),
    },
    clock,
    registry,
    log,
    send: (address, message) => broker.send(address, message),
    hostile: (sample) => hostile.keep(sample),
    ...fromIngest(stages),
  })
}

/** The queue that takes alerts from the rules to the stages behind them, and says what keeps them. */
export function openAlerts(stages: Parameters<typeof deliverAlerts>[0], log: Logger): AlertQueue {
  return createAlertQueue({
    deliver: deliverAlerts(stages),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onRetry: (error, waitMs) => log.warn({ err: error, waitMs }, 'alerts wait for the records'),
    onLost: (error, lost) =>
      log.error(
        { err: error, alerts: lost.map(({ fingerprint }) => fingerprint) },
        'alerts could not become incidents',
      ),
  })
}
