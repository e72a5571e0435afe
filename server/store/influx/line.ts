import type { Layout } from '../../../contract/report.ts'
import type { StoredReport } from '../store.ts'

/** Tag and field names that a label may not take; such a label is stored as `label_NAME`. */
const RESERVED = new Set(['client', 'device', 'unit', 'time', 'value', 'sum', 'min', 'max', 'count'])

/** An empty tag value does not exist in line protocol. */
const EMPTY = '%-'

const ENCODED = /[\u0000-\u001f\u007f\\]|[\ud800-\udfff]|%(?=[0-9A-F]{2}|u[0-9A-F]{4})/gu

/**
 * A tag value that every line protocol reader takes alike. Line protocol has no way to write a line break, a
 * trailing backslash or nothing at all, and its readers disagree on backslashes: those and control characters are
 * written as `%XX` (hexadecimal), half a surrogate pair as `%uXXXX`, and an empty value as `%-`. A `%` is written as
 * `%25` only where it would otherwise read as one of these.
 */
export function encodeTag(value: string): string {
  if (value === '') return EMPTY
  if (value === EMPTY) return `%25-`
  return value.replace(ENCODED, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x80 ? `%${hex(code, 2)}` : `%u${hex(code, 4)}`
  })
}

/** The value that `encodeTag` was given. */
export function decodeTag(text: string): string {
  if (text === EMPTY) return ''
  return text.replace(/%(?:u([0-9A-F]{4})|([0-9A-F]{2}))/g, (_, long?: string, short?: string) =>
    String.fromCharCode(parseInt(long ?? short ?? '', 16)),
  )
}

/** The tag under which a label is stored: its name, or `label_NAME` where that is taken. */
export function tagOfLabel(label: string): string {
  return RESERVED.has(label) || label.startsWith('label_') ? `label_${label}` : label
}

/** The label that a tag stands for; undefined for the tags that are Vigía's own. */
export function labelOfTag(tag: string): string | undefined {
  if (tag.startsWith('label_')) return tag.slice('label_'.length)
  return RESERVED.has(tag) ? undefined : tag
}

/** Labels and unit out of the tags of a series; InfluxQL gives an absent tag as an empty text. */
export function readTags(tags: Readonly<Record<string, string>>): {
  labels: Record<string, string>
  unit: string
} {
  const labels: Record<string, string> = {}
  for (const [tag, text] of Object.entries(tags)) {
    const label = labelOfTag(tag)
    if (label !== undefined && text !== '') labels[label] = decodeTag(text)
  }
  return { labels, unit: decodeTag(tags['unit'] ?? EMPTY) }
}

/** Tags as line protocol, sorted by name, with a comma before each. */
export function tagText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `,${escapeKey(name)}=${escapeKey(value)}`)
    .join('')
}

/** Everything of a layout's lines that is the same for each report. */
type LineParts = { metric: string; rest: string }

const partsOfLayout = new WeakMap<Layout, LineParts[]>()

/** The lines of one report, timestamps in milliseconds; empty when no value is available. */
export function reportLines(report: StoredReport): string {
  const own = tagText({ client: encodeTag(report.client), device: encodeTag(report.device) })
  const parts = partsOf(report.layout)
  let lines = ''
  for (let column = 0; column < report.values.length; column++) {
    const value = report.values[column] ?? NaN
    const part = parts[column]
    if (part && Number.isFinite(value)) lines += `${part.metric}${own}${part.rest}${value} ${report.timeMs}\n`
  }
  return lines
}

function partsOf(layout: Layout): LineParts[] {
  const known = partsOfLayout.get(layout)
  if (known) return known
  const made = layout.series.map(({ metric, labels, unit }) => {
    const tags: Record<string, string> = { unit: encodeTag(unit) }
    for (const [name, value] of Object.entries(labels)) tags[tagOfLabel(name)] = encodeTag(value)
    return { metric: escapeKey(metric), rest: `${tagText(tags)} value=` }
  })
  partsOfLayout.set(layout, made)
  return made
}

function escapeKey(text: string): string {
  return text.replace(/[,= ]/g, '\\$&')
}

function hex(code: number, width: number): string {
  return code.toString(16).toUpperCase().padStart(width, '0')
}
