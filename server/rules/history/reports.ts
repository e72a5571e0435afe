import type { Layout, SeriesSpec } from '../../../contract/report.ts'
import { seriesKey } from '../../../contract/wire.ts'

/** Samples of a device in the order of time; sample i is of `series[at[i]]`. */
export type SampleBlock = {
  series: readonly SeriesSpec[]
  at: Uint32Array
  timesMs: Float64Array
  values: Float64Array
}

/** A report as it was, or as it must have been. `values` is used again for the next one. */
export type PastReport = { layout: Layout; timeMs: number; values: Float64Array }

/** Where the samples of one kind of report go: places of the scan by column of the layout, -1 where it had none. */
type Part = { layout: Layout; columns: Int32Array; values: Float64Array }
type Shape = { places: Uint32Array; parts: Part[] }

/**
 * Puts samples together into the reports in which they came. The layouts that the device is known to report say which
 * values were unavailable: a report is taken for the smallest layout that has all its series, or for the fewest that
 * do when several came at one moment; series of no known layout get one of their own.
 */
export function createPastReports(layouts: readonly Layout[]): (block: SampleBlock) => Generator<PastReport> {
  const known = layouts.map((layout) => ({
    layout,
    columnOf: new Map(layout.series.map((spec, column) => [keyOf(spec), column])),
  }))
  const shapes = new Map<number, Shape[]>()
  let made = 0

  function shapeOf(series: readonly SeriesSpec[], places: Uint32Array): Shape {
    let hash = places.length
    for (const place of places) hash = (Math.imul(hash, 31) + place) | 0
    const alike = shapes.get(hash) ?? []
    const found = alike.find((shape) => sameNumbers(shape.places, places))
    if (found !== undefined) return found
    const shape = { places: places.slice(), parts: partsFor(series, places) }
    shapes.set(hash, [...alike, shape])
    return shape
  }

  function partsFor(series: readonly SeriesSpec[], places: Uint32Array): Part[] {
    const parts: Part[] = []
    let left = new Set([...places].map((place) => keyOf(specAt(series, place))))
    const take = (layout: Layout): void => {
      const columnOf = new Map(layout.series.map((spec, column) => [keyOf(spec), column]))
      const columns = Int32Array.from(places, (place) => columnOf.get(keyOf(specAt(series, place))) ?? -1)
      parts.push({ layout, columns, values: new Float64Array(layout.series.length) })
      left = new Set([...left].filter((key) => !columnOf.has(key)))
    }
    while (left.size > 0) {
      const fits = known
        .map(({ layout, columnOf }) => ({
          layout,
          hits: [...left].filter((key) => columnOf.has(key)).length,
        }))
        .filter(({ hits }) => hits > 0)
        .sort((a, b) => b.hits - a.hits || a.layout.series.length - b.layout.series.length)
      const [best] = fits
      if (best === undefined) break
      take(best.layout)
    }
    if (left.size > 0) {
      const own = [...places].map((place) => specAt(series, place)).filter((spec) => left.has(keyOf(spec)))
      take({ v: 1, hash: `past-${made++}`, series: own })
    }
    return parts
  }

  return function* ({ series, at, timesMs, values }) {
    for (let from = 0; from < timesMs.length;) {
      const timeMs = timesMs[from] as number
      let to = from + 1
      while (to < timesMs.length && timesMs[to] === timeMs) to++
      const shape = shapeOf(series, at.subarray(from, to))
      for (const part of shape.parts) {
        part.values.fill(NaN)
        for (let i = 0; i < part.columns.length; i++) {
          const column = part.columns[i] as number
          if (column >= 0) part.values[column] = values[from + i] as number
        }
        yield { layout: part.layout, timeMs, values: part.values }
      }
      from = to
    }
  }
}

function specAt(series: readonly SeriesSpec[], place: number): SeriesSpec {
  const spec = series[place]
  if (spec === undefined) throw new RangeError(`a sample of series ${place}, of ${series.length}`)
  return spec
}

function keyOf({ metric, labels, unit }: SeriesSpec): string {
  return `${unit}\n${seriesKey(metric, labels)}`
}

function sameNumbers(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
