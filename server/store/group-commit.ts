import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import type { StoredReport } from './store.ts'

type Item = {
  reports: readonly StoredReport[]
  samples: number
  resolve: () => void
  reject: (error: VigiaError) => void
}

/**
 * A transaction costs the same for one sample and for ten thousand, so commits do not follow each other more closely
 * than `leastMs`, nor than the last one's samples times `perThousandMs`, up to `mostMs`: few samples wait little, many
 * go together.
 */
export type CommitSpacing = { leastMs: number; mostMs: number; perThousandMs: number }

/** At 200,000 samples a second ten commits a second, at a tenth of that up to forty. */
export const COMMIT_SPACING: CommitSpacing = { leastMs: 25, mostMs: 100, perThousandMs: 10 }

/** Writes that come while one is on its way wait and go together in the next. */
export type GroupCommit = {
  write(reports: readonly StoredReport[]): Promise<void>
  /** Commits what waits without any more pause. */
  finish(): Promise<void>
}

/**
 * Makes one commit out of the writes that wait, up to `maxSamples`, one commit at a time and not too closely spaced. When a group is refused for
 * good, each write of it is tried by itself, so that one bad report does not take others with it.
 */
export function createGroupCommit(
  commit: (reports: readonly StoredReport[]) => Promise<void>,
  options: { maxSamples: number; spacing?: CommitSpacing },
): GroupCommit {
  const queue: Item[] = []
  const spacing = options.spacing ?? COMMIT_SPACING
  let pumping: Promise<void> | undefined
  let notBefore = -Infinity
  let hurry = false
  let wake = (): void => undefined

  async function settle(items: readonly Item[]): Promise<void> {
    try {
      await commit(items.flatMap((item) => item.reports))
      for (const item of items) item.resolve()
    } catch (error) {
      const reason = asVigiaError(error, 'STORE_UNAVAILABLE')
      if (items.length > 1 && reason.retry === 'permanent') {
        for (const item of items) await settle([item])
        return
      }
      for (const item of items) item.reject(reason)
    }
  }

  /** Ends in the same step in which it finds the queue empty, so that no write falls between the two. */
  async function pump(): Promise<void> {
    while (queue.length > 0) {
      await pause(notBefore - performance.now())
      const items = takeItems(queue, options.maxSamples)
      const samples = items.reduce((sum, item) => sum + item.samples, 0)
      const wanted = Math.max(spacing.leastMs, (samples / 1000) * spacing.perThousandMs)
      notBefore = performance.now() + Math.min(spacing.mostMs, wanted)
      await settle(items)
    }
    pumping = undefined
  }

  async function pause(milliseconds: number): Promise<void> {
    if (milliseconds < 1 || hurry) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  return {
    async write(reports) {
      checkReports(reports)
      if (reports.length === 0) return
      const samples = reports.reduce((sum, report) => sum + report.values.length, 0)
      const done = new Promise<void>((resolve, reject) => queue.push({ reports, samples, resolve, reject }))
      pumping ??= pump()
      await done
    },
    async finish() {
      hurry = true
      wake()
      await pumping
    },
  }
}

function checkReports(reports: readonly StoredReport[]): void {
  for (const { device, layout, values, seq, timeMs } of reports) {
    if (values.length !== 0 && values.length !== layout.series.length) {
      const message = `report ${seq} of ${device} has ${values.length} values for ${layout.series.length} series`
      throw new VigiaError('STORE_INVALID', message)
    }
    if (!Number.isSafeInteger(timeMs) || timeMs < 0 || !Number.isSafeInteger(seq) || seq < 0) {
      const message = `report ${seq} of ${device}: time and sequence are whole numbers from 0`
      throw new VigiaError('STORE_INVALID', message)
    }
  }
}

function takeItems(queue: Item[], maxSamples: number): Item[] {
  let samples = 0
  let count = 0
  for (const item of queue) {
    if (count > 0 && samples + item.samples > maxSamples) break
    samples += item.samples
    count++
  }
  return queue.splice(0, count)
}
