import type { Retention } from '../buckets.ts'
import type { SeriesRow } from '../catalog.ts'

/** How the worker opens the database file. Sizes are in megabytes. */
export type OpenOptions = {
  path: string
  temporaryDirectory: string
  memoryLimitMb: number
  walLimitMb: number
  threads: number
}

/** One run of one agent as the database keeps it. */
export type BootRow = { bootId: number; device: string; boot: string }

/**
 * One transaction, flattened so that its arrays can be handed over without copying: `count` samples, in runs of
 * one report each (`runTimesMs`, `runLengths`), new series and boots, and the sequences as ranges.
 */
export type WriteBatch = {
  count: number
  seriesIds: Uint32Array<ArrayBuffer>
  values: Float64Array<ArrayBuffer>
  runTimesMs: Float64Array<ArrayBuffer>
  runLengths: Uint32Array<ArrayBuffer>
  newSeries: readonly SeriesRow[]
  newBoots: readonly BootRow[]
  seenBoots: Uint32Array<ArrayBuffer>
  seenFrom: Float64Array<ArrayBuffer>
  seenTo: Float64Array<ArrayBuffer>
  seenTimesMs: Float64Array<ArrayBuffer>
}

/** A query by series identities; buckets are numbered from the epoch. */
export type BucketQuery = {
  seriesIds: number[]
  fromMs: number
  toMs: number
  stepMs: number
  hourly: boolean
}

/** Which samples to read for a scan, both ends included; `hourly` reads the means of whole hours instead. */
export type ScanPiece = { seriesIds: number[]; fromMs: number; toMs: number; hourly: boolean }

/** Samples in the order of time and then of series. */
export type ScanAnswer = {
  seriesIds: Uint32Array<ArrayBuffer>
  timesMs: Float64Array<ArrayBuffer>
  values: Float64Array<ArrayBuffer>
}

/** Points of several series, ordered by series and time. */
export type BucketAnswer = { seriesIds: number[]; timesMs: number[]; values: number[] }

/** Committed sequences as read from the database. */
export type SeenRow = BootRow & { from: number; to: number; timeMs: number }

/** What a maintenance run did. */
export type Maintained = { movedSamples: number; expiredSamples: number; checkpointed: boolean }

/** Everything the worker can be asked, with its arguments and its answer. */
export type WorkerCalls = {
  open: { arguments: OpenOptions; answer: { series: SeriesRow[]; seen: SeenRow[] } }
  write: { arguments: WriteBatch; answer: null }
  series: { arguments: BucketQuery; answer: BucketAnswer }
  latest: {
    arguments: { sinceMs: number }
    answer: { seriesIds: number[]; timesMs: number[]; values: number[] }
  }
  scan: { arguments: ScanPiece; answer: ScanAnswer }
  maintain: {
    arguments: { nowMs: number; retention: Retention; dropBoots: number[] }
    answer: Maintained
  }
  ping: { arguments: null; answer: null }
  close: { arguments: null; answer: null }
}

export type WorkerCallName = keyof WorkerCalls

/** A question to the worker. */
export type WorkerRequest = {
  [Name in WorkerCallName]: { id: number; name: Name; arguments: WorkerCalls[Name]['arguments'] }
}[WorkerCallName]

/** Its answer; `error` is the text that DuckDB gave. */
export type WorkerReply = { id: number; answer: unknown } | { id: number; error: string }
