import { join } from 'node:path'
import type { Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import type { ServerConfig } from '../config.ts'
import type { Logger } from '../observe/log.ts'
import { openRecords } from '../records/open.ts'
import { openStore } from '../store/open.ts'
import { createSpoolingWriter } from '../store/spool/spool.ts'

const DAY_MS = 86_400_000
const SPOOL_BYTES = 2 * 1024 * 1024 * 1024

type Options = {
  dataDir: string
  config: ServerConfig
  clock: Clock
  log: Logger
  registry: Registry
  undo: (() => void | Promise<void>)[]
}

/** Opens where everything is kept: the records, the store of metrics, and before it the spool. */
export async function openData({ dataDir, config, clock, log, registry, undo }: Options) {
  const openedRecords = await openRecords({
    dataDir,
    clock,
    databaseUrl: config.records.url,
    say: (message) => log.info({ part: 'records' }, message),
  })
  undo.push(() => openedRecords.close())
  const { rawDays, hourlyDays } = config.retention
  const store = await openStore(config.store, {
    dataDir,
    clock,
    retention: { rawMs: rawDays * DAY_MS, hourlyMs: hourlyDays * DAY_MS },
  })
  undo.push(() => store.close())
  const writer = createSpoolingWriter({
    ...{ store, registry, clock },
    directory: join(dataDir, 'spool'),
    maxBytes: SPOOL_BYTES,
    log: log.child({ part: 'store' }),
  })
  await writer.start()
  undo.push(() => writer.stop())
  return { openedRecords, store, writer }
}
