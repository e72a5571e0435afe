import { fitPeaks, type PeakTrend } from './daily-peaks.ts'
import {
  ageOfSample,
  DAY_MS,
  DAYS,
  type History,
  HOUR_MS,
  HOURS,
  noiseOf,
  RAW,
  RISE,
  RISES,
  SLOW,
  TEN_MS,
  TENS,
} from './history.ts'
import { dayDeviation, hoursToGo, learnRhythm, weeksRepeat } from './rhythm.ts'
import { BEND, createRunFinder, type Run } from './run.ts'

/** What the present run foretells: hours to the bound, and the past rise that explains it away (-1: none). */
export type Fast = { run: Run; eta: number; explainedBy: number; tolerance: number }

/** Past days that a trend of peaks needs. */
const FEWEST_DAYS = 5
const WINDOWS = [7, 14, 28] as const
/** Share of a trend's pace that the last week must have kept. */
const STILL_GROWING = 0.3
/** Share of pairs of days in order from which on each day counts as higher than the last. */
const STEADY_ORDER = 0.8

/** Judges one slot at a time; reused for every series. */
export function createForeteller(history: History, isLong: boolean) {
  const finder = createRunFinder()
  const fast: Fast = { run: finder.run, eta: Infinity, explainedBy: -1, tolerance: 0 }
  const trend: PeakTrend = { days: 0, slope: 0, spread: 0, top: 0, order: 0, largestShare: 0 }
  const peaks = new Float64Array(DAYS + 1)

  /** Finds the present run of a slot and when it reaches the bound. */
  function findRun(slot: number): Fast {
    fast.tolerance = noiseOf(history, slot)
    fast.explainedBy = -1
    fast.eta = Infinity
    walkBack(slot, Infinity)
    // What a run's oldest part may bend by is often the stillness before it: that part tells nothing of the pace.
    if (finder.run.slope > 0) walkBack(slot, finder.run.hours * (1 - BEND))
    return finish(slot)
  }

  /** Adds points to the run, newest first: samples, then ten minutes, then hours. */
  function walkBack(slot: number, limit: number): void {
    const c = history.columns
    const nowMs = c.lastMs[slot] as number
    const raws = c.raws[slot] as number
    finder.begin(fast.tolerance)
    let oldestMs = nowMs
    for (let ago = 1; ago <= Math.min(RAW, raws); ago++) {
      const ageMs = ageOfSample(history, slot, raws - ago, nowMs)
      const atMs = nowMs - ageMs
      const hours = ageMs / HOUR_MS
      const weight = ago === 1 ? 1 : Math.min(1, (oldestMs - atMs) / TEN_MS)
      if (
        hours > limit ||
        !finder.add(hours, c.raw[slot * RAW + ((raws - ago) % RAW)] as number, Math.max(weight, 0.01))
      )
        return
      oldestMs = atMs
    }
    const firstMs = c.firstMs[slot] as number
    const nowTen = Math.floor(nowMs / TEN_MS)
    const tenStep = c.tenStep[slot] as number
    for (let ten = Math.floor(oldestMs / TEN_MS) - 1; ten >= nowTen - TENS + 1; ten--) {
      const middleMs = (ten + 0.5) * TEN_MS
      const hours = (nowMs - middleMs) / HOUR_MS
      if (middleMs < firstMs || hours > limit) return
      if (!finder.add(hours, (c.tens[slot * TENS + (ten % TENS)] as number) * tenStep, 1)) return
      oldestMs = ten * TEN_MS
    }
    if (!isLong) return
    const nowHour = Math.floor(nowMs / HOUR_MS)
    const hourStep = c.hourStep[slot] as number
    for (let hour = Math.floor(oldestMs / HOUR_MS) - 1; hour >= nowHour - HOURS + 1; hour--) {
      const middleMs = (hour + 0.5) * HOUR_MS
      const hours = (nowMs - middleMs) / HOUR_MS
      if (middleMs < firstMs || hours > limit) return
      if (!finder.add(hours, (c.hours[slot * HOURS + (hour % HOURS)] as number) * hourStep, 6)) return
    }
  }

  function finish(slot: number): Fast {
    const { run } = finder
    if (run.slope > 0 && run.hours > 0) {
      fast.eta = Math.max(0, -run.level) / run.slope
      fast.explainedBy = explain(slot, run.slope)
    }
    return fast
  }

  /** The most that a whole day before the present run has added for good: a job that adds is no runaway. */
  function usualDay(slot: number): number {
    if (!isLong) return 0
    const c = history.columns
    const startMs = (c.lastMs[slot] as number) - fast.run.hours * HOUR_MS
    const end = Math.floor(startMs / DAY_MS)
    const today = Math.floor((c.lastMs[slot] as number) / DAY_MS)
    const from = Math.max(Math.floor((c.firstMs[slot] as number) / DAY_MS) + 1, today - DAYS + 2)
    let most = 0
    // The first day seen may hold a part of a cycle only: records count from the second on.
    let record = c.peaks[slot * DAYS + (from % DAYS)] as number
    for (let day = from + 1; day < end; day++) {
      const value = c.peaks[slot * DAYS + (day % DAYS)] as number
      most = Math.max(most, value - record)
      record = Math.max(record, value)
    }
    return most
  }

  /** The past rise of like pace that went as high as this one is, and ended by itself. */
  function explain(slot: number, pace: number): number {
    const c = history.columns
    const seen = Math.min(RISES, c.risesSeen[slot] as number)
    const now = c.raw[slot * RAW + (((c.raws[slot] as number) - 1) % RAW)] as number
    const margin = marginOf(slot, seen)
    for (let rise = 0; rise < seen; rise++) {
      const place = (slot * RISES + rise) * RISE
      const low = c.rises[place] as number
      const high = c.rises[place + 1] as number
      const fastest = c.rises[place + 2] as number
      if (now > high + Math.max(margin, 0.04 * (high - low))) continue
      if (high - low < 2 * (c.unit[slot] as number)) continue
      if (pace >= fastest / 3 && pace <= 3 * fastest) return rise
    }
    return -1
  }

  /** How far a rise may pass the highest one before it is news: what the past ones differed by. */
  function marginOf(slot: number, seen: number): number {
    const c = history.columns
    const unit = c.unit[slot] as number
    if (seen < 2) return 2 * unit
    let [sum, squares] = [0, 0]
    for (let rise = 0; rise < seen; rise++) {
      const high = c.rises[(slot * RISES + rise) * RISE + 1] as number
      sum += high
      squares += high * high
    }
    const deviation = Math.sqrt(Math.max(0, squares / seen - (sum / seen) ** 2))
    return Math.min(5 * unit, unit + deviation)
  }

  /** Renews the slow forecast of a slot, once an hour: the trend of daily peaks over the windows that hold. */
  function judgePeaks(slot: number): void {
    const c = history.columns
    const at = slot * SLOW
    c.slow[at] = Infinity
    const nowMs = c.lastMs[slot] as number
    const today = Math.floor(nowMs / DAY_MS)
    const firstDay = Math.floor((c.firstMs[slot] as number) / DAY_MS)
    const past = Math.min(DAYS - 1, today - firstDay)
    if (past < FEWEST_DAYS) return
    for (let day = 0; day <= past; day++)
      peaks[day] = c.peaks[slot * DAYS + ((today - past + day) % DAYS)] as number
    if (!((peaks[past] as number) < 0)) peaks[past] = peaks[past - 1] as number
    let order = 0
    let isLearned = false
    for (const window of WINDOWS) {
      const days = Math.min(window, past)
      fitPeaks(peaks, past, days, trend)
      if (window === 7) order = trend.order
      if (!holds(slot)) continue
      if (!isLearned) learnRhythm(history, slot)
      isLearned = true
      const perDay = pacePerDay(past, order)
      if ((24 * Math.max(0, -trend.top)) / perDay > 240 || !goesOn(past, perDay)) continue
      c.slow[at] = hoursToGo(history, slot, -trend.top, perDay)
      c.slow[at + 1] = perDay
      c.slow[at + 2] = dayDeviation()
      c.slow[at + 3] = trend.days
      c.slow[at + 4] = trend.top
      c.slow[at + 5] = trend.order
      if (days < window) break
    }
  }

  /**
   * Growth a day now: where each day is higher, or each week like the one before, what the last whole week brought and
   * half of what it brought more than the one before; where days fall back in between, the slope of the longest window.
   */
  function pacePerDay(past: number, order: number): number {
    const last = past - 1
    if (last < 7 || (order < STEADY_ORDER && !weeksRepeat())) return trend.slope
    const week = ((peaks[last] as number) - (peaks[last - 7] as number)) / 7
    const before = last < 14 ? week : ((peaks[last - 7] as number) - (peaks[last - 14] as number)) / 7
    const bent = week + Math.min(0.5 * week, Math.max(-0.25 * week, (week - before) / 2))
    return bent > 0 ? bent : trend.slope
  }

  /** Whether the last week rose over the one before by a fair part of what the trend says: it has not stopped. */
  function goesOn(past: number, perDay: number): boolean {
    if (past < 14) return true
    let before = -Infinity
    for (let day = past - 14; day < past - 7; day++) before = Math.max(before, peaks[day] as number)
    return trend.top - before >= STILL_GROWING * 7 * perDay
  }

  function holds(slot: number): boolean {
    const noise = noiseOf(history, slot)
    const grown = trend.slope * trend.days
    return (
      trend.slope > 0 && grown > 4 * trend.spread + noise && trend.order >= 0.55 && trend.largestShare <= 0.6
    )
  }

  return { fast, findRun, judgePeaks, usualDay }
}
