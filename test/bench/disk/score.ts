/** A disk with its truth, wherever it came from. */
export type ScoredDisk = {
  name: string
  kind: string
  minutes: ArrayLike<number>
  values: ArrayLike<number>
  fullAtMinute: number | null
  /** When its trouble began, where that is known. */
  onsetMinute: number | null
}

/** A forecast held against the truth: hours to the bound as foretold and as they were. */
export type Checked = { eta: number; earliest: number; latest: number; truth: number }

/** What one set of rules did over one disk. */
export type Outcome = {
  disk: ScoredDisk
  opened: number[]
  dayBefore: Checked | null
  atOpening: Checked | null
}

/** Figures of a set of disks; `OfPossible` leaves out what began later than the recall asks. */
export type Figures = {
  disks: number
  events: number
  recall2h: number
  recall2hOfPossible: number
  recall24h: number
  recall24hOfPossible: number
  precision: number
  falsePerDeviceMonth: number
  etaWithinFactor: number
  intervalCoverage: number
  forecasts: number
}

/** An incident counts when it opens at most this long before the truth, and before it. */
const WEEK_MINUTES = 7 * 1440
const MONTH_MINUTES = 30.4 * 1440
const FACTOR = 1.5

/** Scores outcomes as an independent referee would: each incident outside the week before the truth is false. */
export function score(outcomes: readonly Outcome[]): Figures {
  let [events, atTwo, atDay, possibleTwo, possible, warned, wrong, minutes] = [0, 0, 0, 0, 0, 0, 0, 0]
  const checked: Checked[] = []
  const dayBefore: Checked[] = []
  for (const { disk, opened, ...forecasts } of outcomes) {
    const full = disk.fullAtMinute
    minutes += disk.minutes[disk.minutes.length - 1] ?? 0
    const right = opened.filter((minute) => full !== null && minute <= full && full - minute <= WEEK_MINUTES)
    wrong += opened.length - right.length
    if (full === null) continue
    events++
    const known = disk.onsetMinute === null ? Infinity : full - disk.onsetMinute
    if (known >= 120) possibleTwo++
    if (known >= 1440) possible++
    const first = right[0]
    if (first !== undefined) {
      warned++
      if (full - first >= 120) atTwo++
      if (full - first >= 1440) atDay++
    }
    if (forecasts.dayBefore !== null) dayBefore.push(forecasts.dayBefore)
    for (const one of [forecasts.dayBefore, forecasts.atOpening]) if (one !== null) checked.push(one)
  }
  const share = (part: number, whole: number): number =>
    whole === 0 ? 1 : Math.round((1000 * part) / whole) / 1000
  return {
    disks: outcomes.length,
    events,
    recall2h: share(atTwo, events),
    recall2hOfPossible: share(atTwo, possibleTwo),
    recall24h: share(atDay, events),
    recall24hOfPossible: share(atDay, possible),
    precision: share(warned, warned + wrong),
    falsePerDeviceMonth: Math.round((1e4 * wrong * MONTH_MINUTES) / minutes) / 1e4,
    etaWithinFactor: share(
      dayBefore.filter(({ eta, truth }) => eta <= FACTOR * truth && truth <= FACTOR * eta).length,
      dayBefore.length,
    ),
    intervalCoverage: share(
      checked.filter(({ earliest, latest, truth }) => earliest <= truth && truth <= latest).length,
      checked.length,
    ),
    forecasts: checked.length,
  }
}
