/** Hours of a day and of a week. */
export const DAY_HOURS = 24
export const WEEK_HOURS = 168
const HOUR_MS = 3_600_000

/** The hour of the Unix epoch that a moment lies in; whole hours of UTC. */
export function epochHour(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS)
}

/** 0 to 23 from an epoch hour. */
export function hourOfDay(hour: number): number {
  return ((hour % DAY_HOURS) + DAY_HOURS) % DAY_HOURS
}

/** 0 to 167 from an epoch hour; 0 is Monday midnight (the epoch began on a Thursday). */
export function hourOfWeek(hour: number): number {
  return (((hour + 3 * DAY_HOURS) % WEEK_HOURS) + WEEK_HOURS) % WEEK_HOURS
}

/** How far a moment is into its hour, 0 to 1. */
export function partOfHour(timeMs: number): number {
  return timeMs / HOUR_MS - Math.floor(timeMs / HOUR_MS)
}

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/** An hour of the week for people: `Monday 09:00 UTC`. */
export function hourText(hour: number): string {
  const place = hourOfWeek(hour)
  return `${DAYS[Math.floor(place / DAY_HOURS)]} ${String(place % DAY_HOURS).padStart(2, '0')}:00 UTC`
}
