import { LIMITS } from '../../contract/limits.ts'
import { HOUR_MS } from './buckets.ts'
import type { BootRow, SeenRow } from './duckdb/messages.ts'
import { addSequences, hasSequence, pairsOf, rangesOf, type SequenceRanges } from './sequences.ts'
import type { SeenSequences } from './store.ts'

type BootEntry = BootRow & { ranges: SequenceRanges; newestMs: number; pending: Map<number, number> }

/** The sequences of one batch, as ranges: parallel arrays, one element a range. */
export type PendingRanges = { bootIds: number[]; from: number[]; to: number[]; timesMs: number[] }

/** Which sequences are committed and which are in the batch on its way. */
export type Ledger = ReturnType<typeof createLedger>

/** Makes an empty ledger. */
export function createLedger() {
  const devices = new Map<string, Map<string, BootEntry>>()
  const touched = new Set<BootEntry>()
  let unsaved: BootRow[] = []
  let nextBootId = 1

  function entryOf(device: string, boot: string, bootId?: number): BootEntry {
    let boots = devices.get(device)
    if (!boots) {
      boots = new Map()
      devices.set(device, boots)
    }
    const known = boots.get(boot)
    if (known) return known
    const id = bootId ?? nextBootId++
    nextBootId = Math.max(nextBootId, id + 1)
    const made: BootEntry = { bootId: id, device, boot, ranges: [], newestMs: 0, pending: new Map() }
    boots.set(boot, made)
    if (bootId === undefined) unsaved.push({ bootId: id, device, boot })
    return made
  }

  return {
    /** Takes a sequence into the batch on its way; false when it is committed or in the batch already. */
    take(device: string, boot: string, sequence: number, timeMs: number): boolean {
      const entry = entryOf(device, boot)
      if (entry.pending.has(sequence) || hasSequence(entry.ranges, sequence)) return false
      entry.pending.set(sequence, timeMs)
      touched.add(entry)
      return true
    },

    /** What the batch on its way must write. */
    pending(): PendingRanges {
      const rows: PendingRanges = { bootIds: [], from: [], to: [], timesMs: [] }
      for (const entry of touched) {
        const newest = Math.max(...entry.pending.values())
        for (const [from, to] of pairsOf(rangesOf(entry.pending.keys()))) {
          rows.bootIds.push(entry.bootId)
          rows.from.push(from)
          rows.to.push(to)
          rows.timesMs.push(newest)
        }
      }
      return rows
    },

    /** The batch is committed. */
    commit(): void {
      for (const entry of touched) {
        for (const [sequence, timeMs] of entry.pending) {
          addSequences(entry.ranges, sequence, sequence)
          entry.newestMs = Math.max(entry.newestMs, timeMs)
        }
        entry.pending.clear()
      }
      touched.clear()
    },

    /** The batch failed: its sequences count as not seen. */
    abort(): void {
      for (const entry of touched) entry.pending.clear()
      touched.clear()
    },

    /** Boots that are not in the database yet. They stay here until `saved` says that a commit held them. */
    unsaved: (): readonly BootRow[] => unsaved,
    saved(count: number): void {
      unsaved = unsaved.slice(count)
    },

    /** Replaces everything by what the database holds; boots that it lacks are to be saved again. */
    restore(rows: readonly SeenRow[]): void {
      devices.clear()
      touched.clear()
      unsaved = []
      for (const row of rows) {
        const entry = entryOf(row.device, row.boot, row.bootId)
        addSequences(entry.ranges, row.from, row.to)
        entry.newestMs = Math.max(entry.newestMs, row.timeMs)
      }
    },

    /** Every committed sequence. */
    seen(): SeenSequences[] {
      const found: SeenSequences[] = []
      for (const boots of devices.values()) {
        for (const { device, boot, ranges } of boots.values()) {
          if (ranges.length > 0) found.push({ device, boot, ranges: pairsOf(ranges) })
        }
      }
      return found
    },

    /**
     * Forgets boots whose newest report is older than ingest accepts, with an hour to spare, and gives their
     * identities: nobody can send for them any more.
     */
    forget(nowMs: number): number[] {
      const beforeMs = nowMs - LIMITS.reportAgeMs - HOUR_MS
      const forgotten: number[] = []
      for (const [device, boots] of devices) {
        for (const [boot, entry] of boots) {
          if (entry.ranges.length === 0 || entry.pending.size > 0 || entry.newestMs >= beforeMs) continue
          forgotten.push(entry.bootId)
          boots.delete(boot)
        }
        if (boots.size === 0) devices.delete(device)
      }
      return forgotten
    },
  }
}
