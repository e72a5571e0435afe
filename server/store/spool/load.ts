import type { Logger } from 'pino'
import type { Layout } from '../../../contract/report.ts'
import { addSequences, pairsOf, type SequenceRanges } from '../sequences.ts'
import { decodeFrame, scanFrames, type Frame } from './frames.ts'
import type { SpoolMetrics } from './metrics.ts'
import type { Segments } from './segments.ts'
import type { SeenSequences, StoredReport } from '../store.ts'

type SegmentLoad = { bytes: number; reports: number; oldestMs: number; seen: Map<string, SeenRanges> }
type SeenRanges = { device: string; boot: string; ranges: SequenceRanges }

/** What each segment of the spool holds, in memory; nothing yet. */
export function createSpoolLoad() {
  const bySegment = new Map<string, SegmentLoad>()
  const told = new Set<string>()

  function add(name: string, bytes: number, reports: readonly StoredReport[], atMs: number): void {
    let load = bySegment.get(name)
    if (!load) {
      load = { bytes: 0, reports: 0, oldestMs: atMs, seen: new Map() }
      bySegment.set(name, load)
    }
    load.bytes += bytes
    load.reports += reports.length
    for (const { device, boot, seq } of reports) {
      const key = `${device}\n${boot}`
      const known = load.seen.get(key) ?? { device, boot, ranges: [] }
      addSequences(known.ranges, seq, seq)
      load.seen.set(key, known)
    }
  }

  /** The readable frames of a segment. What is not readable is told and kept aside, once. */
  async function framesOf(
    segments: Segments,
    name: string,
    log: Logger,
    metrics: SpoolMetrics,
  ): Promise<Frame[]> {
    const bytes = await segments.read(name)
    const { frames, damages } = scanFrames(bytes)
    for (const { offset, bytes: length, torn } of damages) {
      if (torn) {
        log.warn({ segment: name, offset, bytes: length }, 'the torn end of a spool segment is cut off')
        await segments.truncate(name, offset)
        continue
      }
      const file = `damaged-${name}-${offset}`
      if (told.has(file)) continue
      told.add(file)
      const path = await segments.keepAside(file, bytes.subarray(offset, offset + length))
      metrics.damaged()
      log.error(
        { path, segment: name, offset, bytes: length },
        'part of the spool is damaged and was kept aside',
      )
    }
    return frames
  }

  return {
    add,
    framesOf,

    drop(name: string): void {
      bySegment.delete(name)
    },

    /** The segment to write first; segments are noted in the order of their numbers. */
    oldest: (): string | undefined => bySegment.keys().next().value,

    total(): { bytes: number; reports: number; oldestMs: number | null } {
      let bytes = 0
      let reports = 0
      for (const load of bySegment.values()) {
        bytes += load.bytes
        reports += load.reports
      }
      return { bytes, reports, oldestMs: bySegment.values().next().value?.oldestMs ?? null }
    },

    /** What the store has seen and what waits here, as one. */
    withSeen(stored: readonly SeenSequences[]): SeenSequences[] {
      const merged = new Map<string, SeenRanges>()
      const take = ({ device, boot, ranges }: SeenSequences): void => {
        const key = `${device}\n${boot}`
        const known = merged.get(key) ?? { device, boot, ranges: [] }
        for (const [from, to] of ranges) addSequences(known.ranges, from, to)
        merged.set(key, known)
      }
      stored.forEach(take)
      for (const load of bySegment.values()) {
        for (const { device, boot, ranges } of load.seen.values())
          take({ device, boot, ranges: pairsOf(ranges) })
      }
      return [...merged.values()].map(({ device, boot, ranges }) => ({
        device,
        boot,
        ranges: pairsOf(ranges),
      }))
    },

    /** Reads what an earlier run left. A torn end is cut off; damage in the middle is kept aside and told. */
    async restore(segments: Segments, log: Logger, metrics: SpoolMetrics): Promise<void> {
      for (const name of await segments.list()) {
        const frames = await framesOf(segments, name, log, metrics)
        const layouts = new Map<number, Layout>()
        for (const frame of frames) {
          let reports: StoredReport[] = []
          try {
            reports = decodeFrame(frame, layouts)
          } catch (error) {
            // It is kept aside when its turn comes; here only its sequences are unknown.
            log.error(
              { segment: name, offset: frame.offset, error: String(error) },
              'a frame of the spool is unreadable',
            )
          }
          add(name, frame.bytes, reports, frame.spooledAtMs)
        }
        if (frames.length === 0) await segments.remove(name)
      }
    },
  }
}
