import { SeasonalParameters } from '../../contract/detectors/seasonal.ts'
import { anyDetector, BREACH, CLEAR, type Finding, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { keepCoarse } from '../state/trend/coarse.ts'
import { createSlab } from '../state/slab.ts'
import {
  DAY_HOURS,
  epochHour,
  hourOfDay,
  hourOfWeek,
  hourText,
  partOfHour,
  WEEK_HOURS,
} from '../state/usual/week.ts'

/** How much a new hour moves the level of its hour of the day and of the week once they are known: memory of about 2 weeks and 5. */
const DAY_GAIN = 0.07
const WEEK_GAIN = 0.2
/** What a weekday adds is believed by two thirds when it was seen once, by four fifths when twice. */
const WEEKS_OF_TRUST = 0.5
/** Deviations are clipped at this many mean deviations before anything learns from them (Huber), so that an incident teaches little. */
const CLIP = 5
/** Weight of an hour in the mean deviation of its hour of the day: memory of about ten days. */
const SPREAD_GAIN = 0.1
/** No series varies less than this share of its own size, for the sake of those that never vary: float32 resolves 1e-7. */
const LEAST_SHARE = 1e-3
/** A deviation as large as the largest of the past is scored as this many mean deviations, 1 - exp(-6) = 0.9975. */
const RECORD_DEVIATIONS = 6
/** The past's largest deviation halves in two weeks. */
const RECORD_DECAY = 0.5 ** (1 / (2 * WEEK_HOURS))
/** The record is one to two hours old, so that what is just rising does not raise its own bar. */
const LONGEST_OVER_MS = 2 * 3_600_000
/** Holds at four fifths of the deviation at which it fired, stays down to half of it. */
const HOLD_SHARE = 0.8
const STAY_SHARE = 0.5
/** Finest step of what a weekday adds, as a share of the series' own size: a thousandth of the least deviation. */
const FINEST = 1e-6

/**
 * Mean of the last samples against the level that the series uses to have at this hour of the day and of the week,
 * in mean absolute deviations of this hour of the day. The score is the probability that a Laplace variable with
 * that mean deviation lies nearer (1 - exp(-deviation / mean)), and a deviation must also stand out from the largest
 * ones of the past weeks, which decay. 0.8 KB a series.
 */
export const seasonal = anyDetector({
  name: 'seasonal',
  driven: 'samples',
  parameters: SeasonalParameters,
  check: ({ over }) =>
    durationMs(over) > LONGEST_OVER_MS
      ? [{ field: 'over', message: 'at most 2h: an hour has one level' }]
      : [],
  create({ direction, sensitivity, over, learn, atLeast }) {
    const overMs = durationMs(over)
    const learnHours = Math.max(2 * DAY_HOURS, durationMs(learn) / 3_600_000)
    const slab = createSlab({
      hour: { type: 'f64' },
      lastMs: { type: 'f64' },
      /** Sum and number of the samples of the hour that runs, and of their absolute deviations. */
      sum: { type: 'f64' },
      count: { type: 'u32' },
      deviations: { type: 'f64' },
      hoursSeen: { type: 'u32' },
      smooth: { type: 'f64' },
      expected: { type: 'f64' },
      deviation: { type: 'f32' },
      /** The largest deviation of the past, of the last whole hour, and of the hour that runs. */
      record: { type: 'f32' },
      peakBefore: { type: 'f32' },
      peak: { type: 'f32' },
      firedAt: { type: 'f32' },
      score: { type: 'f32' },
      dayLevel: { type: 'f32', width: DAY_HOURS },
      daySeen: { type: 'u8', width: DAY_HOURS },
      daySpread: { type: 'f32', width: DAY_HOURS },
      weekOffset: { type: 'i16', width: WEEK_HOURS },
      weekStep: { type: 'f32' },
      weekSeen: { type: 'u8', width: WEEK_HOURS },
    })

    /** What an hour of the week adds to that hour of all days. */
    function offsetAt(slot: number, week: number): number {
      return (slab.columns.weekOffset[week] as number) * (slab.columns.weekStep[slot] as number)
    }

    /** The level at an hour: that of the hour of all days, and what this weekday adds as far as it is known. */
    function levelAt(slot: number, hour: number): number {
      const columns = slab.columns
      const day = slot * DAY_HOURS + hourOfDay(hour)
      const week = slot * WEEK_HOURS + hourOfWeek(hour)
      const seen = columns.weekSeen[week] as number
      const trust = seen / (seen + WEEKS_OF_TRUST)
      return (columns.dayLevel[day] as number) + trust * offsetAt(slot, week)
    }

    /** Between the middles of two hours the level is a straight line; an hour that was never seen takes its neighbour's. */
    function expectedAt(slot: number, timeMs: number): number {
      const seen = slab.columns.daySeen
      const place = partOfHour(timeMs) - 0.5
      const here = epochHour(timeMs)
      const there = place < 0 ? here - 1 : here + 1
      const hereSeen = (seen[slot * DAY_HOURS + hourOfDay(here)] as number) > 0
      const thereSeen = (seen[slot * DAY_HOURS + hourOfDay(there)] as number) > 0
      if (!hereSeen) return thereSeen ? levelAt(slot, there) : NaN
      const level = levelAt(slot, here)
      return thereSeen ? level + Math.abs(place) * (levelAt(slot, there) - level) : level
    }

    function spreadAt(slot: number, hour: number): number {
      const spread = slab.columns.daySpread[slot * DAY_HOURS + hourOfDay(hour)] as number
      return Math.max(spread, LEAST_SHARE * Math.abs(slab.columns.expected[slot] as number), 1e-9)
    }

    /** Takes the hour that ended into the levels and the spread of its hour. */
    function close(slot: number): void {
      const columns = slab.columns
      const count = columns.count[slot] as number
      if (count === 0) return
      const hour = columns.hour[slot] as number
      const day = slot * DAY_HOURS + hourOfDay(hour)
      const week = slot * WEEK_HOURS + hourOfWeek(hour)
      const mean = (columns.sum[slot] as number) / count
      const seen = columns.daySeen[day] as number
      const spread = columns.daySpread[day] as number
      const learning = (columns.hoursSeen[slot] as number) < learnHours
      const bound = seen < 3 || learning ? Infinity : CLIP * Math.max(spread, 1e-9)
      const weeks = columns.weekSeen[week] as number
      const offWeek = mean - (columns.dayLevel[day] as number) - offsetAt(slot, week)
      const offDay = mean - (columns.dayLevel[day] as number)
      if (seen >= DAY_HOURS / 8) {
        const value = offsetAt(slot, week) + Math.max(1 / (weeks + 1), WEEK_GAIN) * clip(offWeek, bound)
        const ring = { cells: columns.weekOffset, steps: columns.weekStep, width: WEEK_HOURS }
        keepCoarse(ring, slot, hourOfWeek(hour), { value, finest: Math.max(FINEST * Math.abs(mean), 1e-12) })
      }
      columns.dayLevel[day] =
        (columns.dayLevel[day] as number) + Math.max(1 / (seen + 1), DAY_GAIN) * clip(offDay, bound)
      if (seen >= DAY_HOURS / 8) columns.weekSeen[week] = Math.min(255, weeks + 1)
      columns.daySeen[day] = Math.min(255, seen + 1)
      if (seen > 0) {
        const off = Math.min(bound, (columns.deviations[slot] as number) / count)
        columns.daySpread[day] = spread + Math.max(1 / seen, SPREAD_GAIN) * (off - spread)
      }
      columns.record[slot] = Math.max(
        (columns.record[slot] as number) * RECORD_DECAY,
        columns.peakBefore[slot] as number,
      )
      columns.peakBefore[slot] = columns.peak[slot] as number
      columns.peak[slot] = 0
      columns.hoursSeen[slot] = (columns.hoursSeen[slot] as number) + 1
      columns.sum[slot] = 0
      columns.count[slot] = 0
      columns.deviations[slot] = 0
    }

    function toward(deviation: number): number {
      return direction === 'both' ? Math.abs(deviation) : direction === 'up' ? deviation : -deviation
    }

    return {
      slab,
      step(slot, timeMs, value) {
        const columns = slab.columns
        const hour = epochHour(timeMs)
        if (hour !== columns.hour[slot]) {
          close(slot)
          slab.columns.hour[slot] = hour
        }
        const elapsedMs = timeMs - (columns.lastMs[slot] as number)
        columns.lastMs[slot] = timeMs
        columns.sum[slot] = (columns.sum[slot] as number) + value
        columns.count[slot] = (columns.count[slot] as number) + 1
        const expected = expectedAt(slot, timeMs)
        columns.expected[slot] = expected
        columns.score[slot] = 0
        if (Number.isNaN(expected)) return CLEAR
        const fresh = elapsedMs > 4 * overMs ? 1 : 1 - Math.exp(-elapsedMs / overMs)
        const smooth = (columns.smooth[slot] as number) * (1 - fresh) + fresh * (value - expected)
        columns.smooth[slot] = smooth
        columns.deviations[slot] = (columns.deviations[slot] as number) + Math.abs(smooth)
        if ((columns.hoursSeen[slot] as number) < learnHours) {
          // The first half teaches the levels, the second what deviations are usual.
          if ((columns.hoursSeen[slot] as number) > learnHours / 2)
            columns.peak[slot] = Math.max(columns.peak[slot] as number, Math.abs(smooth))
          return CLEAR
        }
        const spread = spreadAt(slot, hour)
        const record = columns.record[slot] as number
        const deviation = toward(smooth)
        const score =
          deviation <= 0 ? 0 : 1 - Math.exp(-deviation / Math.max(spread, record / RECORD_DEVIATIONS))
        columns.score[slot] = score
        columns.deviation[slot] = deviation / spread
        columns.peak[slot] = Math.max(columns.peak[slot] as number, Math.abs(smooth))
        const firedAt = columns.firedAt[slot] as number
        if (firedAt > 0) {
          if (deviation >= HOLD_SHARE * firedAt) return BREACH
          if (deviation >= STAY_SHARE * firedAt) return STAY
          columns.firedAt[slot] = 0
          return CLEAR
        }
        if (score < sensitivity || deviation < atLeast) return CLEAR
        columns.firedAt[slot] = deviation
        return BREACH
      },
      tick: () => CLEAR,
      score: (slot) => slab.columns.score[slot] as number,
      learning(slot) {
        const hours = slab.columns.hoursSeen[slot] as number
        return hours >= learnHours
          ? null
          : `${(hours / DAY_HOURS).toFixed(1)} of ${(learnHours / DAY_HOURS).toFixed(0)} days`
      },
      explain(slot, { timeMs, value, unit }): Finding {
        const columns = slab.columns
        const expected = columns.expected[slot] as number
        const hour = epochHour(timeMs)
        const spread = spreadAt(slot, hour)
        const mean = expected + (columns.smooth[slot] as number)
        const times = (columns.deviation[slot] as number).toFixed(1)
        const weeks = columns.weekSeen[slot * WEEK_HOURS + hourOfWeek(hour)] as number
        return {
          value,
          unit,
          threshold: null,
          forecast: null,
          says: `was ${numberText(mean, unit)} on average over the last ${spanText(overMs)}, where ${numberText(expected, unit)} is usual at this hour (${hourText(hour)}), ${times} times the usual deviation of ${numberText(spread, unit)}`,
          related: [{ series: 'usual at this hour', value: mean, expected }],
          ruledOut: [
            {
              explanation: 'the rhythm of the day and the week',
              because: `compared with the same hour of ${columns.daySeen[slot * DAY_HOURS + hourOfDay(hour)]} days, ${weeks} of them this weekday`,
            },
            {
              explanation: 'a deviation of the kind it had before',
              because: `the largest of the past weeks is counted as ${numberText(columns.record[slot] as number, unit)}`,
            },
          ],
        }
      },
    }
  },
})

function clip(value: number, bound: number): number {
  return Math.max(-bound, Math.min(bound, value))
}
