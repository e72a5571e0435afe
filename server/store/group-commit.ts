import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import type { StoredReport } from './store.ts'

type Item = {
  reports: readonly StoredReport[]
  samples: number
  resolve: () => void
  reject: (error: VigiaError) => void
}

/** Writes that come while one is on its way wait and go together in the next. */
export type GroupCommit = {
  write(reports: readonly StoredReport[]): Promise<void>
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

/**
 * Makes one commit out of the writes that wait, up to `maxSamples`, one commit at a time. When a group is refused for
 * good, each write of it is tried by itself, so that one bad report does not take others with it.
 */
export function createGroupCommit(
  commit: (reports: readonly StoredReport[]) => Promise<void>,
  maxSamples: number,
): GroupCommit {
  const queue: Item[] = []
  let pumping: Promise<void> | undefined

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

  async function pump(): Promise<void> {
    while (queue.length > 0) await settle(takeItems(queue, maxSamples))
  }

  return {
    async write(reports) {
      checkReports(reports)
      if (reports.length === 0) return
      const samples = reports.reduce((sum, report) => sum + report.values.length, 0)
      const done = new Promise<void>((resolve, reject) => queue.push({ reports, samples, resolve, reject }))
      pumping ??= pump().finally(() => {
        pumping = undefined
      })
      await done
    },
    async idle() {
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
