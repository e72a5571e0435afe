import type { Language } from './language.ts'

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const SPANS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const
const SHORT: Record<Language, Record<(typeof SPANS)[number][0], string>> = {
  en: { day: 'd', hour: 'h', minute: 'min', second: 's' },
  es: { day: 'd', hour: 'h', minute: 'min', second: 's' },
}

const formats = new Map<string, Intl.NumberFormat>()

/** A number in the language's own way, with at most so many decimals. */
export function formatNumber(value: number, language: Language, decimals = 1): string {
  const key = `${language} ${decimals}`
  let format = formats.get(key)
  if (!format)
    formats.set(key, (format = new Intl.NumberFormat(language, { maximumFractionDigits: decimals })))
  return format.format(value)
}

/** Bytes in decimal units (1 GB is 10^9 bytes, IEC 80000-13). */
export function formatBytes(bytes: number, language: Language): string {
  // 999.96 kB is shown as 1 MB, not as 1,000 kB.
  const whole = Math.log10(Math.max(1, Math.abs(bytes) * 1.0005))
  const power = Math.min(SIZES.length - 1, Math.floor(whole / 3))
  const size = bytes / 1000 ** power
  return `${formatNumber(size, language, power === 0 || Math.abs(size) >= 100 ? 0 : 1)} ${SIZES[power] ?? 'B'}`
}

/** A span of time by its two greatest units: `3 h 12 min`. */
export function formatSpan(ms: number, language: Language): string {
  const whole = Math.abs(ms)
  if (whole < 1000) return `${formatNumber(whole, language, 0)} ms`
  const index = SPANS.findIndex(([, size]) => whole >= size)
  const [unit, size] = SPANS[index] ?? SPANS[3]
  const count = Math.floor(whole / size)
  const rest = SPANS[index + 1]
  const text = `${formatNumber(count, language, 0)} ${SHORT[language][unit]}`
  if (!rest) return text
  const more = Math.floor((whole - count * size) / rest[1])
  return more === 0 ? text : `${text} ${more} ${SHORT[language][rest[0]]}`
}

/** A value with its unit of contract/metrics.ts, for people. Unknown units follow the number as they are. */
export function formatValue(value: number, unit: string, language: Language): string {
  switch (unit) {
    case 'percent':
      // A no-break space in Spanish, none in English (CLDR).
      return `${formatNumber(value, language)}${language === 'es' ? ' ' : ''}%`
    case 'bytes':
      return formatBytes(value, language)
    case 'bytes_per_second':
      return `${formatBytes(value, language)}/s`
    case 'per_second':
      return `${formatNumber(value, language, 2)}/s`
    case 'seconds':
      return Math.abs(value) < 1
        ? `${formatNumber(value * 1000, language)} ms`
        : formatSpan(value * 1000, language)
    case 'milliseconds':
      return `${formatNumber(value, language, value < 10 ? 2 : 0)} ms`
    case 'celsius':
      return `${formatNumber(value, language)} °C`
    case 'days':
      return `${formatNumber(value, language)} d`
    case 'count':
    case 'ratio':
      return formatNumber(value, language, 2)
    default:
      return unit === '' ? formatNumber(value, language, 2) : `${formatNumber(value, language, 2)} ${unit}`
  }
}

/** Date and time of the reader's place, to the second. */
export function formatExact(ms: number, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hourCycle: 'h23',
  }).format(ms)
}

/** Time of day for what is less than a day away from now, else with the date. */
export function formatClock(ms: number, nowMs: number, language: Language): string {
  const near = Math.abs(nowMs - ms) < 18 * 3_600_000
  return new Intl.DateTimeFormat(
    language,
    near
      ? { timeStyle: 'medium', hourCycle: 'h23' }
      : { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' },
  ).format(ms)
}

/** How far away, in words: `3 minutes ago`, `in 2 hours`. */
export function formatAgo(ms: number, nowMs: number, language: Language): string {
  const away = ms - nowMs
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const [unit, size] = SPANS.find(([, span]) => Math.abs(away) >= span) ?? SPANS[3]
  return relative.format(Math.trunc(away / size), unit)
}

/** What tells one series of a metric from another: its label values. */
export function seriesName(labels: Readonly<Record<string, string>>): string {
  const { fs: _fs, ...telling } = labels
  return Object.values(telling).join(' · ')
}
