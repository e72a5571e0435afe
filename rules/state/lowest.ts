import { createSlab } from './slab.ts'

/** Parts of the time over which the lowest value is kept. */
const PARTS = 8

/** The lowest value of a series over the last while, in eighths of it: between seven and eight of them count. */
export type Lowest = {
  slab: ReturnType<typeof lowestSlab>
  /** Takes a sample in and says by how much it stands over the lowest; 0 for the first. */
  riseAt(slot: number, timeMs: number, value: number): number
}

/** Makes memories of the lowest value over `overMs`; 40 bytes a series. */
export function createLowest(overMs: number): Lowest {
  const slab = lowestSlab()
  const partMs = overMs / PARTS
  return {
    slab,
    riseAt(slot, timeMs, value) {
      const { lows, part } = slab.columns
      const now = Math.floor(timeMs / partMs) + 1
      const before = part[slot] as number
      const from = slot * PARTS
      if (before === 0 || now - before >= PARTS) lows.fill(value, from, from + PARTS)
      else
        for (let one = before + 1; one <= now; one++)
          lows[from + (one % PARTS)] = one === now ? value : (lows[from + (before % PARTS)] as number)
      part[slot] = Math.max(now, before)
      const at = from + (now % PARTS)
      if (value < (lows[at] as number)) lows[at] = value
      let lowest = value
      for (let one = from; one < from + PARTS; one++) lowest = Math.min(lowest, lows[one] as number)
      return value - lowest
    },
  }
}

function lowestSlab() {
  return createSlab({ lows: { type: 'f32', width: PARTS }, part: { type: 'f64' } })
}
