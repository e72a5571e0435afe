import { createForeteller } from './foretell.ts'
import {
  ageOfSample,
  DAY_MS,
  type History,
  HOUR_MS,
  RAW,
  RISE,
  RISES,
  SLOW,
  TEN_MS,
  tenAgo,
} from './history.ts'
import type { Outlook, Weighed } from './finding.ts'

/** A run is straight when a line explains this share of it; a staircase of two equal steps reaches 0.89. */
const STRAIGHT_R2 = 0.85
/** Its slope must differ from zero by this many standard errors. */
const SIGNIFICANT = 3
/** Least height of a run, in hundredths of the bound: less is the breath of any disk. */
const LEAST_UNITS = 1.5
/** A run is news when it is higher than this many times what a single day has added for good before. */
const PAST_USUAL_DAY = 1.2
/**
 * How far a run is believed beyond what was seen of it, in lengths of itself, by the hours of the whole. Short ones
 * are copies and builds, most of which end; what has gone on for half a day is seldom about to. Chosen on the
 * simulator: the largest at which no one-off step and no first backup fires.
 */
const REACH_OF_HOURS = 1 / 3
const REACH_OF_A_DAY = 1.3
const REACH_OF_DAYS = 2.5
/** The same while a disk was seen for less than a day or eight: its backups may not have come round yet. */
const REACH_FIRST_DAY = 1 / 10
const REACH_FIRST_WEEK = 1 / 5
/** Full this soon (five minutes): no time to hold it against anything but its own length. */
const AT_ONCE_HOURS = 1 / 12
/** A slow forecast looks no further than three times as far as the series was seen. */
const SLOW_REACH = 3
/** Growth whose days differ by more than this share of the mean day's is believed less far. */
const UNEVEN_DAYS = 0.5
/** A fall of so much more than the usual one, and so many hundredths, has freed space: the trend starts anew. */
const UNUSUAL_FALL = 1.3
const UNUSUAL_UNITS = 1.5
/** A run is looked for at most this often, where samples come faster, unless the value jumps. */
const WALK_MS = 240_000
/** For how long a forecast stands after it no longer holds, at most; half the horizon otherwise. */
const LONGEST_HOLD_HOURS = 24
/** Share of its rise that a series must lose before the forecast is given up at once. */
const RETREAT_SHARE = 0.2
/**
 * Half widths of the 80 % interval, as logarithms of the time: from the quantiles of foretold over true time on the
 * simulator (seeds 6 and 7, 114 forecasts) and the development disks (80), at opening and a day before. Runs miss
 * by the square root of what the line leaves unexplained and by the noise over what is to go; trends of days by how
 * much single days differ from the mean one.
 */
const RUN_WIDTH_BY_BEND = 2
const RUN_WIDTH_BY_NOISE = 0.5
const DAYS_WIDTH = 0.01
const DAYS_WIDTH_BY_DAY = 0.8

