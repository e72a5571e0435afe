import type { Catalog, DeviceSeries, Plan } from '../catalog.ts'
import type { WriteBatch } from './messages.ts'
import type { Ledger } from '../ledger.ts'
import type { StoredReport } from '../store.ts'

/** A batch, the arrays to hand over with it, and what to note in memory once it is committed. */
export type BuiltBatch = {
  batch: WriteBatch
  transfer: ArrayBuffer[]
  accepted: { report: StoredReport; entry: DeviceSeries; plan: Plan }[]
}

/**
 * Flattens reports into typed arrays. A report that is committed or in the batch already is left out; a value that
 * is not finite is unavailable and is left out too. A report without values only marks its sequence.
 */
export function buildBatch(reports: readonly StoredReport[], catalog: Catalog, ledger: Ledger): BuiltBatch {
  const accepted: BuiltBatch['accepted'] = []
  let room = 0
  for (const report of reports) {
    if (!ledger.take(report.device, report.boot, report.seq, report.timeMs)) continue
    const entry = catalog.entryOf(report.client, report.device)
    accepted.push({ report, entry, plan: catalog.planFor(entry, report.layout) })
    room += report.values.length
  }
  const seriesIds = new Uint32Array(room)
  const values = new Float64Array(room)
  const runTimesMs = new Float64Array(accepted.length)
  const runLengths = new Uint32Array(accepted.length)
  let count = 0
  accepted.forEach(({ report, plan }, run) => {
    const start = count
    for (let column = 0; column < report.values.length; column++) {
      const value = report.values[column] ?? NaN
      if (!Number.isFinite(value) || plan.places[column] === -1) continue
      seriesIds[count] = plan.seriesIds[column] ?? 0
      values[count] = value
      count++
    }
    runTimesMs[run] = report.timeMs
    runLengths[run] = count - start
  })
  const pending = ledger.pending()
  const batch: WriteBatch = {
    count,
    seriesIds,
    values,
    runTimesMs,
    runLengths,
    newSeries: catalog.unsaved(),
    newBoots: ledger.unsaved(),
    seenBoots: Uint32Array.from(pending.bootIds),
    seenFrom: Float64Array.from(pending.from),
    seenTo: Float64Array.from(pending.to),
    seenTimesMs: Float64Array.from(pending.timesMs),
  }
  const transfer = [
    seriesIds,
    values,
    runTimesMs,
    runLengths,
    batch.seenBoots,
    batch.seenFrom,
    batch.seenTo,
    batch.seenTimesMs,
  ].map((array) => array.buffer)
  return { batch, transfer, accepted }
}
