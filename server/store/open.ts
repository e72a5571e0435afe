import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import { openDuckdbStore } from './duckdb/duckdb.ts'
import { DEFAULT_RETENTION, type Retention } from './buckets.ts'
import { openInflux1Store } from './influx/influx1.ts'
import { openInflux2Store } from './influx/influx2.ts'
import type { MetricStore } from './store.ts'

/** The `store` part of the server's configuration. */
export type StoreConfig =
  | { kind: 'duckdb'; memoryMb?: number | undefined }
  | {
      kind: 'influx1'
      url: string
      database: string
      username?: string | undefined
      password?: string | undefined
    }
  | {
      kind: 'influx2'
      url: string
      org: string
      bucket: string
      hourlyBucket?: string | undefined
      token: string
    }

/** Where the embedded store keeps its file, and the clock and retention of any. */
export type StoreContext = { dataDir: string; clock: Clock; retention?: Retention }

/**
 * Opens the configured store. The embedded one throws DATA_IN_USE, DATA_UNREADABLE or DISK_FULL at once; one on the
 * network may be away now and come later: `ping` says where it is looked for and why it does not answer.
 */
export async function openStore(config: StoreConfig, context: StoreContext): Promise<MetricStore> {
  const common = { clock: context.clock, retention: context.retention ?? DEFAULT_RETENTION }
  switch (config.kind) {
    case 'duckdb':
      return openDuckdbStore({
        ...common,
        path: join(ownFolder(context.dataDir), 'metrics.duckdb'),
        ...(config.memoryMb === undefined ? {} : { memoryLimitMb: config.memoryMb }),
      })
    case 'influx1': {
      const { url, database, username, password } = config
      return openInflux1Store({
        ...common,
        url,
        database,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
      })
    }
    case 'influx2': {
      const { url, org, bucket, hourlyBucket, token } = config
      return openInflux2Store({
        ...common,
        url,
        org,
        bucket,
        token,
        ...(hourlyBucket === undefined ? {} : { hourlyBucket }),
      })
    }
    default:
      return config satisfies never
  }
}

/** DuckDB makes its files readable for all; the folder around them lets nobody else in. */
function ownFolder(dataDir: string): string {
  const folder = join(dataDir, 'metrics')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (thrown) {
    throw new VigiaError('DATA_UNREADABLE', `Cannot make ${folder}: ${String(thrown)}`, { cause: thrown })
  }
  return folder
}
