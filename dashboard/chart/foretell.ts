import type { Evidence } from '../../contract/rules.ts'

type Column = (number | null)[]

/** The evidence as columns on one axis of time: what was measured, the bound, and the forecast with its two edges. */
export type Foretold = {
  timesMs: number[]
  measured: Column
  bound: Column
  forecast: Column
  earliest: Column
  latest: Column
}

/** The bound that the value is held to; what is only yes or no has none that says more. */
export function boundOf({ forecast, threshold, unit }: Evidence): number | null {
  return unit === 'bool' ? null : (forecast?.bound ?? threshold)
}

/**
 * Lays the forecast out for drawing: straight lines from the last measured point to the bound at the foretold
 * time, and at the earliest and the latest time, from where they run on along the bound. Where no latest time is
 * known, that edge stays level: the bound may never be reached.
 */
export function foretell(evidence: Evidence): Foretold {
  const measuredAt = new Map(evidence.points)
  const last = evidence.points.at(-1)
  const { forecast } = evidence
  const ends =
    forecast && last
      ? [forecast.earliestMs, forecast.atMs, ...(forecast.latestMs === null ? [] : [forecast.latestMs])]
      : []
  const horizon = Math.max(...ends, last?.[0] ?? 0)
  const timesMs = [...new Set([...measuredAt.keys(), ...ends.filter((ms) => ms > (last?.[0] ?? 0))])].sort(
    (a, b) => a - b,
  )
  const bound = boundOf(evidence)
  const towards = (endMs: number | null): Column =>
    timesMs.map((ms) => {
      if (!forecast || !last || ms < last[0]) return null
      if (endMs === null) return last[1]
      if (ms >= endMs) return forecast.bound
      return last[1] + ((forecast.bound - last[1]) * (ms - last[0])) / (endMs - last[0])
    })
  const line = towards(forecast?.atMs ?? null)
  return {
    timesMs,
    measured: timesMs.map((ms) => measuredAt.get(ms) ?? null),
    bound: timesMs.map(() => bound),
    forecast: timesMs.map((ms, index) =>
      forecast && ms <= Math.max(forecast.atMs, 0) ? (line[index] ?? null) : null,
    ),
    earliest: towards(forecast?.earliestMs ?? horizon),
    latest: towards(forecast ? forecast.latestMs : horizon),
  }
}
