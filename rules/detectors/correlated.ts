import { CorrelatedParameters } from '../../contract/detectors/correlated.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import {
  createDayMoment,
  DAY_MS,
  learnQuarter,
  placeMoment,
  QUARTER_MS,
  QUARTERS,
  readDay,
} from '../state/usual/day-profile.ts'
import { createSlab } from '../state/slab.ts'
import { addToTail, fadeTail, TAIL_WIDTH, tailQuantile } from '../state/usual/tail.ts'
import { short, unusualFinding } from '../state/usual/unusual.ts'
import { notePeak, peakOfLastWeek, WEEK_PEAKS_WIDTH } from '../state/usual/week-peaks.ts'

/** Series a machine can have in one rule: the contract's most evidence, and twice what a load picture needs. */
const WIDTH = 24
const HOUR_MS = 3_600_000

// What follows was chosen on six servers of the Application Server Dataset (`npm run bench -- servers`) as the middle
// of a plateau: half and twice as much of each gives about the same, except that COUNTS under 8 loses recall.

/** What a machine does for six hours is where it now stands: only the change is unusual, not what lasts. */
const LEVEL_MS = 6 * HOUR_MS
/** The usual deviation is learned over a week, so that weekends are in it. */
const SCALE_MS = 7 * DAY_MS
/**
 * What lies further out than this many usual deviations teaches no more than this (winsorising); the bound doubles
 * every three hours that a series stays beyond it on one side, so that a new level is learned within a day or two,
 * however far it is.
 */
const TEACHES = 5
const DOUBLES_MS = 3 * HOUR_MS
const MOST_DOUBLINGS = 24
/** Deviations up to which a series counts: one series gone wild alone is a threshold's business, not this rule's. */
const COUNTS = 12
/** Deviations finer than this share of the whole spread of a series are rounding, not news. */
const FINEST_SHARE = 0.05
/** The same for a series that hardly moves at all, as a share of its level. */
const FINEST_OF_LEVEL = 1e-4
/** The mean absolute value of a normal deviation is 0.8 of its standard deviation. */
const SIGMAS = 1.25
/** What its own past exceeds in one step of fifty is the machine's measure of unusual. */
const OWN_SHARE = 0.02
/** A machine that never stirs is still allowed what normal noise does: a mean of 0.8 deviations. */
const LEAST_MEASURE = 0.8
/** How far beyond that measure an incident opens (sensitivity 1), and the share of it under which it ends. */
const MARGIN = 2
const STAYS = 0.85
/** Past the measure by this, a step teaches a tenth: a bad day must not become the measure of the next. */
const BAD = 1.2
const BAD_TEACHES = 0.1
/** The measure forgets half in two weeks. */
const FADE_A_DAY = 2 ** (-1 / 14)
/** What was about as unusual at the same hour a week ago is a weekly job. */
const LIKE_LAST_WEEK = 1.2
/** Fewer values than this at once are no picture of a machine. */
const FEWEST = 3
/**
 * Several series of one machine judged together. Each is held against its profile by the time of the day (UTC, a
 * quarter of an hour earlier or later is the same) and the level of the last six hours, in its own usual deviations;
 * the mean over all series (each capped) is held against the machine's own past. So a machine that is often unusual
 * needs more to be unusual, and neither a unit nor a bound has to be known. Learns all the time; constant state,
 * 13 KB a machine: for servers, not for every desktop.
 */
