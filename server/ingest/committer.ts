import type { Logger } from 'pino'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { asVigiaError, type VigiaError } from '../../contract/errors.ts'
import type { StoredReport } from '../../contract/report.ts'
import type { DeviceState } from './device-state.ts'

/**
 * A committed report as the rules get it. `late` says that it is about the past (older than the newest of its
 * device and layout, or than LATE_AFTER_MS): it belongs into state and history, and raises nothing.
 */
export type AcceptedReport = StoredReport & { late: boolean; receivedMs: number }

/** A report on its way to the store. `acknowledged` is false for what has no sequence of its own. */
export type PendingReport = { state: DeviceState; report: AcceptedReport; acknowledged: boolean }

export type CommitLimits = {
  /** How long the first report of a batch waits for others. */
  windowMs: number
  batchReports: number
  pendingReports: number
  /** Values of all waiting reports together, eight bytes each. */
  pendingSamples: number
}

const SAY_EVERY_MS = 10_000

/** Collects reports into batches, one write at a time, and says what became of each. */
export type Committer = {
  /** False when there is no room. */
  push(pending: PendingReport): boolean
  pending(): number
  /** Writes what waits; resolves when nothing does. */
  flush(): Promise<void>
}

/**
 * Group commit: a write with its fsync costs much the same for one report and for a thousand. `committed` is called
 * after the write of a batch has resolved and never before; `lost` when it failed and the devices must send again;
 * `spoiled` for single reports that the store will never take.
 */
export function createCommitter(options: {
  write: (reports: readonly StoredReport[]) => Promise<void>
  limits: CommitLimits
  committed: (batch: readonly PendingReport[]) => void
  lost: (batch: readonly PendingReport[]) => void
  spoiled: (pending: PendingReport) => void
  registry: Registry
  log: Logger
}): Committer {
  const { limits, log } = options
  const registers = [options.registry]
  const seconds = new Histogram({
    name: 'vigia_ingest_commit_seconds',
    help: 'Time of one write of a batch to the store',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const failures = new Counter({
    name: 'vigia_ingest_commit_failures_total',
    help: 'Writes of a batch that failed; the devices send again',
    registers,
  })
  const open: PendingReport[] = []
  let openedAtMs = 0
  let waiting = 0
  let samples = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let saidAtMs = -Infinity
  let unsaid = 0
  new Gauge({
    name: 'vigia_ingest_pending_reports',
    help: 'Reports that wait for their commit',
    registers,
    collect() {
      this.set(waiting)
    },
  })

  /** A store that is away fails with every batch: it is said now and then, with how many reports were meant. */
  const sayLost = (error: VigiaError, reports: number): void => {
    unsaid += reports
    if (performance.now() - saidAtMs < SAY_EVERY_MS) return
    log.error({ code: error.code, error: error.message, reports: unsaid }, 'reports were not committed')
    saidAtMs = performance.now()
    unsaid = 0
  }
  const settle = (batch: readonly PendingReport[]): void => {
    for (const { state, report } of batch) {
      samples -= report.values.length
      state.pending--
      state.boots.get(report.boot)?.inFlight.delete(report.seq)
    }
    waiting -= batch.length
  }

  const write = async (batch: readonly PendingReport[]): Promise<void> => {
    try {
      const end = seconds.startTimer()
      await options.write(batch.map(({ report }) => report))
      end()
    } catch (thrown) {
      await failed(batch, thrown)
      return
    }
    settle(batch)
    options.committed(batch)
  }

  const failed = async (batch: readonly PendingReport[], thrown: unknown): Promise<void> => {
    const error = asVigiaError(thrown, 'STORE_UNAVAILABLE')
    failures.inc()
    const [first] = batch
    if (error.retry !== 'permanent' || first === undefined) {
      sayLost(error, batch.length)
      settle(batch)
      options.lost(batch)
    } else if (batch.length === 1) {
      log.warn(
        { code: error.code, error: error.message, device: first.report.device },
        'the store refuses a report',
      )
      settle(batch)
      options.spoiled(first)
    } else {
      // One bad report must not hold back those of others: each half by itself finds it.
      const middle = batch.length >>> 1
      await write(batch.slice(0, middle))
      await write(batch.slice(middle))
    }
  }

  const drain = async (): Promise<void> => {
    while (open.length > 0) {
      const batch = open.splice(0, limits.batchReports)
      openedAtMs = performance.now()
      await write(batch)
      // What came meanwhile waits for its window, unless it fills a batch.
      if (open.length < limits.batchReports) break
    }
    writing = undefined
    schedule()
  }
  const begin = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (open.length > 0) writing ??= drain()
  }
  const schedule = (): void => {
    if (writing !== undefined || open.length === 0) return
    if (open.length >= limits.batchReports) begin()
    else timer ??= setTimeout(begin, Math.max(0, limits.windowMs - (performance.now() - openedAtMs)))
  }

  return {
    push(one) {
      const size = one.report.values.length
      if (waiting >= limits.pendingReports || samples + size > limits.pendingSamples) return false
      waiting++
      samples += size
      one.state.pending++
      if (open.length === 0 && writing === undefined) openedAtMs = performance.now()
      open.push(one)
      schedule()
      return true
    },
    pending: () => waiting,
    async flush() {
      while (waiting > 0) {
        begin()
        await writing
      }
    },
  }
}
