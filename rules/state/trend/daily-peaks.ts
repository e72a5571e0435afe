/** A trend of daily highest values; `slope` a day. */
export type PeakTrend = {
  days: number
  slope: number
  /** Highest of the last week. */
  top: number
  /** Median distance of the days from the line. */
  spread: number
  /** Share of pairs of days in order (Kendall): 1 rises every day, 0 does not. */
  order: number
  /** Share of the whole growth that came in the day with most of it. */
  largestShare: number
}

/** Most days that a trend is fitted over. */
export const PEAK_DAYS = 28
/** Days over which the highest is taken: what repeats does so within a week. */
const TOP_DAYS = 7

const sorted = new Float64Array((PEAK_DAYS * (PEAK_DAYS - 1)) / 2)

/**
 * Theil and Sen's slope of the newest `days` values of `peaks` (oldest first, today's at `count`), and how far to
 * trust it. Fills `trend`.
 */
export function fitPeaks(peaks: Float64Array, count: number, days: number, trend: PeakTrend): void {
  const from = count - days
  let [pairs, rising, falling] = [0, 0, 0]
  for (let late = from + 1; late < count; late++)
    for (let early = from; early < late; early++) {
      const rise = (peaks[late] as number) - (peaks[early] as number)
      sorted[pairs++] = rise / (late - early)
      if (rise > 0) rising++
      else if (rise < 0) falling++
    }
  trend.days = days
  trend.slope = medianOf(pairs)
  trend.order = pairs === 0 ? 0 : (rising - falling) / pairs
  let [gained, largest] = [0, 0]
  for (let day = from + 1; day < count; day++) {
    const rise = (peaks[day] as number) - (peaks[day - 1] as number)
    if (rise <= 0) continue
    gained += rise
    largest = Math.max(largest, rise)
  }
  trend.largestShare = gained > 0 ? largest / gained : 1
  for (let day = from; day < count; day++)
    sorted[day - from] = (peaks[day] as number) - trend.slope * (day - count)
  const middle = medianOf(days)
  for (let day = from; day < count; day++)
    sorted[day - from] = Math.abs((peaks[day] as number) - trend.slope * (day - count) - middle)
  trend.spread = medianOf(days)
  let top = peaks[count] as number
  for (let day = Math.max(from, count - TOP_DAYS); day < count; day++)
    top = Math.max(top, peaks[day] as number)
  trend.top = top
}

function medianOf(count: number): number {
  if (count === 0) return 0
  const part = sorted.subarray(0, count).sort()
  const middle = count >> 1
  return count % 2 === 1
    ? (part[middle] as number)
    : ((part[middle - 1] as number) + (part[middle] as number)) / 2
}
