import { DAYS, type History, HOUR_MS, HOURS } from './history.ts'

/** Least share of a day's growth that is spread evenly: what was never seen at some hour may still come then. */
const EVEN = 0.15
/** Weekdays count as the whole week does until this many weeks were seen of them. */
const WEEKS_OF_DOUBT = 1
/** Farthest that is looked ahead. */
const AHEAD_HOURS = 240

const byHour = new Float64Array(24)
const byWeekday = new Float64Array(7)
const weekdaysSeen = new Float64Array(7)
let deviation = 1

/**
 * Hours until growth of `perDay` covers `toGo`, at the hours and weekdays at which the series set its records: a job
 * at night, work by day, rest at the weekend. Infinity beyond ten days. Allocates nothing.
 */
export function hoursToGo(history: History, slot: number, toGo: number, perDay: number): number {
  if (toGo <= 0) return 0
  if (!(perDay > 0)) return Infinity
  learnHours(history, slot)
  learnWeekdays(history, slot)
  const nowMs = history.columns.lastMs[slot] as number
  const nowHour = Math.floor(nowMs / HOUR_MS)
  let left = 1 - (nowMs / HOUR_MS - nowHour)
  let [gone, grown] = [0, 0]
  for (let hour = nowHour; hour < nowHour + AHEAD_HOURS; hour++) {
    const pace = perDay * (byHour[hour % 24] as number) * (byWeekday[Math.floor(hour / 24) % 7] as number)
    if (grown + pace * left >= toGo) return gone + (toGo - grown) / pace
    grown += pace * left
    gone += left
    left = 1
  }
  return Infinity
}

/** By how much the growth of single days differs from what `hoursToGo` last took it for, as a share of the mean day's. */
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
  let record = -Infinity
  let sum = 0
  for (let hour = from; hour < now; hour++) {
    const value = (c.hours[slot * HOURS + (hour % HOURS)] as number) * step
    // The first day only shows from where records count.
    if (value > record && hour >= from + 24) {
      byHour[hour % 24] = (byHour[hour % 24] as number) + value - record
      sum += value - record
    }
    record = Math.max(record, value)
  }
  for (let hour = 0; hour < 24; hour++)
    byHour[hour] = sum > 0 ? EVEN / 24 + ((1 - EVEN) * (byHour[hour] as number)) / sum : 1 / 24
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
