import type { LatestValue, SeriesData } from '../../contract/views.ts'
import type { SeenSequences, SeriesSpec, StoredReport } from '../../contract/report.ts'

export type { SeenSequences, StoredReport }

export type SeriesQuery = {
  client: string
  device: string
  metric: string
  fromMs: number
  toMs: number
  /** At most about this many points a series; older spans come from the downsampled table. */
  points: number
}

/** Which samples of a device to read: these metrics, or all; both ends included, in Unix milliseconds. */
export type ScanQuery = {
  client: string
  device: string
  metrics: readonly string[] | null
  fromMs: number
  toMs: number
}

/**
 * A stretch of a device's samples, the oldest first: sample i is of `series[at[i]]`. `series` grows from block to
 * block and never changes otherwise. An hourly block has the mean of each hour, at the hour's end, where raw samples
 * are kept no more.
 */
export type ScanBlock = {
  series: readonly SeriesSpec[]
  hourly: boolean
  at: Uint32Array<ArrayBuffer>
  timesMs: Float64Array<ArrayBuffer>
  values: Float64Array<ArrayBuffer>
}

/**
 * A metrics store. One contract suite (test/server/store/contract.ts) runs against all of them. Errors are
 * VigiaError: STORE_UNAVAILABLE when it may be tried again, STORE_INVALID when it may not, DISK_FULL.
 */
export type MetricStore = {
  readonly name: string
  /** Commits all of it durably, samples and sequences together, or throws. Writing the same report twice stores it once. */
  write(reports: readonly StoredReport[]): Promise<void>
  /** One metric of one device over time, each series with its labels, averaged into at most `points`. */
  series(query: SeriesQuery): Promise<SeriesData[]>
  /** The newest value of every series of a device. */
  latest(client: string, device: string): Promise<LatestValue[]>
  /**
   * Every sample of a device in the order of time, in blocks that fit into memory; a later block is never older. What
   * is written meanwhile may or may not be in it. Leaving the loop early ends the reading.
   */
  scan(query: ScanQuery): AsyncIterable<ScanBlock>
  /** Committed sequences of the last 720 h; empty where writing twice is harmless by itself. */
  seen(): Promise<SeenSequences[]>
  /** Applies retention and downsampling up to now. */
  maintain(nowMs: number): Promise<void>
  /** Throws STORE_UNAVAILABLE with the reason when it is away. */
  ping(): Promise<void>
  close(): Promise<void>
}
