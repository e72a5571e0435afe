const HOUR_MS = 3_600_000
const HOURS = 168
/** Hours of a week, and the peaks of this hour and the last one, which are not of last week yet. */
export const WEEK_PEAKS_WIDTH = HOURS + 2
const NOW = HOURS
const BEFORE = HOURS + 1
/** A peak counts for half a week later: what came once and not again is forgotten. */
const FADES = 0.5

/** Notes how high a figure is now; `lastMs` is the time of the note before, 0 for the first. */
export function notePeak(
  peaks: Float32Array,
  offset: number,
  { lastMs, timeMs }: { lastMs: number; timeMs: number },
  figure: number,
): void {
  const hour = Math.floor(timeMs / HOUR_MS)
  const lastHour = Math.floor(lastMs / HOUR_MS)
  if (lastMs > 0 && hour !== lastHour) {
    keep(peaks, offset, lastHour - 1, BEFORE)
    if (hour === lastHour + 1) peaks[offset + BEFORE] = peaks[offset + NOW] as number
    else {
      keep(peaks, offset, lastHour, NOW)
      peaks[offset + BEFORE] = 0
    }
    peaks[offset + NOW] = 0
  }
  peaks[offset + NOW] = Math.max(peaks[offset + NOW] as number, figure)
}

function keep(peaks: Float32Array, offset: number, hour: number, from: number): void {
  const cell = offset + (((hour % HOURS) + HOURS) % HOURS)
  peaks[cell] = Math.max(peaks[offset + from] as number, FADES * (peaks[cell] as number))
}

/** The highest peak of the same hour of the week and the hours beside it, a week ago or (faded) longer. */
export function peakOfLastWeek(peaks: Float32Array, offset: number, timeMs: number): number {
  const hour = Math.floor(timeMs / HOUR_MS) + HOURS
  return Math.max(
    peaks[offset + ((hour - 1) % HOURS)] as number,
    peaks[offset + (hour % HOURS)] as number,
    peaks[offset + ((hour + 1) % HOURS)] as number,
  )
}
