import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Clock } from '../../../contract/clock.ts'
import { asVigiaError, VigiaError } from '../../../contract/errors.ts'
import type { Layout } from '../../../contract/report.ts'
import { createSpoolLoad } from './load.ts'
import { decodeFrame, encodeFrame, type Frame } from './frames.ts'
import { spoolMetrics } from './metrics.ts'
import { createSegments } from './segments.ts'
import type { SpoolState } from './state.ts'
import type { MetricStore, SeenSequences, StoredReport } from '../store.ts'

/** A writer that survives the store being away. */
export type SpoolingWriter = {
  /** Resolves when the reports are committed, in the store or in the spool; otherwise throws and holds nothing. */
  write(reports: readonly StoredReport[]): Promise<void>
  /** The store's committed sequences and those that wait in the spool. */
  seen(): Promise<SeenSequences[]>
  state(): SpoolState
  /** Reads what an earlier run left and begins to write it to the store. Call it before the first write. */
  start(): Promise<void>
  /** Ends after the write on its way. What waits stays on disk. */
  stop(): Promise<void>
}

export type SpoolOptions = {
  store: MetricStore
  directory: string
  maxBytes: number
  log: Logger
  registry: Registry
  clock: Clock
  segmentBytes?: number
  /** First and longest pause between attempts, milliseconds; it doubles and varies by half. */
  retryMs?: { first: number; longest: number }
}

type Waiting = { reports: readonly StoredReport[]; resolve: () => void; reject: (error: VigiaError) => void }

/** What waited is written in batches of about this many samples, however small the writes that came. */
const DRAIN_SAMPLES = 50_000

/**
 * Passes reports to the store; while it answers STORE_UNAVAILABLE they go to disk instead (framed, with a checksum and
 * an fsync for each group) and are written in order when it is back. While the store is known to be away, writes do not
 * wait for it. A segment is deleted only after all of it is stored, so a crash writes some of it again: the store knows
 * them by their sequence, or overwrites them with the same. What the store refuses for good is kept aside.
 */