/** When a fill is near enough to say so, over one horizon; times in hours, distances as in the history. */
export function createTrendVerdict(history: History, isLong: boolean, horizon: number) {
  const foreteller = createForeteller(history, isLong)

  /** Whether any pace of the last while could reach the bound within twice the horizon: cheap. */
  function mayReach(slot: number, timeMs: number, distance: number): boolean {
    const c = history.columns
    const pace = -distance / (2 * horizon)
    const raws = c.raws[slot] as number
    const sample = raws - 1 - Math.min(raws - 1, 6)
    const gap = ageOfSample(history, slot, sample, timeMs) / HOUR_MS
    if (gap > 0 && distance - (c.raw[slot * RAW + (sample % RAW)] as number) > pace * gap) return true
    const ten = Math.floor(timeMs / TEN_MS)
    if (distance - tenAgo(history, slot, ten, 6) > pace) return true
    return distance - tenAgo(history, slot, ten, 40) > pace * (40 / 6)
  }

  /** Whether the present run is a fill. What was found a moment ago stands. */
  function isRunaway(slot: number, timeMs: number, distance: number): boolean {
    const c = history.columns
    const at = slot * 2
    const unit = c.unit[slot] as number
    const recent =
      isLong &&
      timeMs - (c.walked[at] as number) < WALK_MS &&
      Math.abs(distance - (c.walked[at + 1] as number)) < unit
    if (recent) return c.runaway[slot] === 1
    const found = mayReach(slot, timeMs, distance) && judgeRun(slot, timeMs)
    c.walked[at] = timeMs
    c.walked[at + 1] = distance
    c.runaway[slot] = found ? 1 : 0
    return found
  }

  /** Finds the run and says whether it is near enough for its length, and neither usual nor explained away. */
  function judgeRun(slot: number, timeMs: number): boolean {
    const { run, eta, explainedBy, tolerance } = foreteller.findRun(slot)
    if (!(eta <= horizon) || explainedBy >= 0) return false
    const height = run.slope * run.hours
    const unit = history.columns.unit[slot] as number
    if (height < Math.max(LEAST_UNITS * unit, 2 * tolerance)) return false
    if (run.r2 < STRAIGHT_R2 || run.slope < SIGNIFICANT * run.slopeError) return false
    if (height < PAST_USUAL_DAY * foreteller.usualDay(slot)) return false
    const ageDays = (timeMs - (history.columns.firstMs[slot] as number)) / DAY_MS
    const whole = run.hours + eta
    const reach = whole < 4 ? REACH_OF_HOURS : whole < 24 ? REACH_OF_A_DAY : REACH_OF_DAYS
    const young = ageDays < 1 ? REACH_FIRST_DAY : ageDays < 8 ? REACH_FIRST_WEEK : Infinity
    return eta <= Math.min(reach, young) * run.hours || (eta <= AT_ONCE_HOURS && eta <= 1.2 * run.hours)
  }

  /** Hours to the bound by the trend of days; Infinity where there is none. */
  function slowEta(slot: number): number {
    const c = history.columns
    if (!isLong || c.slow[slot * SLOW + 3] === 0) return Infinity
    // Foretold with the first sample of this hour.
    const since = ((c.lastMs[slot] as number) % HOUR_MS) / HOUR_MS
    return Math.max(0, (c.slow[slot * SLOW] as number) - since)
  }

  /** Whether the trend of days is near, the series still stands where it has risen to, and no rotation explains it. */
  function isLeak(slot: number, timeMs: number, distance: number): boolean {
    const eta = slowEta(slot)
    if (!(eta <= horizon)) return false
    const c = history.columns
    const uneven = Math.max(0, (c.slow[slot * SLOW + 2] as number) - UNEVEN_DAYS)
    if (eta * (1 + 2 * uneven) > horizon) return false
    const age = (timeMs - (c.firstMs[slot] as number)) / HOUR_MS
    if (eta > age * SLOW_REACH) return false
    const unit = c.unit[slot] as number
    const seen = Math.min(RISES, c.risesSeen[slot] as number)
    const windowFrom = age - 24 * (c.slow[slot * SLOW + 3] as number)
    let largestFall = 0
    let usualFall = 0
    let highest = -Infinity
    let within = 0
    for (let rise = 0; rise < seen; rise++) {
      const place = (slot * RISES + rise) * RISE
      const fall = c.rises[place + 3] as number
      if (fall > largestFall) {
        usualFall = largestFall
        largestFall = fall
      } else if (fall > usualFall) usualFall = fall
      if (fall <= 0.5 * ((c.rises[place + 1] as number) - (c.rises[place] as number))) continue
      highest = Math.max(highest, c.rises[place + 1] as number)
      if ((c.rises[place + 4] as number) > windowFrom) within++
    }
    const top = c.slow[slot * SLOW + 4] as number
    if (distance < top - UNUSUAL_FALL * usualFall - UNUSUAL_UNITS * unit) return false
    // A trend over fewer than two falls may be one tooth of a slow saw: held against the highest one before.
    return within >= 2 || distance >= highest + 2 * unit
  }

  /** Whether a forecast that no longer holds still stands: for a while, unless the series has come down. */
  function stands(slot: number, timeMs: number, distance: number): boolean {
    const c = history.columns
    const high = Math.max(distance, c.breach[slot * 2 + 1] as number)
    c.breach[slot * 2 + 1] = high
    const hold = Math.min(LONGEST_HOLD_HOURS, horizon / 2) * HOUR_MS
    const retreat = RETREAT_SHARE * (high - (c.swing[slot * 3] as number))
    return (
      timeMs - (c.breach[slot * 2] as number) < hold &&
      high - distance < Math.max(LEAST_UNITS * (c.unit[slot] as number), retreat)
    )
  }

  /** What to say of a slot now: the run or the trend of days, whichever is the better witness; null for neither. */
  function outlook(slot: number, timeMs: number): Outlook | null {
    const isFill = judgeRun(slot, timeMs)
    const { run, eta } = foreteller.fast
    const slow = slowEta(slot)
    // A run of over a day and a half that disagrees is the newer truth; a short one is part of the day's rhythm.
    const disagrees =
      run.hours >= 36 ? slow > 2 * eta || eta > 2 * slow : slow > 3 * eta || slow > 3 * horizon
    if (Number.isFinite(slow) && !(isFill && disagrees)) return leakOutlook(slot, slow)
    const isSteady = run.r2 >= STRAIGHT_R2 && run.slope > SIGNIFICANT * run.slopeError
    if (!isSteady || eta > 10 * run.hours) return null
    const noise = Math.min(1, foreteller.fast.tolerance / Math.max(1e-9, eta * run.slope))
    const bend = Math.sqrt(Math.max(0, 1 - run.r2))
    const width = Math.exp(RUN_WIDTH_BY_BEND * bend + RUN_WIDTH_BY_NOISE * noise)
    const spanHours = run.hours
    const { slope, points: samples, r2 } = run
    return { kind: 'run', eta, earliest: eta / width, latest: eta * width, slope, samples, spanHours, r2 }
  }

  function leakOutlook(slot: number, eta: number): Outlook {
    const c = history.columns
    const at = slot * SLOW
    const width = Math.exp(DAYS_WIDTH + DAYS_WIDTH_BY_DAY * Math.min(2, c.slow[at + 2] as number))
    const days = c.slow[at + 3] as number
    return {
      kind: 'peaks',
      eta,
      earliest: eta / width,
      latest: eta * width,
      slope: (c.slow[at + 1] as number) / 24,
      samples: days,
      spanHours: days * 24,
      r2: c.slow[at + 5] as number,
    }
  }

  /** What the last run found was held against. */
  function weighed(slot: number, timeMs: number): Weighed {
    const c = history.columns
    const seen = Math.min(RISES, c.risesSeen[slot] as number)
    const high = (rise: number): number => c.rises[(slot * RISES + rise) * RISE + 1] as number
    const { explainedBy } = foreteller.fast
    return {
      rises: seen,
      highest: Math.max(...Array.from({ length: seen }, (_, rise) => high(rise))),
      explainedBy: explainedBy < 0 ? null : high(explainedBy),
      ageHours: (timeMs - (c.firstMs[slot] as number)) / HOUR_MS,
    }
  }

  return { judgePeaks: foreteller.judgePeaks, isRunaway, isLeak, stands, outlook, weighed }
}
