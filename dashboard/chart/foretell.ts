import type { Evidence } from '../../contract/rules.ts'

type Column = (number | null)[]

/** The evidence as columns on one axis of time: what was measured, the bound, and the forecast with its two edges. */
export type Foretold = {
  timesMs: number[]
  measured: Column
  bound: Column
  forecast: Column
  low: Column
  high: Column
}

/** A latest time farther off than so many times the forecast would leave no room for what was measured. */
const FARTHEST = 3

type Curve = NonNullable<NonNullable<Evidence['forecast']>['curve']>

/** The bound that the value is held to; what is only yes or no has none that says more. */
export function boundOf({ forecast, threshold, unit }: Evidence): number | null {
  return unit === 'bool' ? null : (forecast?.bound ?? threshold)
}

/** Lays the forecast out for drawing: the curve that the rule gave with its interval, else straight lines. */
export function foretell(evidence: Evidence): Foretold {
  const last = evidence.points.at(-1)
  const curve = last ? curveOf(evidence, last) : []
  const measuredAt = new Map(evidence.points)
  const forecastAt = new Map(curve.map(([ms, ...rest]) => [ms, rest]))
  const timesMs = [...new Set([...measuredAt.keys(), ...forecastAt.keys()])].sort((a, b) => a - b)
  const bound = boundOf(evidence)
  const column = (index: 0 | 1 | 2): Column => timesMs.map((ms) => forecastAt.get(ms)?.[index] ?? null)
  return {
    timesMs,
    measured: timesMs.map((ms) => measuredAt.get(ms) ?? null),
    bound: timesMs.map(() => bound),
    // The line ends at the bound; its interval runs on to the latest time.
    forecast: column(0).map((value, index) =>
      (timesMs[index] ?? 0) > (evidence.forecast?.atMs ?? 0) ? null : value,
    ),
    low: column(1),
    high: column(2),
  }
}

function curveOf(evidence: Evidence, last: readonly [number, number]): Curve {
  const [lastMs, lastValue] = last
  const given = (evidence.forecast?.curve ?? []).filter(([ms]) => ms >= lastMs)
  if (given.length < 2) return straight(evidence, last)
  // Joined to what was measured, also where the curve begins a moment later.
  const joined: Curve =
    given[0]?.[0] === lastMs ? given : [[lastMs, lastValue, lastValue, lastValue], ...given]
  return [...joined, ...lateEnd(evidence, given)]
}

/** Where one edge has come to the bound with the line, the other does so at the latest time. */
function lateEnd({ forecast }: Evidence, given: Curve): Curve {
  const [first, end] = [given[0], given.at(-1)]
  if (!forecast || !first || !end) return []
  const { atMs, bound, latestMs } = forecast
  const [endMs, , low, high] = end
  const close = Math.abs(bound - first[1]) * 1e-6
  if (latestMs === null || latestMs <= endMs || latestMs - first[0] > FARTHEST * (atMs - first[0])) return []
  if (Math.abs(low - bound) > close && Math.abs(high - bound) > close) return []
  return [[latestMs, bound, bound, bound]]
}

/**
 * From the last measured point to the bound at the foretold time, and at the earliest and the latest time, from
 * where the edges run on along the bound. Where no latest time is known, that edge stays level: the bound may never
 * be reached.
 */
function straight({ forecast }: Evidence, [lastMs, lastValue]: readonly [number, number]): Curve {
  if (!forecast) return []
  const { bound, earliestMs, atMs, latestMs } = forecast
  const ends = [earliestMs, atMs, ...(latestMs === null ? [] : [latestMs])].filter((ms) => ms > lastMs)
  const towards = (ms: number, endMs: number | null): number => {
    if (endMs === null) return lastValue
    if (ms >= endMs) return bound
    return lastValue + ((bound - lastValue) * (ms - lastMs)) / (endMs - lastMs)
  }
  return [lastMs, ...new Set(ends.toSorted((a, b) => a - b))].map((ms) => {
    const edges = [towards(ms, earliestMs), towards(ms, latestMs)]
    return [ms, towards(ms, atMs), Math.min(...edges), Math.max(...edges)]
  })
}
