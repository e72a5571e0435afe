import { TrendParameters } from '../../contract/detectors/trend.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { createHistory, HOUR_MS, remember } from '../state/trend/history.ts'
import { trendFinding } from '../state/trend/finding.ts'
import { createTrendVerdict } from '../state/trend/verdict.ts'

/** How many times its window a rule may look ahead. */
const REACH = 4
/** From this window on the week's hours and the month's days are kept as well. */
const LONG_HOURS = 12

/**
 * Time until a bound, held against the series' own past. Two witnesses: the straight run in which it moves now,
 * from seconds to a week long, and the trend of its daily highest values over 7, 14 and 28 days, carried on at the
 * hours and weekdays at which it grows. A run that is like one that ended by itself is no news until it passes it,
 * nor is a step, a job that adds once a day, or a level that is high but still. What already stood past the bound
 * when first seen is no forecast: that is a threshold's business.
 */
export const trend = anyDetector({
  name: 'trend',
  driven: 'samples',
  parameters: TrendParameters,
  check({ bound, direction, from, horizon, window }) {
    const faults = []
    if (from !== undefined && (direction === 'up' ? from >= bound : from <= bound))
      faults.push({
        field: 'from',
        message: `must lie ${direction === 'up' ? 'under' : 'over'} bound (${bound})`,
      })
    if (durationMs(horizon) > REACH * durationMs(window))
      faults.push({ field: 'horizon', message: `at most ${REACH} times the window: further cannot be seen` })
    return faults
  },
  create(parameters) {
    const sign = parameters.direction === 'up' ? 1 : -1
    const bound = sign * parameters.bound
    const from = parameters.from === undefined ? -Infinity : sign * parameters.from - bound
    const horizon = durationMs(parameters.horizon) / HOUR_MS
    const isLong = durationMs(parameters.window) > LONG_HOURS * HOUR_MS
    const { minSamples } = parameters
    const slab = createHistory(isLong)
    const verdict = createTrendVerdict(slab, isLong, horizon)

    return {
      slab,
      step(slot, timeMs, value) {
        const distance = sign * value - bound
        const unit = 0.01 * Math.max(Math.abs(bound), Math.abs(value))
        if (remember(slab, slot, timeMs, distance, unit)) verdict.judgePeaks(slot)
        const c = slab.columns
        const at = slot * 2
        const isFiring = c.breach[at] !== 0
        if ((c.samples[slot] as number) < minSamples || distance < from) {
          c.breach[at] = 0
          return CLEAR
        }
        const isBreach =
          distance >= 0
            ? isFiring
            : verdict.isLeak(slot, timeMs, distance) || verdict.isRunaway(slot, timeMs, distance)
        if (isBreach) {
          c.breach[at + 1] = isFiring ? Math.max(distance, c.breach[at + 1] as number) : distance
          c.breach[at] = timeMs
          return BREACH
        }
        if (!isFiring) return CLEAR
        if (verdict.stands(slot, timeMs, distance)) return STAY
        c.breach[at] = 0
        return CLEAR
      },
      tick: () => CLEAR,
      explain(slot, moment) {
        const outlook = verdict.outlook(slot, moment.timeMs)
        const weighed = verdict.weighed(slot, moment.timeMs)
        return trendFinding({ moment, sign, bound: parameters.bound, outlook, weighed })
      },
      learning(slot) {
        const c = slab.columns
        const samples = c.samples[slot] as number
        if (samples < minSamples) return `${samples} of ${minSamples} samples`
        const age = (c.lastMs[slot] as number) - (c.firstMs[slot] as number)
        if (!isLong || age >= 24 * HOUR_MS) return null
        return `${spanText(age)} of the first day; until then it only foretells what is minutes away`
      },
    }
  },
})