export function createSpoolingWriter(options: SpoolOptions): SpoolingWriter {
  const { store, directory, maxBytes, log, clock } = options
  const retry = options.retryMs ?? { first: 250, longest: 30_000 }
  const segments = createSegments(directory, options.segmentBytes ?? 8 * 1024 * 1024)
  const load = createSpoolLoad()
  const queue: Waiting[] = []
  let appending: Promise<void> | undefined
  let draining: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let running = false
  let away = false
  let lastError: string | null = null
  let pauseMs = retry.first
  let asideCount = 0
  const metrics = spoolMetrics(options.registry, state, clock)

  function state(): SpoolState {
    return { away, ...load.total(), lastError }
  }

  function spool(reports: readonly StoredReport[]): Promise<void> {
    const done = new Promise<void>((resolve, reject) => queue.push({ reports, resolve, reject }))
    appending ??= appendQueued()
    return done
  }

  /** Ends in the same step in which it finds the queue empty, so that no write falls between the two. */
  async function appendQueued(): Promise<void> {
    while (queue.length > 0) {
      // What is written in this step goes to disk together, with one fsync.
      await Promise.resolve()
      await appendGroup(queue.splice(0))
    }
    appending = undefined
  }

  async function appendGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const { bytes, oldestMs } = load.total()
      if (bytes >= maxBytes) throw spoolFull(bytes, oldestMs)
      const nowMs = clock()
      const batches = group.map((item) => item.reports)
      const written = await segments.append(batches, nowMs)
      load.add(written.name, written.bytes, batches.flat(), nowMs)
      metrics.spooled(batches.reduce((sum, batch) => sum + batch.length, 0))
      for (const item of group) item.resolve()
    } catch (error) {
      const reason = asVigiaError(error, 'STORE_UNAVAILABLE')
      log.error({ code: reason.code, directory }, reason.message)
      for (const item of group) item.reject(reason)
    }
  }

  function spoolFull(bytes: number, oldestMs: number | null): VigiaError {
    const since = oldestMs === null ? '' : ` since ${new Date(oldestMs).toISOString()}`
    return new VigiaError(
      'STORE_UNAVAILABLE',
      `The spool ${directory} is full (${bytes} of ${maxBytes} bytes${since}) and ${store.name} is away: ${lastError ?? 'it is catching up'}`,
    )
  }

  function noteAway(error: VigiaError): void {
    if (!away) log.error({ code: error.code, store: store.name }, `reports wait on disk: ${error.message}`)
    away = true
    lastError = error.message
    schedule(pauseMs)
  }

  function noteBack(): void {
    if (away) log.info({ store: store.name, ...load.total() }, 'the store is back')
    away = false
    pauseMs = retry.first
  }

  function schedule(delayMs: number): void {
    if (!running || timer || draining) return
    timer = setTimeout(() => {
      timer = undefined
      draining = drain().finally(() => {
        draining = undefined
        if (load.total().bytes === 0 && !away) return
        schedule(away ? pauseMs * (0.75 + Math.random() / 2) : 0)
        if (away) pauseMs = Math.min(retry.longest, pauseMs * 2)
      })
    }, delayMs)
  }

  /** Writes segments until none is left, or the store is away again. */
  async function drain(): Promise<void> {
    try {
      await store.ping()
      for (let name = load.oldest(); name !== undefined && running; name = load.oldest()) {
        if (name === segments.liveName()) {
          while (appending) await appending
          await segments.rotate()
        }
        if (!(await drainSegment(name))) return
        await segments.remove(name)
        load.drop(name)
      }
      noteBack()
    } catch (error) {
      noteAway(asVigiaError(error, 'STORE_UNAVAILABLE'))
    }
  }

  /** True when all of it is stored; false when the writer was stopped in the middle. */
  async function drainSegment(name: string): Promise<boolean> {
    const layouts = new Map<number, Layout>()
    let batch: StoredReport[] = []
    let samples = 0
    for (const frame of await load.framesOf(segments, name, log, metrics)) {
      if (!running) return false
      for (const report of (await decoded(name, frame, layouts)) ?? []) {
        batch.push(report)
        samples += report.values.length
      }
      if (samples < DRAIN_SAMPLES) continue
      await writeOrKeepAside(batch)
      noteBack()
      batch = []
      samples = 0
    }
    await writeOrKeepAside(batch)
    noteBack()
    return true
  }

  async function decoded(
    name: string,
    frame: Frame,
    layouts: Map<number, Layout>,
  ): Promise<StoredReport[] | undefined> {
    try {
      return decodeFrame(frame, layouts)
    } catch (error) {
      const path = await segments.keepAside(`damaged-${name}-${frame.offset}`, frame.payload)
      metrics.damaged()
      log.error(
        { path, reports: frame.reports, error: String(error) },
        'a frame of the spool cannot be decoded',
      )
      return undefined
    }
  }

  /** One report that the store will never take must not stop the others: halves are tried until it stands alone. */
  async function writeOrKeepAside(reports: readonly StoredReport[]): Promise<void> {
    try {
      await store.write(reports)
    } catch (error) {
      const reason = asVigiaError(error, 'STORE_UNAVAILABLE')
      if (reason.retry !== 'permanent') throw reason
      if (reports.length > 1) {
        const middle = reports.length >>> 1
        await writeOrKeepAside(reports.slice(0, middle))
        await writeOrKeepAside(reports.slice(middle))
        return
      }
      const bytes = encodeFrame(reports, new Map(), clock())
      const path = await segments.keepAside(`refused-${clock()}-${asideCount++}`, bytes)
      metrics.refused()
      log.error({ path, code: reason.code }, `the store refuses a report that waited: ${reason.message}`)
    }
  }

  return {
    state,

    async start() {
      running = true
      await load.restore(segments, log, metrics)
      if (load.total().bytes === 0) return
      away = true
      lastError = 'reports of an earlier run wait'
      log.info(load.total(), 'the spool holds reports of an earlier run')
      schedule(0)
    },

    async stop() {
      running = false
      clearTimeout(timer)
      timer = undefined
      await draining
      await appending
      await segments.close()
    },

    async write(reports) {
      if (!running) throw new VigiaError('STORE_UNAVAILABLE', 'the spool is not running')
      if (reports.length === 0) return
      if (!away) {
        try {
          await store.write(reports)
          return
        } catch (error) {
          const reason = asVigiaError(error, 'STORE_UNAVAILABLE')
          if (reason.code !== 'STORE_UNAVAILABLE') throw reason
          noteAway(reason)
        }
      }
      await spool(reports)
    },

    async seen() {
      return load.withSeen(await store.seen())
    },
  }
}
