import * as z from 'zod'

/** `08:00`, or `24:00` for the end of a day: wall clock of the calendar's zone. */
export const ClockText = z.string().regex(/^(?:([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'a time such as 08:00')

/** An IANA time zone that this runtime knows. */
export const TimeZone = z
  .string()
  .max(60)
  .refine((name) => isTimeZone(name), 'an IANA time zone such as Europe/Madrid')

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

const Opening = z
  .strictObject({ from: ClockText, to: ClockText })
  .refine(({ from, to }) => from < to, 'it ends before it begins')

/** When work is done: hours by weekday, several a day where there is a break; no hours on holidays (ISO dates). */
export const Calendar = z.strictObject({
  timeZone: TimeZone,
  hours: z.partialRecord(z.enum(WEEKDAYS), z.array(Opening).max(6)),
  holidays: z.array(z.iso.date()).max(400).default([]),
})
export type Calendar = z.infer<typeof Calendar>

/** Monday to Friday, 08:00 to 18:00, in a zone. */
export function usualCalendar(timeZone: string): Calendar {
  const day = [{ from: '08:00', to: '18:00' }]
  return { timeZone, hours: { mon: day, tue: day, wed: day, thu: day, fri: day }, holidays: [] }
}

/** A window that comes back: on these weekdays (of these weeks of the month, where given), from a wall-clock time on. */
export const Recurrence = z.strictObject({
  timeZone: TimeZone,
  weekdays: z.array(z.enum(WEEKDAYS)).min(1).max(7),
  /** 1 is the first such weekday of the month; empty is every week. */
  weeks: z.array(z.number().int().min(1).max(5)).max(5).default([]),
  from: ClockText,
  minutes: z.number().int().min(1).max(2880),
})
export type Recurrence = z.infer<typeof Recurrence>

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
