/** Half a year of weeks. */
export const WEEKS = 26
const WEEK_MS = 7 * 86_400_000

/** Columns of a slab that hold one value a week, the last one seen in it; NaN-free: `filled` says which are there. */
export const WEEKLY_COLUMNS = {
  week: { type: 'u32' },
  values: { type: 'f32', width: WEEKS },
  filled: { type: 'u8', width: WEEKS },
} as const

type WeeklyColumns = { week: Uint32Array; values: Float32Array; filled: Uint8Array }

/** Keeps a value; true when it is the first of its week. */
export function keepWeekly(columns: WeeklyColumns, slot: number, timeMs: number, value: number): boolean {
  const week = Math.floor(timeMs / WEEK_MS)
  const before = columns.week[slot] as number
  const begins = week !== before
  if (begins) {
    const empty = before === 0 ? WEEKS : Math.min(WEEKS, week - before)
    for (let step = 0; step < empty; step++) columns.filled[slot * WEEKS + ((week - step) % WEEKS)] = 0
    columns.week[slot] = week
  }
  columns.values[slot * WEEKS + (week % WEEKS)] = value
  columns.filled[slot * WEEKS + (week % WEEKS)] = 1
  return begins
}

const slopes = new Float64Array((WEEKS * (WEEKS - 1)) / 2)

/** Pace per week: the median of the slopes between all pairs (Theil 1950, Sen 1968), with their 10th and 90th percentile, and the squared correlation of value and time. */
export type Pace = { spanWeeks: number; median: number; low: number; high: number; r2: number }

/** Fills `pace` from what is kept; `spanWeeks` from the first to the last. Allocates nothing. */
export function weeklyPace(columns: WeeklyColumns, slot: number, pace: Pace): void {
  const last = columns.week[slot] as number
  let count = 0
  let weeks = 0
  let sumX = 0
  let sumY = 0
  let sumXX = 0
  let sumXY = 0
  let sumYY = 0
  const newest = columns.values[slot * WEEKS + (last % WEEKS)] as number
  pace.spanWeeks = 0
  for (let back = 0; back < WEEKS; back++) {
    const at = slot * WEEKS + ((last - back + WEEKS * 4) % WEEKS)
    if (columns.filled[at] === 0) continue
    pace.spanWeeks = back
    const y = (columns.values[at] as number) - newest
    weeks++
    sumX -= back
    sumY += y
    sumXX += back * back
    sumXY -= back * y
    sumYY += y * y
    for (let earlier = back + 1; earlier < WEEKS; earlier++) {
      const before = slot * WEEKS + ((last - earlier + WEEKS * 4) % WEEKS)
      if (columns.filled[before] === 1)
        slopes[count++] =
          ((columns.values[at] as number) - (columns.values[before] as number)) / (earlier - back)
    }
  }
  const sorted = slopes.subarray(0, count).sort()
  const quantile = (share: number): number =>
    count === 0 ? 0 : (sorted[Math.floor(share * (count - 1))] as number)
  pace.median = quantile(0.5)
  pace.low = quantile(0.1)
  pace.high = quantile(0.9)
  const spread = (weeks * sumXX - sumX ** 2) * (weeks * sumYY - sumY ** 2)
  pace.r2 = spread > 0 ? (weeks * sumXY - sumX * sumY) ** 2 / spread : 0
}
