import { metricInfo } from '../../contract/metrics.ts'
import { LIMITS } from '../../contract/limits.ts'
import type { SeriesSpec } from '../../contract/report.ts'

/** What one line says: a field is one series. Fields that hold text are left out. */
export type LinePoint = { series: SeriesSpec; value: number; timeMs: number | undefined }

/** The points of all lines, or the first fault with its line. */
export type LineAnswer = { points: LinePoint[] } | { fault: string; line: number }

/**
 * Parses InfluxDB line protocol (docs.influxdata.com, "Line protocol reference"): `measurement,tag=value
 * field=1.5,other=2i timestamp`. The metric is `measurement.field` with what a metric may not hold replaced by
 * `_`; tags become labels. Timestamps may be in s, ms, µs or ns: which one follows from the magnitude, since all
 * of them lie apart for any date from 1973 to 5138. One faulty line refuses the whole text.
 */
export function parseLines(text: string): LineAnswer {
  const points: LinePoint[] = []
  let at = 0
  let line = 0
  while (at < text.length) {
    line++
    const end = lineEnd(text, at)
    const content = text.slice(at, end).replace(/\r$/, '')
    at = end + 1
    if (content.trim() === '' || content.startsWith('#')) continue
    const fault = parseLine(content, points)
    if (fault !== undefined) return { fault, line }
  }
  return { points }
}

/** A line ends at a newline that is not inside a quoted field value. */
function lineEnd(text: string, start: number): number {
  let quoted = false
  for (let i = start; i < text.length; i++) {
    const char = text[i]
    if (char === '\\') i++
    else if (char === '"' && (quoted || text[i - 1] === '=')) quoted = !quoted
    else if (char === '\n' && !quoted) return i
  }
  return text.length
}

function parseLine(content: string, points: LinePoint[]): string | undefined {
  const head = cutAt(content, ' ', false)
  if (head === undefined) return 'no fields'
  const body = cutAt(head.rest, ' ', true) ?? { part: head.rest, rest: '' }
  const [measurement, ...tags] = splitAt(head.part, ',', false)
  if (!measurement) return 'no measurement'
  const labels = readTags(tags)
  if (typeof labels === 'string') return labels
  const timeMs = readTime(body.rest.trim())
  if (timeMs === null) return 'the timestamp is not a whole number'
  const fields = splitAt(body.part, ',', true)
  for (const field of fields) {
    const pair = cutAt(field, '=', false)
    if (pair === undefined || pair.part === '') return 'a field is not key=value'
    const value = readValue(pair.rest)
    if (value === undefined) return 'a field has no valid value'
    if (value === null) continue
    const metric = metricName(unescapeText(measurement), unescapeText(pair.part))
    points.push({ series: { metric, labels, unit: metricInfo(metric)?.unit ?? '' }, value, timeMs })
  }
  return undefined
}

function readTags(tags: readonly string[]): Record<string, string> | string {
  const labels: Record<string, string> = {}
  for (const tag of tags) {
    const pair = cutAt(tag, '=', false)
    if (pair === undefined || pair.part === '' || pair.rest === '') return 'a tag is not key=value'
    labels[nameOf(unescapeText(pair.part)).slice(0, 40)] = unescapeText(pair.rest).slice(0, LIMITS.labelBytes)
  }
  return Object.keys(labels).length > LIMITS.labelsPerSeries ? 'too many tags' : labels
}

/** A number, null for text (which is no sample), undefined for what is no value. */
function readValue(text: string): number | null | undefined {
  if (/^"(?:[^"\\]|\\[^])*"$/.test(text)) return null
  if (/^(?:t|T|true|True|TRUE)$/.test(text)) return 1
  if (/^(?:f|F|false|False|FALSE)$/.test(text)) return 0
  const number = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([iu]?)$/.exec(text)
  if (number === null) return undefined
  const value = Number(number[1])
  if (!Number.isFinite(value) || (number[2] !== '' && !Number.isInteger(value))) return undefined
  return value
}

/** Milliseconds; undefined without a timestamp, null when it is none. */
function readTime(text: string): number | undefined | null {
  if (text === '') return undefined
  if (!/^-?\d{1,19}$/.test(text)) return null
  const value = Number(text)
  if (value < 1e11) return value * 1000
  if (value < 1e14) return value
  return Math.floor(value < 1e17 ? value / 1e3 : value / 1e6)
}

function metricName(measurement: string, field: string): string {
  return `${nameOf(measurement).slice(0, 39)}.${nameOf(field).slice(0, 40)}`
}

function nameOf(text: string): string {
  const name = text.toLowerCase().replace(/[^a-z0-9_]/g, '_')
  return /^[a-z]/.test(name) ? name : `x${name}`
}

function unescapeText(text: string): string {
  return text.replace(/\\([,= \\])/g, '$1')
}

/** Cuts at the first separator that is neither escaped nor, where `quotes` counts, inside quotation marks. */
function cutAt(text: string, separator: string, quotes: boolean): { part: string; rest: string } | undefined {
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '\\') i++
    else if (quotes && char === '"') quoted = !quoted
    else if (char === separator && !quoted) return { part: text.slice(0, i), rest: text.slice(i + 1) }
  }
  return undefined
}

function splitAt(text: string, separator: string, quotes: boolean): string[] {
  const parts: string[] = []
  let rest = text
  for (let cut = cutAt(rest, separator, quotes); cut !== undefined; cut = cutAt(rest, separator, quotes)) {
    parts.push(cut.part)
    rest = cut.rest
  }
  parts.push(rest)
  return parts
}
