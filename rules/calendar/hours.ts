import { WEEKDAYS, type Calendar } from '../../contract/calendar.ts'
import { clockChanges, dateAfter, minuteOf, momentsOf, wallClock } from './zone.ts'

const DAY_MS = 86_400_000
/** A calendar that does not change within a year never does. */
const LOOK_AHEAD_DAYS = 370

/** Is it business hours? By the wall clock, so also on days whose clocks change. */
export function isOpen(calendar: Calendar, timeMs: number): boolean {
  const { weekday, minute, date } = wallClock(calendar.timeZone, timeMs)
  return hoursOn(calendar, weekday, date).some(
    ({ from, to }) => minuteOf(from) <= minute && minute < minuteOf(to),
  )
}

/** When business hours next begin or end after a moment; null when never within a year. */
export function nextChange(calendar: Calendar, timeMs: number): number | null {
  const now = isOpen(calendar, timeMs)
  const { timeZone } = calendar
  const today = wallClock(timeZone, timeMs)
  for (let ahead = -1; ahead <= LOOK_AHEAD_DAYS; ahead++) {
    const date = dateAfter(today.date, ahead)
    const weekday = (today.weekday + ahead + 7) % 7
    const dayMs = Date.parse(`${date}T00:00:00Z`)
    const candidates = [
      ...hoursOn(calendar, weekday, date).flatMap(({ from, to }) => [minuteOf(from), minuteOf(to)]),
      0,
    ].flatMap((minute) => momentsOf(timeZone, date, minute))
    const moments = [...candidates, ...clockChanges(timeZone, dayMs - DAY_MS, dayMs + DAY_MS)]
    for (const moment of moments.sort((a, b) => a - b))
      if (moment > timeMs && isOpen(calendar, moment) !== now) return moment
  }
  return null
}

function hoursOn(calendar: Calendar, weekday: number, date: string): { from: string; to: string }[] {
  if (calendar.holidays.includes(date)) return []
  const name = WEEKDAYS[weekday]
  return name === undefined ? [] : (calendar.hours[name] ?? [])
}
