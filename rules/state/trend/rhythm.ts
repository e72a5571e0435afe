import { DAYS, type History, HOUR_MS, HOURS } from './history.ts'

/** Least share of a day's growth that is spread evenly: what was never seen at some hour may still come then. */
const EVEN = 0.15
/** Weekdays count as the whole week does until this many weeks were seen of them. */
const WEEKS_OF_DOUBT = 1
/** Weeks repeat where no more than this share of their growth differs; two may be alike by chance: half of it. */
const LIKE_WEEKS = 1 / 8
const LIKE_TWO_WEEKS = 1 / 16
/** Farthest that is looked ahead. */
const AHEAD_HOURS = 240

const byHour = new Float64Array(24)
const byWeekday = new Float64Array(7)
const weekdaysSeen = new Float64Array(7)
/** What each of the last days added, by how many days ago it was. */
const growths = new Float64Array(DAYS)
let deviation = 1
let isWeekly = false
/** What today has added by now. */
let addedToday = 0

/**
 * Hours until growth of `perDay` covers `toGo`, at the hours and weekdays at which the series set its records: a job
 * at night, work by day, rest at the weekend. Infinity beyond ten days. Allocates nothing.
 */
export function hoursToGo(history: History, slot: number, toGo: number, perDay: number): number {
  if (toGo <= 0) return 0
  if (!(perDay > 0)) return Infinity
  const nowMs = history.columns.lastMs[slot] as number
  const nowHour = Math.floor(nowMs / HOUR_MS)
  const today = Math.floor(nowHour / 24)
  // Where weekdays are taken at their word, what today has added by now does not come again.
  let rest = isWeekly ? Math.max(0, perDay * (byWeekday[today % 7] as number) - addedToday) : Infinity
  let left = 1 - (nowMs / HOUR_MS - nowHour)
  let [gone, grown] = [0, 0]
  for (let hour = nowHour; hour < nowHour + AHEAD_HOURS; hour++) {
    const day = Math.floor(hour / 24)
    let growth = left * perDay * (byHour[hour % 24] as number) * (byWeekday[day % 7] as number)
    if (day === today) {
      growth = Math.min(growth, rest)
      rest -= growth
    }
    if (grown + growth >= toGo) return gone + (left * (toGo - grown)) / growth
    grown += growth
    gone += left
    left = 1
  }
  return Infinity
}

/** Learns at which hours and weekdays a slot grows; what is asked next is said of it. Allocates nothing. */
export function learnRhythm(history: History, slot: number): void {
  learnHours(history, slot)
  isWeekly = learnWeeks(history, slot)
  if (!isWeekly) learnWeekdays(history, slot)
}

/** Whether each weekday brought about as much in one week as in the next: a weekly job, a working week. */
export function weeksRepeat(): boolean {
  return isWeekly
}

/** By how much the growth of single days differs from what `learnRhythm` last took it for, as a share of the mean day's. */
export function dayDeviation(): number {
  return deviation
}

/** Share of a day's growth in each hour of the day: where the week's records were set. */
function learnHours(history: History, slot: number): void {
  const c = history.columns
  const now = Math.floor((c.lastMs[slot] as number) / HOUR_MS)
  const first = Math.floor((c.firstMs[slot] as number) / HOUR_MS)
  const from = Math.max(first, now - HOURS + 1)
  byHour.fill(0)
  const step = c.hourStep[slot] as number
  // Records count from the highest value of the day before; without one the first day only shows from where.
  const before = Math.floor(from / 24) - 1
  const isKnown = before >= Math.floor(first / 24)
  let record = isKnown ? (c.peaks[slot * DAYS + (before % DAYS)] as number) : -Infinity
  let sum = 0
  for (let hour = from; hour < now; hour++) {
    const value = (c.hours[slot * HOURS + (hour % HOURS)] as number) * step
    if (value > record && (isKnown || hour >= from + 24)) {
      byHour[hour % 24] = (byHour[hour % 24] as number) + value - record
      sum += value - record
    }
    record = Math.max(record, value)
  }
  for (let hour = 0; hour < 24; hour++)
    byHour[hour] = sum > 0 ? EVEN / 24 + ((1 - EVEN) * (byHour[hour] as number)) / sum : 1 / 24
}

