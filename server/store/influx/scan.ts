import type { SeriesSpec } from '../../../contract/report.ts'
import { seriesKey } from '../../../contract/wire.ts'
import { HOUR_MS } from '../buckets.ts'
import { readTags } from './line.ts'
import type { InfluxSeries } from './query.ts'
import type { ScanBlock } from '../store.ts'

/** Turns the answers of one scan into blocks; series keep their places from block to block. */
export function createScanReader(): { read(answer: readonly InfluxSeries[], hourly: boolean): ScanBlock } {
  const series: SeriesSpec[] = []
  const places = new Map<string, number>()

  function placeOf(name: string, tags: Readonly<Record<string, string>>): number {
    const { labels, unit } = readTags(tags)
    const key = `${unit}\n${seriesKey(name, labels)}`
    const known = places.get(key)
    if (known !== undefined) return known
    series.push({ metric: name, labels, unit })
    places.set(key, series.length - 1)
    return series.length - 1
  }

  return {
    read(answer, hourly) {
      const found: [place: number, timeMs: number, value: number][] = []
      for (const { name, tags = {}, values = [] } of answer) {
        const place = placeOf(name, tags)
        for (const [timeMs, first, second] of values) {
          if (typeof timeMs !== 'number' || typeof first !== 'number') continue
          if (!hourly) found.push([place, timeMs, first])
          else if (typeof second === 'number') found.push([place, timeMs + HOUR_MS, first / second])
        }
      }
      found.sort(([a, aMs], [b, bMs]) => aMs - bMs || a - b)
      return {
        series,
        hourly,
        at: Uint32Array.from(found, ([place]) => place),
        timesMs: Float64Array.from(found, ([, timeMs]) => timeMs),
        values: Float64Array.from(found, ([, , value]) => value),
      }
    },
  }
}
