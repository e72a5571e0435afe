import type { SeriesSpec } from './report.ts'

/**
 * The text over which a layout's hash is taken: SHA-256 of this, first 16 hexadecimal digits. Labels are sorted
 * by name, so both ends get the same text whatever the order in which a collector made them. Each end hashes
 * with its own platform's SHA-256.
 */
export function layoutText(series: readonly SeriesSpec[]): string {
  return JSON.stringify(
    series.map(({ metric, labels, unit }) => [
      metric,
      Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
      unit,
    ]),
  )
}

/** One text per series, the same everywhere: `disk.used_percent{mount="/",type="ext4"}`, labels sorted. */
export function seriesKey(metric: string, labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).sort()
  if (names.length === 0) return metric
  return `${metric}{${names.map((name) => `${name}=${JSON.stringify(labels[name])}`).join(',')}}`
}
