import type { Calendar, Weekday } from '../../contract/calendar.ts'

export const DAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

type Opening = { from: string; to: string }

/** The openings of a day as one writes them: `08:00-13:00, 15:00-18:00`; empty where it is closed. */
export function writeOpenings(openings: readonly Opening[] | undefined): string {
  return (openings ?? []).map(({ from, to }) => `${from}-${to}`).join(', ')
}

/** Reads that back; undefined where it is not such a text. Single digits and dashes of any kind are taken. */
export function readOpenings(text: string): Opening[] | undefined {
  if (text.trim() === '') return []
  const read = text.split(',').map((part): Opening | undefined => {
    const [, h1, m1 = '00', h2, m2 = '00'] =
      /^\s*(\d{1,2})(?::(\d{2}))?\s*[-–—]\s*(\d{1,2})(?::(\d{2}))?\s*$/.exec(part) ?? []
    if (h1 === undefined || h2 === undefined) return undefined
    const [from, to] = [`${h1.padStart(2, '0')}:${m1}`, `${h2.padStart(2, '0')}:${m2}`]
    return isClock(from) && isClock(to) && from < to ? { from, to } : undefined
  })
  return read.includes(undefined) ? undefined : (read as Opening[])
}

/** The calendar that the fields of a form say; undefined while one of them cannot be read. */
export function readCalendar(fields: {
  timeZone: string
  days: Readonly<Record<Weekday, string>>
  holidays: string
}): Calendar | undefined {
  const hours: Calendar['hours'] = {}
  for (const day of DAYS) {
    const openings = readOpenings(fields.days[day])
    if (openings === undefined) return undefined
    if (openings.length > 0) hours[day] = openings
  }
  const holidays = fields.holidays.split(/[\s,]+/).filter((date) => date !== '')
  if (!holidays.every((date) => /^\d{4}-\d{2}-\d{2}$/.test(date))) return undefined
  return { timeZone: fields.timeZone.trim(), hours, holidays }
}

/** Is this a wall-clock time of a calendar, up to 24:00? */
export function isClock(text: string): boolean {
  return /^(?:([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(text)
}
