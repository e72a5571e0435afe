export const DAY_MS = 86_400_000
/** The profile of a day is drawn by quarters of an hour. */
export const QUARTERS = 96
export const QUARTER_MS = DAY_MS / QUARTERS
/** What a quarter of an hour says is a mean over about eight days; 5 to 20 did as well (bench "servers"). */
const DAY_SHARE = 1 / 8

/**
 * A place in the profile of a day, and what it says there: a line through the middles of the quarters, and the least
 * and most of this quarter and its neighbours. One object serves all series of a step.
 */
export type DayMoment = {
  quarter: number
  near: number
  weight: number
  at: number
  low: number
  high: number
}

/** A moment to be placed. */
export function createDayMoment(): DayMoment {
  return { quarter: 0, near: 0, weight: 0, at: 0, low: 0, high: 0 }
}

/** Places a moment: `timeMs` is the beginning of a value that stands for `everyMs`. UTC. */
export function placeMoment(moment: DayMoment, timeMs: number, everyMs: number): void {
  const within = ((timeMs % QUARTER_MS) + everyMs / 2) / QUARTER_MS - 0.5
  const quarter = Math.floor(timeMs / QUARTER_MS) % QUARTERS
  moment.quarter = quarter
  moment.near = (quarter + (within > 0 ? 1 : QUARTERS - 1)) % QUARTERS
  moment.weight = Math.min(1, Math.abs(within))
}

/** Reads the profile that begins at `offset`; false while a quarter that the line is drawn through was never seen. */
export function readDay(profile: Float32Array, days: Uint8Array, offset: number, moment: DayMoment): boolean {
  const { quarter, near, weight } = moment
  if (days[offset + quarter] === 0 || days[offset + near] === 0) return false
  const here = profile[offset + quarter] as number
  const next = offset + ((quarter + 1) % QUARTERS)
  const last = offset + ((quarter + QUARTERS - 1) % QUARTERS)
  const before = days[last] === 0 ? here : (profile[last] as number)
  const after = days[next] === 0 ? here : (profile[next] as number)
  moment.at = here * (1 - weight) + (profile[offset + near] as number) * weight
  moment.low = Math.min(here, before, after)
  moment.high = Math.max(here, before, after)
  return true
}

/** Takes the mean of a finished quarter of an hour into its cell of the profile. */
export function learnQuarter(profile: Float32Array, days: Uint8Array, cell: number, mean: number): void {
  const seen = days[cell] as number
  const before = profile[cell] as number
  profile[cell] = before + Math.max(DAY_SHARE, 1 / (seen + 1)) * (mean - before)
  days[cell] = Math.min(255, seen + 1)
}
