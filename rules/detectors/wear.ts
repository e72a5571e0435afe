import { WearParameters } from '../../contract/detectors/wear.ts'
import type { Forecast } from '../../contract/rules.ts'
import { anyDetector, BREACH, CLEAR, type Finding, type Moment, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { createSlab } from '../state/slab.ts'
import { keepWeekly, type Pace, WEEKLY_COLUMNS, weeklyPace } from '../state/weekly.ts'

const WEEK_MS = 7 * 86_400_000
/** Never foretell further than four times what was seen, as `trend` does. */
const REACH = 4
/** A firing forecast ends only when the end has moved this much beyond the horizon. */
const CLEAR_AT = 1.25
const CURVE_POINTS = 12
/** Median, 10th and 90th percentile of the pace, span, r². */
const PACE = 5

/**
 * Slow wear: one value a week for half a year, and their median pace. A battery that regains some capacity, or a
 * drive that writes much in one week, moves the median little.
 */
export const wear = anyDetector({
  name: 'wear',
  driven: 'samples',
  parameters: WearParameters,
  check: ({ bound, direction, from }) =>
    from !== undefined && (direction === 'up' ? from >= bound : from <= bound)
      ? [{ field: 'from', message: `must lie ${direction === 'up' ? 'under' : 'over'} bound (${bound})` }]
      : [],
  create(parameters) {
    const sign = parameters.direction === 'up' ? 1 : -1
    const bound = sign * parameters.bound
    const from = parameters.from === undefined ? -Infinity : sign * parameters.from
    const horizonWeeks = durationMs(parameters.horizon) / WEEK_MS
    const minWeeks = durationMs(parameters.minSpan) / WEEK_MS
    const slab = createSlab({ ...WEEKLY_COLUMNS, pace: { type: 'f32', width: PACE }, fires: { type: 'u8' } })
    const pace: Pace = { spanWeeks: 0, median: 0, low: 0, high: 0, r2: 0 }

    function weeksLeft(slot: number, signed: number): number {
      const median = slab.columns.pace[slot * PACE] as number
      const spanWeeks = slab.columns.pace[slot * PACE + 3] as number
      if (!(median > 0) || spanWeeks < minWeeks) return Infinity
      const left = (bound - signed) / median
      return left > REACH * spanWeeks ? Infinity : left
    }

    return {
      slab,
      step(slot, timeMs, value) {
        const { columns } = slab
        const signed = sign * value
        if (keepWeekly(columns, slot, timeMs, signed)) {
          weeklyPace(columns, slot, pace)
          columns.pace[slot * PACE] = pace.median
          columns.pace[slot * PACE + 1] = pace.low
          columns.pace[slot * PACE + 2] = pace.high
          columns.pace[slot * PACE + 3] = pace.spanWeeks
          columns.pace[slot * PACE + 4] = pace.r2
        }
        if (signed >= bound) {
          columns.fires[slot] = 1
          return BREACH
        }
        const left = signed < from ? Infinity : weeksLeft(slot, signed)
        if (left <= horizonWeeks) {
          columns.fires[slot] = 1
          return BREACH
        }
        if (columns.fires[slot] === 1 && left <= CLEAR_AT * horizonWeeks) return STAY
        columns.fires[slot] = 0
        return CLEAR
      },
      tick: () => CLEAR,
      learning(slot) {
        const spanWeeks = slab.columns.pace[slot * PACE + 3] as number
        return spanWeeks >= minWeeks
          ? null
          : `${Math.floor(spanWeeks)} of ${Math.ceil(minWeeks)} weeks of history for a forecast`
      },
      explain(slot, moment) {
        const [median = 0, low = 0, high = 0, spanWeeks = 0, r2 = 0] = slab.columns.pace.subarray(
          slot * PACE,
          slot * PACE + PACE,
        )
        const left = moment.value === null ? Infinity : weeksLeft(slot, sign * moment.value)
        return findingOf(moment, {
          bound: parameters.bound,
          sign,
          left,
          distance: bound - sign * (moment.value ?? 0),
          median,
          low,
          high,
          spanWeeks,
          r2,
        })
      },
    }
  },
})

type Basis = {
  bound: number
  sign: number
  left: number
  distance: number
  median: number
  low: number
  high: number
  spanWeeks: number
  r2: number
}

function findingOf({ timeMs, value, unit }: Moment, basis: Basis): Finding {
  const { bound, sign, left, distance, median, low, high, spanWeeks, r2 } = basis
  const base = { value, unit, threshold: bound, forecast: null }
  const now = `is ${numberText(value, unit)}`
  if (distance <= 0) return { ...base, says: `${now} and has reached ${numberText(bound, unit)}` }
  if (left === Infinity)
    return { ...base, says: `${now}; no pace towards ${numberText(bound, unit)} is known` }
  const atMs = Math.round(timeMs + left * WEEK_MS)
  const earliestMs = Math.round(timeMs + (distance / high) * WEEK_MS)
  const latestMs = low > 0 ? Math.round(timeMs + (distance / low) * WEEK_MS) : null
  const line = (pace: number, weeks: number): number => (value ?? 0) + sign * pace * weeks
  const forecast: Forecast = {
    bound,
    atMs,
    earliestMs,
    latestMs,
    slopePerHour: (sign * median) / 168,
    samples: Math.round(spanWeeks) + 1,
    spanMs: spanWeeks * WEEK_MS,
    r2,
    curve: Array.from({ length: CURVE_POINTS + 1 }, (_, index) => {
      const weeks = (left * index) / CURVE_POINTS
      const ends = [line(low, weeks), line(high, weeks)].toSorted((a, b) => a - b)
      return [Math.round(timeMs + weeks * WEEK_MS), line(median, weeks), ends[0] as number, ends[1] as number]
    }),
    basis: `the median pace between all weeks of the last ${spanText(spanWeeks * WEEK_MS)}; the interval is their 10th and 90th percentile`,
  }
  const latest = latestMs === null ? 'open' : spanText(latestMs - timeMs)
  return {
    ...base,
    forecast,
    says: `${now}, ${sign > 0 ? 'rises' : 'falls'} by ${numberText(median, unit)} a week and reaches ${numberText(bound, unit)} in ${spanText(left * WEEK_MS)} (80 % interval ${spanText(earliestMs - timeMs)} to ${latest})`,
  }
}
