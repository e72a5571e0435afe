import type { SeriesSpec } from '../../contract/report.ts'
import type { Log } from '../log.ts'
import type { OutboxRecord, RecordKind } from './frame.ts'
import type { Disk } from './writer.ts'

/** Where a reader stands. Take a fresh one with `start()`; it stays valid whatever is dropped meanwhile. */
export type Cursor = { segment: number; offset: number; memorySeq: number }

/** What waits and how it stands. */
export type OutboxStats = {
  /** Records that wait for their acknowledgement, in memory and on disk. */
  reports: number
  bytes: number
  /** Records that the bounds (or damage) pushed out since the start. */
  dropped: number
  /** The disk took no more: new records wait in memory, within a small bound. */
  diskFull: boolean
}

/** The disk queue of an agent; see openOutbox. */
export type Outbox = {
  /**
   * Adds a durable record; `encode` gets its sequence. Never throws for a full disk: the record then waits in
   * memory until there is room, and `stats().diskFull` says so. Returns the sequence.
   */
  append(entry: {
    kind: RecordKind
    timeMs: number
    hash?: string
    encode: (seq: number) => Uint8Array
  }): number
  /** Resolves when everything appended before is safe from a power cut; rejects when it cannot be. */
  settled(): Promise<void>
  /** Keeps the layout of the reports that follow and says its hash. */
  putLayout(series: readonly SeriesSpec[]): string
  layout(hash: string): string | undefined
  hasLayout(hash: string): boolean
  /** The layouts that waiting reports need, the present ones last. */
  neededLayouts(): string[]
  start(): Cursor
  /** The next records in order, unacknowledged ones only, and where to go on. */
  next(
    cursor: Cursor,
    limits: { records: number; bytes: number },
  ): { records: OutboxRecord[]; cursor: Cursor }
  /** Drops what the server has committed; both ends of a range are included. Says how many were dropped. */
  ack(boot: string, ranges: readonly (readonly [number, number])[]): number
  /** Drops segments over the age, if the sweep before found them over it too: a clock that jumps harms nothing. */
  sweep(nowMs: number): void
  stats(): OutboxStats
  close(): Promise<void>
}

/** Bounds and places; without them LIMITS of the contract and 250 ms between two syncs. */
export type OutboxOptions = {
  dir: string
  boot: string
  log: Log
  maxBytes?: number
  maxAgeMs?: number
  segmentBytes?: number
  /** Appends within this time share one fdatasync. */
  syncMs?: number
  memoryBytes?: number
  disk?: Disk
}
