import type { InfluxSeries } from './query.ts'

/** Where samples of one grain live: a retention policy of v1, a bucket of v2 and v3. */
export type Grain = 'raw' | 'hourly'

/** What differs between the versions of InfluxDB. Errors are VigiaError. */
export type InfluxDriver = {
  readonly name: string
  readonly hasHourly: boolean
  /** Writes line protocol with timestamps in milliseconds; on return it is committed. */
  write(grain: Grain, lines: string): Promise<void>
  /** Answers one InfluxQL statement, times in milliseconds. */
  query(grain: Grain, statement: string): Promise<InfluxSeries[]>
  /** Downsamples whole hours of every series from raw to hourly; doing it again gives the same. */
  downsample(fromMs: number, toMs: number): Promise<void>
  ping(): Promise<void>
  close(): Promise<void>
}
