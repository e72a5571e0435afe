import * as z from 'zod'
import { VigiaError } from '../../../contract/errors.ts'
import type { LatestValue, SeriesData } from '../../../contract/views.ts'
import { withGaps } from '../buckets.ts'
import { encodeTag, readTags } from './line.ts'

const Series = z.object({
  name: z.string(),
  tags: z.record(z.string(), z.string()).optional(),
  columns: z.array(z.string()),
  values: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))).optional(),
})
const Answer = z.object({
  error: z.string().optional(),
  results: z.array(z.object({ error: z.string().optional(), series: z.array(Series).optional() })).optional(),
})
export type InfluxSeries = z.infer<typeof Series>

/** The series of the one statement of an InfluxQL answer. Throws STORE_INVALID with the server's own words. */
export function readAnswer(answer: unknown): InfluxSeries[] {
  const parsed = Answer.safeParse(answer)
  if (!parsed.success)
    throw new VigiaError('STORE_UNAVAILABLE', 'the answer is not that of an InfluxDB server')
  const [result] = parsed.data.results ?? []
  const error = parsed.data.error ?? result?.error
  if (error !== undefined) throw new VigiaError('STORE_INVALID', `InfluxQL: ${error}`)
  return result?.series ?? []
}

/** A text as an InfluxQL string: quotes and backslashes escaped, line breaks written as \n. */
export function quoteText(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n')}'`
}

/** A name as an InfluxQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`
}

/** The condition that selects one device of one client. */
export function ofDevice(client: string, device: string): string {
  return `"client" = ${quoteText(encodeTag(client))} AND "device" = ${quoteText(encodeTag(device))}`
}

/** The condition that selects a span, both ends included. */
export function between(fromMs: number, toMs: number): string {
  return `time >= ${fromMs}ms AND time <= ${toMs}ms`
}

type Line = Omit<SeriesData, 'timesMs' | 'values'> & { points: Map<number, number> }

/** Lines of one metric out of one or more answers of `GROUP BY time(), *`; a later answer wins a bucket. */
export function readLines(answers: readonly InfluxSeries[][], stepMs: number): SeriesData[] {
  const lines = new Map<string, Line>()
  for (const { name, tags = {}, values = [] } of answers.flat()) {
    const key = JSON.stringify(Object.entries(tags).filter(([, text]) => text !== ''))
    let line = lines.get(key)
    if (!line) {
      line = { metric: name, ...readTags(tags), points: new Map() }
      lines.set(key, line)
    }
    for (const [time, value] of values) {
      if (typeof time === 'number' && typeof value === 'number') line.points.set(time, value)
    }
  }
  return [...lines.values()]
    .filter((line) => line.points.size > 0)
    .map(({ metric, labels, unit, points }) => {
      const sorted = [...points].sort(([a], [b]) => a - b)
      const times = sorted.map(([time]) => time)
      const values = sorted.map(([, value]) => value)
      return { metric, labels, unit, ...withGaps(times, values, stepMs) }
    })
}

/** Newest values out of the answer of `SELECT last("value") … GROUP BY *`. */
export function readLatest(series: readonly InfluxSeries[]): LatestValue[] {
  const found: LatestValue[] = []
  for (const { name, tags = {}, values = [] } of series) {
    const [time, value] = values[0] ?? []
    if (typeof time !== 'number' || typeof value !== 'number') continue
    found.push({ metric: name, ...readTags(tags), timeMs: time, value })
  }
  return found
}
