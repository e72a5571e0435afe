import { WEEKDAYS, type Recurrence } from '../../contract/calendar.ts'
import { dateAfter, minuteOf, momentOf, wallClock } from './zone.ts'

/** One time that a recurring window is open, end not included. */
export type Occurrence = { startsAtMs: number; endsAtMs: number }

const MINUTE_MS = 60_000

/** The times that a recurring window is open at all within [fromMs, toMs), in order. It begins by the wall clock and lasts its minutes. */
export function occurrences(recurrence: Recurrence, fromMs: number, toMs: number): Occurrence[] {
  const { timeZone, minutes } = recurrence
  const first = wallClock(timeZone, fromMs - minutes * MINUTE_MS).date
  const last = wallClock(timeZone, toMs).date
  const found: Occurrence[] = []
  for (let date = first; date <= last; date = dateAfter(date, 1)) {
    if (!fallsOn(recurrence, date)) continue
    const startsAtMs = momentOf(timeZone, date, minuteOf(recurrence.from))
    const endsAtMs = startsAtMs + minutes * MINUTE_MS
    if (startsAtMs < toMs && endsAtMs > fromMs) found.push({ startsAtMs, endsAtMs })
  }
  return found
}

function fallsOn({ weekdays, weeks }: Recurrence, date: string): boolean {
  const weekday = WEEKDAYS[(new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7]
  if (weekday === undefined || !weekdays.includes(weekday)) return false
  return weeks.length === 0 || weeks.includes(Math.ceil(Number(date.slice(8)) / 7))
}
