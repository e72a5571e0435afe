import type { LatestValue, SeriesData } from '../../contract/views.ts'
import type { SeenSequences, StoredReport } from '../../contract/report.ts'

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
  /** Committed sequences of the last 720 h; empty where writing twice is harmless by itself. */
  seen(): Promise<SeenSequences[]>
  /** Applies retention and downsampling up to now. */
  maintain(nowMs: number): Promise<void>
  /** Throws STORE_UNAVAILABLE with the reason when it is away. */
  ping(): Promise<void>
  close(): Promise<void>
}
