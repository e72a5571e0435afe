import { createSlab, createSlots } from '../state/slab.ts'

/** Samples of each watched series that are kept as evidence. */
const RING = 16

/** Gaps up to nine hours are kept to the second; longer ones, up to 227 days, to ten minutes. */
const FINE_GAPS = 32_768
const COARSE_SECONDS = 600

/**
 * What is kept of each watched series of each device, whatever the number of rules over it: the newest time, and
 * a ring of the last samples (seconds since the sample before in 16 bits, values in 32 bits).
 */
export function createSeriesStore() {
  const slots = createSlots()
  const slab = createSlab({
    lastMs: { type: 'f64' },
    head: { type: 'u8' },
    count: { type: 'u8' },
    gaps: { type: 'u16', width: RING },
    values: { type: 'f32', width: RING },
  })

  /** Seconds between a kept sample, so many back from the newest (0), and the one before it. */
  function gapSeconds(slot: number, back: number): number {
    const { head, gaps } = slab.columns
    return secondsOf(gaps[slot * RING + (((head[slot] as number) - back + RING) % RING)] as number)
  }

  return {
    slots,
    slab,
    take(): number {
      const slot = slots.take()
      slab.open(slot)
      return slot
    },
    /** Keeps a sample that is newer than the last. */
    push(slot: number, timeMs: number, value: number): void {
      const { lastMs, head, count, gaps, values } = slab.columns
      const at = ((head[slot] as number) + 1) % RING
      head[slot] = at
      if ((count[slot] as number) < RING) count[slot] = (count[slot] as number) + 1
      gaps[slot * RING + at] = codeOf(Math.round(timeMs / 1000) - Math.round((lastMs[slot] as number) / 1000))
      values[slot * RING + at] = value
      lastMs[slot] = timeMs
    },
    /** The kept samples in order, as [timeMs, value]; times to the second, the newest to the millisecond. */
    points(slot: number): [number, number][] {
      const { lastMs, head, count, values } = slab.columns
      const kept = count[slot] as number
      const points: [number, number][] = []
      let timeMs = lastMs[slot] as number
      for (let back = 0; back < kept; back++) {
        const value = values[slot * RING + (((head[slot] as number) - back + RING) % RING)] as number
        points.unshift([timeMs, Number(value.toPrecision(7))])
        timeMs = (Math.round(timeMs / 1000) - gapSeconds(slot, back)) * 1000
      }
      return points
    },
    /** The newest value, as the ring keeps it: 32 bits. */
    newest(slot: number): number {
      const { head, values } = slab.columns
      return values[slot * RING + (head[slot] as number)] as number
    },
    /** The gap before the last one, milliseconds; 0 while there are fewer than three samples. */
    gapBeforeMs(slot: number): number {
      return (slab.columns.count[slot] as number) < 3 ? 0 : 1000 * gapSeconds(slot, 1)
    },
    /** Time between the two newest samples, milliseconds; 0 while there are fewer. */
    lastGapMs(slot: number): number {
      return (slab.columns.count[slot] as number) < 2 ? 0 : 1000 * gapSeconds(slot, 0)
    },
  }
}

export type SeriesStore = ReturnType<typeof createSeriesStore>

function codeOf(seconds: number): number {
  if (seconds < FINE_GAPS) return seconds
  return FINE_GAPS + Math.min(FINE_GAPS - 1, Math.round(seconds / COARSE_SECONDS))
}

function secondsOf(code: number): number {
  return code < FINE_GAPS ? code : (code - FINE_GAPS) * COARSE_SECONDS
}