export const correlated = anyDetector({
  name: 'correlated',
  driven: 'vector',
  parameters: CorrelatedParameters,
  metricsOf: ({ metrics }) => metrics,
  everyMsOf: ({ every }) => durationMs(every),
  check({ every, after }) {
    const faults = []
    const everyMs = durationMs(every)
    if (everyMs < 60_000 || everyMs > QUARTER_MS)
      faults.push({
        field: 'every',
        message: 'from 1m to 15m: the profile has a value for each quarter of an hour',
      })
    if (durationMs(after) < 2 * DAY_MS)
      faults.push({ field: 'after', message: 'at least 2d: the first day only makes the profile' })
    return faults
  },
  create(parameters) {
    const everyMs = durationMs(parameters.every)
    const bound = MARGIN / parameters.sensitivity
    const needed = durationMs(parameters.after) / everyMs
    const stepsADay = DAY_MS / everyMs
    const levelShare = Math.min(1, everyMs / LEVEL_MS)
    const scaleShare = everyMs / SCALE_MS
    const usual = createDayMoment()
    const note = { lastMs: 0, timeMs: 0 }
    const slab = createSlab({
      profile: { type: 'f32', width: WIDTH * QUARTERS },
      profileDays: { type: 'u8', width: WIDTH * QUARTERS },
      quarterSum: { type: 'f32', width: WIDTH },
      quarterCount: { type: 'u8', width: WIDTH },
      level: { type: 'f32', width: WIDTH },
      scale: { type: 'f32', width: WIDTH },
      mean: { type: 'f32', width: WIDTH },
      variance: { type: 'f32', width: WIDTH },
      seen: { type: 'u32', width: WIDTH },
      judged: { type: 'u32', width: WIDTH },
      value: { type: 'f32', width: WIDTH },
      expected: { type: 'f32', width: WIDTH },
      run: { type: 'f32', width: WIDTH },
      deviations: { type: 'f32', width: WIDTH },
      tail: { type: 'f32', width: TAIL_WIDTH },
      peaks: { type: 'f32', width: WEEK_PEAKS_WIDTH },
      lastMs: { type: 'f64' },
      steps: { type: 'u32' },
      ratio: { type: 'f32' },
      lastWeek: { type: 'f32' },
    })

    function closeQuarter(slot: number, quarter: number): void {
      const { profile, profileDays, quarterSum, quarterCount } = slab.columns
      for (let series = 0; series < WIDTH; series++) {
        const at = slot * WIDTH + series
        const count = quarterCount[at] as number
        if (count === 0) continue
        learnQuarter(profile, profileDays, at * QUARTERS + quarter, (quarterSum[at] as number) / count)
        quarterSum[at] = 0
        quarterCount[at] = 0
      }
    }

    /** Time that has passed: the profile of a finished quarter, a level that a long gap has made void, a day's fading. */
    function turn(slot: number, timeMs: number): void {
      const { lastMs, level, tail } = slab.columns
      const before = lastMs[slot] as number
      lastMs[slot] = timeMs
      if (before === 0) return
      const quarter = Math.floor(before / QUARTER_MS)
      if (Math.floor(timeMs / QUARTER_MS) !== quarter) closeQuarter(slot, quarter % QUARTERS)
      if (timeMs - before > LEVEL_MS) level.fill(0, slot * WIDTH, (slot + 1) * WIDTH)
      if (Math.floor(timeMs / DAY_MS) !== Math.floor(before / DAY_MS))
        fadeTail(tail, slot * TAIL_WIDTH, FADE_A_DAY)
    }

    /** Takes one value in; its deviations (0 and up), NaN while they are not known. */
    function take(at: number, value: number): number {
      const columns = slab.columns
      const seen = (columns.seen[at] as number) + 1
      columns.seen[at] = seen
      const share = Math.max(1 / seen, scaleShare / 2)
      const apart = value - (columns.mean[at] as number)
      const mean = (columns.mean[at] as number) + share * apart
      const variance = columns.variance[at] as number
      columns.mean[at] = mean
      columns.variance[at] = variance + share * (apart * (value - mean) - variance)
      columns.quarterCount[at] = Math.min(255, (columns.quarterCount[at] as number) + 1)
      if (!readDay(columns.profile, columns.profileDays, at * QUARTERS, usual)) {
        columns.quarterSum[at] = (columns.quarterSum[at] as number) + value
        return NaN
      }
      const judged = (columns.judged[at] as number) + 1
      columns.judged[at] = judged
      const level = columns.level[at] as number
      const offProfile = value - usual.at
      const off = Math.max(0, value - level - usual.high, usual.low - (value - level))
      const finest = Math.max(
        FINEST_SHARE * Math.sqrt(Math.max(0, columns.variance[at])),
        FINEST_OF_LEVEL * Math.abs(mean),
        Number.MIN_VALUE,
      )
      const scale = columns.scale[at] as number
      const sigma = Math.max(SIGMAS * scale, finest)
      // The first hour of values sets the scale; there is nothing yet to call an outlier by.
      const taught = judged * everyMs <= HOUR_MS ? off : Math.min(off, TEACHES * sigma)
      columns.scale[at] = scale + Math.max(scaleShare, 1 / judged) * (taught - scale)
      const outside = Math.abs(offProfile) > TEACHES * sigma ? Math.sign(offProfile) : 0
      const run = columns.run[at] as number
      const ran =
        outside !== 0 && run * outside >= 0
          ? Math.min(MOST_DOUBLINGS, Math.abs(run) + everyMs / DOUBLES_MS)
          : 0
      columns.run[at] = outside * ran
      const most = TEACHES * sigma * (ran === 0 ? 1 : 2 ** ran)
      const bent = Math.max(-most, Math.min(most, offProfile))
      columns.level[at] = level + levelShare * (bent - level)
      columns.quarterSum[at] = (columns.quarterSum[at] as number) + usual.at + bent
      columns.expected[at] = usual.at + level
      return off / sigma
    }

    return {
      slab,
      width: WIDTH,
      step(slot, timeMs, values) {
        const columns = slab.columns
        note.lastMs = columns.lastMs[slot] as number
        note.timeMs = timeMs
        turn(slot, timeMs)
        placeMoment(usual, timeMs, everyMs)
        const count = Math.min(WIDTH, values.length)
        let sum = 0
        let known = 0
        for (let series = 0; series < WIDTH; series++) {
          const at = slot * WIDTH + series
          const value = series < count ? (values[series] as number) : NaN
          columns.value[at] = value
          const deviations = Number.isFinite(value) ? take(at, value) : NaN
          columns.deviations[at] = deviations
          if (Number.isNaN(deviations)) continue
          sum += Math.min(deviations, COUNTS)
          known++
        }
        const steps = (columns.steps[slot] as number) + 1
        columns.steps[slot] = steps
        columns.ratio[slot] = 0
        // The first day makes the profile, the second the scales: what they say of themselves is no measure.
        if (known < FEWEST || steps < 2 * stepsADay) {
          notePeak(columns.peaks, slot * WEEK_PEAKS_WIDTH, note, 0)
          return CLEAR
        }
        const figure = sum / known
        const own = tailQuantile(columns.tail, slot * TAIL_WIDTH, OWN_SHARE)
        const ratio = own === 0 ? 0 : figure / Math.max(own, LEAST_MEASURE)
        addToTail(columns.tail, slot * TAIL_WIDTH, figure, ratio > BAD ? BAD_TEACHES : 1)
        const lastWeek = peakOfLastWeek(columns.peaks, slot * WEEK_PEAKS_WIDTH, timeMs)
        notePeak(columns.peaks, slot * WEEK_PEAKS_WIDTH, note, ratio)
        if (steps < needed) return CLEAR
        columns.ratio[slot] = ratio
        columns.lastWeek[slot] = lastWeek
        if (ratio <= STAYS * bound) return CLEAR
        return ratio > bound && ratio > LIKE_LAST_WEEK * lastWeek ? BREACH : STAY
      },
      score(slot) {
        const ratio = slab.columns.ratio[slot] as number
        return ratio / (ratio + bound)
      },
      learning(slot) {
        const steps = slab.columns.steps[slot] as number
        if (steps >= needed) return null
        return `${spanText(steps * everyMs)} of ${spanText(needed * everyMs)} of history`
      },
      explain(slot, _moment, names) {
        const { value, expected, deviations, scale, ratio, lastWeek } = slab.columns
        const parts = names.slice(0, WIDTH).flatMap((name, series) => {
          const at = slot * WIDTH + series
          const away = deviations[at] as number
          if (Number.isNaN(away)) return []
          return {
            series: name,
            value: short(value[at] as number),
            expected: short(expected[at] as number),
            usual: short(SIGMAS * (scale[at] as number)),
            away,
          }
        })
        return unusualFinding(parts, {
          ratio: ratio[slot] as number,
          lastWeek: lastWeek[slot] as number,
          bound,
          counts: COUNTS,
        })
      },
    }
  },
})
