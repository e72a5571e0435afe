/** Wall clock of a zone: `month` and `day` from 1, `weekday` 0 is Monday, `minute` of the day. */
export type WallClock = {
  year: number
  month: number
  day: number
  weekday: number
  minute: number
  /** YYYY-MM-DD. */
  date: string
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const formats = new Map<string, Intl.DateTimeFormat>()

/** What the clocks of a zone show at a moment. RangeError for a zone that this runtime does not know. */
export function wallClock(timeZone: string, timeMs: number): WallClock {
  const localMs = timeMs + offsetMs(timeZone, timeMs)
  const local = new Date(localMs)
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate()]
  return {
    year,
    month,
    day,
    weekday: (local.getUTCDay() + 6) % 7,
    minute: local.getUTCHours() * 60 + local.getUTCMinutes(),
    date: local.toISOString().slice(0, 10),
  }
}

/** By how much a zone's clocks are ahead of UTC at a moment, in milliseconds. */
export function offsetMs(timeZone: string, timeMs: number): number {
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(timeMs)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const shown = Date.UTC(year, month - 1, day, hour, minute, second)
  return shown - Math.floor(timeMs / 1000) * 1000
}

/**
 * The moments at which a zone's clocks show this time of this day, `minute` counted from its midnight: one as a
 * rule, none when they jump over it, two when they are set back.
 */
export function momentsOf(timeZone: string, date: string, minute: number): number[] {
  const asUtcMs = Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS
  const offsets = new Set([-DAY_MS, DAY_MS].map((about) => offsetMs(timeZone, asUtcMs + about)))
  return [...offsets]
    .map((offset) => ({ timeMs: asUtcMs - offset, offset }))
    .filter(({ timeMs, offset }) => offsetMs(timeZone, timeMs) === offset)
    .map(({ timeMs }) => timeMs)
    .sort((a, b) => a - b)
}

/** The same, for one who needs a moment: the first of two; where clocks jump over it, as long after the jump. */
export function momentOf(timeZone: string, date: string, minute: number): number {
  const [first] = momentsOf(timeZone, date, minute)
  if (first !== undefined) return first
  const asUtcMs = Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS
  return asUtcMs - offsetMs(timeZone, asUtcMs - DAY_MS)
}

/** The date some days after another, both YYYY-MM-DD. */
export function dateAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** Moments within [fromMs, toMs] at which the clocks are put forward or back. */
export function clockChanges(timeZone: string, fromMs: number, toMs: number): number[] {
  const before = offsetMs(timeZone, fromMs)
  if (toMs - fromMs <= DAY_MS && before === offsetMs(timeZone, toMs)) return []
  if (toMs - fromMs <= 1000) return [toMs]
  const middle = Math.floor((fromMs + toMs) / 2000) * 1000
  if (middle <= fromMs || middle >= toMs) return [toMs]
  return [...clockChanges(timeZone, fromMs, middle), ...clockChanges(timeZone, middle, toMs)]
}

/** Minutes since midnight of a text such as 08:00; 24:00 is 1440. */
export function minuteOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5))
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(timeZone, format)
  }
  return format
}