/**
 * Takes weekdays at their word where the past two or three whole weeks were alike: what came each Saturday comes next
 * Saturday, all of it. False, and nothing learned, where they were not.
 */
function learnWeeks(history: History, slot: number): boolean {
  const c = history.columns
  const today = Math.floor((c.lastMs[slot] as number) / (24 * HOUR_MS))
  const firstDay = Math.floor((c.firstMs[slot] as number) / (24 * HOUR_MS))
  const weeks = Math.floor(Math.min(DAYS - 2, today - firstDay - 1) / 7)
  if (weeks < 2) return false
  const days = 7 * weeks
  let record = c.peaks[slot * DAYS + ((today - days - 1) % DAYS)] as number
  let sum = 0
  for (let ago = days; ago >= 1; ago--) {
    const value = c.peaks[slot * DAYS + ((today - ago) % DAYS)] as number
    growths[ago] = Math.max(0, value - record)
    record = Math.max(record, value)
    sum += growths[ago] as number
  }
  addedToday = Math.max(0, (c.peaks[slot * DAYS + (today % DAYS)] as number) - record) || 0
  let [apart, together] = [0, 0]
  for (let ago = 1; ago <= days - 7; ago++) {
    apart += Math.abs((growths[ago] as number) - (growths[ago + 7] as number))
    together += (growths[ago] as number) + (growths[ago + 7] as number)
  }
  if (!(together > 0) || apart > together * (weeks === 2 ? LIKE_TWO_WEEKS : LIKE_WEEKS)) return false
  byWeekday.fill(0)
  for (let ago = 1; ago <= days; ago++)
    byWeekday[(today - ago) % 7] =
      (byWeekday[(today - ago) % 7] as number) + (7 * (growths[ago] as number)) / sum
  let squares = 0
  for (let ago = 1; ago <= days; ago++)
    squares += (((growths[ago] as number) * days) / sum - (byWeekday[(today - ago) % 7] as number)) ** 2
  deviation = Math.sqrt(squares / (days - 7))
  return true
}

/** How much of the mean day's growth each weekday brings (1 on average), by the records of the past weeks. */
function learnWeekdays(history: History, slot: number): void {
  const c = history.columns
  const today = Math.floor((c.lastMs[slot] as number) / (24 * HOUR_MS))
  const firstDay = Math.floor((c.firstMs[slot] as number) / (24 * HOUR_MS))
  const from = Math.max(firstDay, today - DAYS + 1)
  byWeekday.fill(0)
  weekdaysSeen.fill(0)
  let record = c.peaks[slot * DAYS + (from % DAYS)] as number
  let [sum, days] = [0, 0]
  for (let day = from + 1; day < today; day++) {
    const value = c.peaks[slot * DAYS + (day % DAYS)] as number
    const grown = Math.max(0, value - record)
    byWeekday[day % 7] = (byWeekday[day % 7] as number) + grown
    weekdaysSeen[day % 7] = (weekdaysSeen[day % 7] as number) + 1
    record = Math.max(record, value)
    sum += grown
    days++
  }
  if (days < 7 || !(sum > 0)) {
    byWeekday.fill(1)
    deviation = 1
    return
  }
  const mean = sum / days
  let total = 0
  for (let day = 0; day < 7; day++) {
    const seen = weekdaysSeen[day] as number
    byWeekday[day] = ((byWeekday[day] as number) + WEEKS_OF_DOUBT * mean) / ((seen + WEEKS_OF_DOUBT) * mean)
    total += byWeekday[day] as number
  }
  for (let day = 0; day < 7; day++) byWeekday[day] = (7 * (byWeekday[day] as number)) / total
  let squares = 0
  record = c.peaks[slot * DAYS + (from % DAYS)] as number
  for (let day = from + 1; day < today; day++) {
    const value = c.peaks[slot * DAYS + (day % DAYS)] as number
    squares += (Math.max(0, value - record) - mean * (byWeekday[day % 7] as number)) ** 2
    record = Math.max(record, value)
  }
  deviation = Math.sqrt(squares / Math.max(1, days - 2)) / mean
  // Weekdays that explain so little are chance: a few steps, each of which fell on some day.
  if (deviation > 1) byWeekday.fill(1)
}
