import { mkdirSync, realpathSync, statfsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../../../contract/clock.ts'
import { asVigiaError, VigiaError } from '../../../contract/errors.ts'
import type { SeriesData } from '../../../contract/views.ts'
import { bucketing, checkQuery, DEFAULT_RETENTION, sliceScan, withGaps, type Retention } from '../buckets.ts'
import { createCatalog } from '../catalog.ts'
import { buildBatch, type BuiltBatch } from './batch.ts'
import { startDuckdbWorker } from './client.ts'
import { createGroupCommit, type CommitSpacing } from '../group-commit.ts'
import { createLedger } from '../ledger.ts'
import type { MetricStore, ScanQuery, SeriesQuery, StoredReport } from '../store.ts'

/** How to open the embedded store. Only `path` and `clock` are needed; sizes are in megabytes and bytes as named. */
export type DuckdbOptions = {
  path: string
  clock: Clock
  retention?: Retention
  /** DuckDB's own limit; the process takes about 150 MB more. */
  memoryLimitMb?: number
  /** The write-ahead log is folded into the file when it passes this. */
  walLimitMb?: number
  /** With less than this free on its disk the store refuses to write, before the database is hurt. */
  minFreeBytes?: number
  /** Reports that wait together are committed together, up to this many samples. */
  maxBatchSamples?: number
  spacing?: CommitSpacing
}

/** POSIX locks do not keep a process from opening its own file twice, so this does. */
const openHere = new Set<string>()

const REOPEN_EVERY_MS = 1000
const FREE_CHECK_EVERY_MS = 250

/**
 * Opens the embedded store: one DuckDB file, owned by one worker thread. Throws DATA_IN_USE with the holder's
 * process when another has it, DATA_UNREADABLE when it is not a database, DISK_FULL.
 */
export async function openDuckdbStore(options: DuckdbOptions): Promise<MetricStore> {
  const { clock } = options
  const retention = options.retention ?? DEFAULT_RETENTION
  const minFreeBytes = options.minFreeBytes ?? 64 * 1024 * 1024
  const directory = dirname(options.path)
  const path = claim(options.path)
  const client = startDuckdbWorker(path)
  const catalog = createCatalog()
  const ledger = createLedger()
  const forgotten: number[] = []
  const group = createGroupCommit(commit, {
    maxSamples: options.maxBatchSamples ?? 200_000,
    ...(options.spacing === undefined ? {} : { spacing: options.spacing }),
  })
  let failed: { error: VigiaError; at: number } | undefined
  let freeCheckedAt = -Infinity
  let closed = false

  try {
    const answer = await open()
    for (const row of answer.series) catalog.restore(row)
  } catch (error) {
    await client.stop()
    openHere.delete(path)
    throw error
  }
  const latestLoaded = loadLatest()
  // Whoever asks for the latest values hears of a failure; without an asker it is not an unhandled rejection.
  latestLoaded.catch(() => undefined)

  async function open() {
    const answer = await client.call('open', {
      path,
      temporaryDirectory: join(directory, `${basename(path)}.tmp`),
      memoryLimitMb: options.memoryLimitMb ?? 192,
      walLimitMb: options.walLimitMb ?? 64,
      threads: 1,
    })
    ledger.restore(answer.seen)
    return answer
  }

  async function loadLatest(): Promise<void> {
    const answer = await client.call('latest', { sinceMs: clock() - retention.rawMs })
    answer.seriesIds.forEach((seriesId, i) => {
      catalog.restoreLatest(seriesId, answer.timesMs[i] ?? -1, answer.values[i] ?? NaN)
    })
    catalog.restored()
  }

  /** After a failed write the database may be invalid and the outcome unknown: open it again and read what it holds. */
  async function recover(): Promise<void> {
    if (!failed) return
    if (performance.now() - failed.at < REOPEN_EVERY_MS) throw failed.error
    try {
      const answer = await open()
      catalog.dropSaved(new Set(answer.series.map((row) => row.seriesId)))
      failed = undefined
    } catch (error) {
      failed = { error: transient(error), at: performance.now() }
      throw failed.error
    }
  }

  function checkFree(): void {
    const now = performance.now()
    if (now - freeCheckedAt < FREE_CHECK_EVERY_MS) return
    const { bavail, bsize } = statfsSync(directory)
    const free = bavail * bsize
    if (free < minFreeBytes) {
      const message = `${directory} has ${mega(free)} MB free; the store keeps ${mega(minFreeBytes)} MB in reserve`
      throw new VigiaError('DISK_FULL', message)
    }
    freeCheckedAt = now
  }

  async function commit(reports: readonly StoredReport[]): Promise<void> {
    await recover()
    checkFree()
    const built = buildBatch(reports, catalog, ledger)
    if (built.accepted.length === 0) return
    const { newSeries, newBoots } = built.batch
    const counts = { series: newSeries.length, boots: newBoots.length }
    try {
      await client.call('write', built.batch, built.transfer)
    } catch (error) {
      ledger.abort()
      failed = { error: transient(error), at: performance.now() }
      throw failed.error
    }
    catalog.saved(counts.series)
    ledger.saved(counts.boots)
    ledger.commit()
    noteLatest(built)
  }

  function noteLatest(built: BuiltBatch): void {
    for (const { report, entry, plan } of built.accepted) {
      catalog.noteReport(entry, plan, report.timeMs, report.values)
    }
  }

  function checkOpen(): void {
    if (closed) throw new VigiaError('STORE_UNAVAILABLE', `${path} is closed`)
  }

  return {
    name: 'duckdb',

    async write(reports) {
      checkOpen()
      await group.write(reports)
    },

    async series(query: SeriesQuery): Promise<SeriesData[]> {
      checkOpen()
      checkQuery(query)
      const rows = catalog.seriesOf(query.client, query.device, [query.metric])
      if (rows.length === 0) return []
      const { stepMs, hourly } = bucketing(query, clock() - retention.rawMs)
      const answer = await client.call('series', {
        seriesIds: rows.map((row) => row.seriesId),
        fromMs: hourly ? Math.floor(query.fromMs / stepMs) * stepMs : query.fromMs,
        toMs: query.toMs,
        stepMs,
        hourly,
      })
      const found: SeriesData[] = []
      for (const { seriesId, metric, labels, unit } of rows) {
        const from = answer.seriesIds.indexOf(seriesId)
        if (from === -1) continue
        const to = answer.seriesIds.lastIndexOf(seriesId) + 1
        const line = withGaps(answer.timesMs.slice(from, to), answer.values.slice(from, to), stepMs)
        found.push({ metric, labels: { ...labels }, unit, ...line })
      }
      return found
    },

    async *scan({ client: owner, device, metrics, fromMs, toMs }: ScanQuery) {
      checkOpen()
      const rows = catalog.seriesOf(owner, device, metrics)
      const slices = sliceScan(
        { fromMs, toMs },
        { rawFromMs: clock() - retention.rawMs, series: rows.length },
      )
      const series = rows.map(({ metric, labels, unit }) => ({ metric, labels: { ...labels }, unit }))
      const seriesIds = rows.map(({ seriesId }) => seriesId)
      const placeOf = new Map(seriesIds.map((id, place) => [id, place]))
      for (const slice of seriesIds.length === 0 ? [] : slices) {
        checkOpen()
        const answer = await client.call('scan', { seriesIds, ...slice })
        if (answer.timesMs.length === 0) continue
        const at = answer.seriesIds.map((id) => placeOf.get(id) ?? 0)
        yield { series, hourly: slice.hourly, at, timesMs: answer.timesMs, values: answer.values }
      }
    },

    async latest(clientId, device) {
      checkOpen()
      await latestLoaded
      return catalog.latest(clientId, device)
    },

    async seen() {
      checkOpen()
      return ledger.seen()
    },

    async maintain(nowMs): Promise<void> {
      checkOpen()
      forgotten.push(...ledger.forget(nowMs))
      const dropBoots = forgotten.slice()
      await client.call('maintain', { nowMs, retention, dropBoots })
      forgotten.splice(0, dropBoots.length)
    },

    async ping() {
      checkOpen()
      await recover()
      checkFree()
      await client.call('ping', null)
    },

    async close() {
      if (closed) return
      closed = true
      await group.finish()
      await client.call('close', null).finally(async () => {
        await client.stop()
        openHere.delete(path)
      })
    },
  }
}

function claim(path: string): string {
  mkdirSync(dirname(path), { recursive: true })
  const real = join(realpathSync(dirname(path)), basename(path))
  if (openHere.has(real)) {
    throw new VigiaError('DATA_IN_USE', `${real} is open in this process already (process ${process.pid})`)
  }
  openHere.add(real)
  return real
}

/** A file that cannot be written or opened now says nothing against the reports: they must wait, not be dropped. */
function transient(thrown: unknown): VigiaError {
  const error = asVigiaError(thrown, 'STORE_UNAVAILABLE')
  return error.retry === 'transient'
    ? error
    : new VigiaError('STORE_UNAVAILABLE', error.message, { cause: error })
}

function mega(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0)
}
