import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Connection } from './connection.ts'
import { startEmbedded } from './embedded.ts'
import type { PlaceOptions } from './embedded-place.ts'
import { parseDatabaseUrl } from './external.ts'
import { migrate } from './migrate.ts'
import { connectRecords, type Records } from './records.ts'

/** The records, migrated and ready. `owner` is the connection of the tables' owner, for backup and restore. */
export type OpenRecords = {
  records: Records
  owner: Connection
  mode: 'embedded' | 'external'
  schemaVersion: number
  /** Asks the database itself. */
  health(): Promise<{ state: 'ok' | 'degraded' | 'down'; message: string }>
  close(): Promise<void>
}

/**
 * Opens the records: the PostgreSQL of `databaseUrl`, or without one an embedded one in the data directory, and
 * brings its schema forward. Throws what startEmbedded, parseDatabaseUrl and migrate throw.
 */
export async function openRecords(
  options: PlaceOptions & { clock: Clock; databaseUrl?: string | undefined; maxConnections?: number },
): Promise<OpenRecords> {
  const { databaseUrl, maxConnections } = options
  const embedded = databaseUrl === undefined ? await startEmbedded(options) : undefined
  const owner = embedded?.connection ?? parseDatabaseUrl(databaseUrl ?? '')
  try {
    const schemaVersion = await migrate(owner, { clock: options.clock })
    const records = connectRecords(owner, maxConnections === undefined ? {} : { maxConnections })
    return {
      records,
      owner,
      mode: embedded ? 'embedded' : 'external',
      schemaVersion,
      async health() {
        const process = embedded?.health()
        if (process !== undefined && process.state !== 'ok') return process
        try {
          await records.ping()
          return { state: 'ok', message: embedded ? 'embedded' : `PostgreSQL at ${owner.host}` }
        } catch (thrown) {
          return { state: 'down', message: thrown instanceof Error ? thrown.message : String(thrown) }
        }
      },
      async close() {
        await records.close()
        await embedded?.stop()
      },
    }
  } catch (thrown) {
    await embedded?.stop()
    // PostgreSQL names no disk.
    if (embedded && thrown instanceof VigiaError && thrown.code === 'DISK_FULL')
      throw new VigiaError('DISK_FULL', `${options.dataDir}: ${thrown.message}`, { cause: thrown })
    throw thrown
  }
}
