import { createSlab, createSlots } from '../state/slab.ts'

/** Samples of each watched series that are kept as evidence. */
const RING = 16

/**
 * What is kept of each watched series of each device, whatever the number of rules over it: the newest time, and
 * a ring of the last samples (Unix seconds and 32-bit values).
 */
export function createSeriesStore() {
  const slots = createSlots()
  const slab = createSlab({
    lastMs: { type: 'f64' },
    head: { type: 'u8' },
    count: { type: 'u8' },
    seconds: { type: 'u32', width: RING },
    values: { type: 'f32', width: RING },
  })

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
      const { lastMs, head, count, seconds, values } = slab.columns
      const at = ((head[slot] as number) + 1) % RING
      head[slot] = at
      if ((count[slot] as number) < RING) count[slot] = (count[slot] as number) + 1
      seconds[slot * RING + at] = Math.round(timeMs / 1000)
      values[slot * RING + at] = value
      lastMs[slot] = timeMs
    },
    /** The kept samples in order, as [timeMs, value]; times to the second, the newest to the millisecond. */
    points(slot: number): [number, number][] {
      const { lastMs, head, count, seconds, values } = slab.columns
      const kept = count[slot] as number
      return Array.from({ length: kept }, (_, index) => {
        const at = slot * RING + (((head[slot] as number) - (kept - 1 - index) + RING) % RING)
        const newest = index === kept - 1
        const value = values[at] as number
        return [
          newest ? (lastMs[slot] as number) : (seconds[at] as number) * 1000,
          Number(value.toPrecision(7)),
        ]
      })
    },
    /** The newest value, as the ring keeps it: 32 bits. */
    newest(slot: number): number {
      const { head, values } = slab.columns
      return values[slot * RING + (head[slot] as number)] as number
    },
    /** The gap before the last one, milliseconds; 0 while there are fewer than three samples. */
    gapBeforeMs(slot: number): number {
      const { head, count, seconds } = slab.columns
      if ((count[slot] as number) < 3) return 0
      const at = ((head[slot] as number) - 1 + RING) % RING
      const before = (at - 1 + RING) % RING
      return 1000 * ((seconds[slot * RING + at] as number) - (seconds[slot * RING + before] as number))
    },
    /** Time between the two newest samples, milliseconds; 0 while there are fewer. */
    lastGapMs(slot: number): number {
      const { head, count, seconds } = slab.columns
      if ((count[slot] as number) < 2) return 0
      const at = head[slot] as number
      const before = (at - 1 + RING) % RING
      return 1000 * ((seconds[slot * RING + at] as number) - (seconds[slot * RING + before] as number))
    },
  }
}

export type SeriesStore = ReturnType<typeof createSeriesStore>
