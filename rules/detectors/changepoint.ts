import { ChangepointParameters } from '../../contract/detectors/changepoint.ts'
import { anyDetector, BREACH, CLEAR, type Finding, STAY, type Verdict } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { createSlab } from '../state/slab.ts'
import { DAY_HOURS, epochHour, hourOfDay } from '../state/usual/week.ts'

/** What is summed in two directions each: the hour's mean, and the logarithm of its standard deviation. */
const LEVEL = 0
const VARIATION = 1
const CHANNELS = [LEVEL, VARIATION] as const
/** Two directions a channel. */
const SUMS = 2 * CHANNELS.length
/** Page's allowance in standard deviations: half of the smallest shift that is looked for, one deviation. */
const ALLOWANCE = 0.5
/** One hour counts at most this many deviations: a spike is not a shift. */
const CLIP = 3
/** A sum as high as the highest of the past is scored as this much: 1 - exp(-9) = 0.9999. */
const RECORD_SUM = 9
/** What has lasted for a day need not be summed further. */
const HIGHEST_SUM = 60
const RECORD_HALF_HOURS = 14 * DAY_HOURS
/** Memory of the level of an hour: about ten days; of the deviations: about four days of hours. */
const LEVEL_GAIN = 0.1
const SPREAD_GAIN = 0.01
/** The mean deviation of a normal variable times this is its standard deviation. */
const DEVIATION_OF_MEAN = 1.2533
/** Variation is judged from this many samples an hour. */
const SAMPLES_OF_VARIATION = 6
/** No series varies less than this share of its own size. */
const LEAST_SHARE = 1e-3
/** The shift that is being seen, over about four hours; under one deviation it is gone. */
const RECENT_GAIN = 0.25
const GONE = 1

/**
 * Page's two-sided CUSUM over hourly means and hourly standard deviations, each against the same hour of the days
 * before. The score is 1 - exp(-2 k S): for normal steps the chance that a sum which should fall by k a step stays
 * under S (Siegmund 1985). Real hours hang together, so a sum must also stand out from the highest one of the past
 * weeks, which decays. 370 bytes a series.
 */
export const changepoint = anyDetector({
  name: 'changepoint',
  driven: 'samples',
  parameters: ChangepointParameters,
  check: () => [],
  create({ of, direction, sensitivity, learn, accept, atLeast }) {
    const learnHours = Math.max(2 * DAY_HOURS, durationMs(learn) / 3_600_000)
    const acceptMs = durationMs(accept)
    const wanted = Uint8Array.from([
      Number(of !== 'variation' && direction !== 'down'),
      Number(of !== 'variation' && direction !== 'up'),
      Number(of !== 'level' && direction !== 'down'),
      Number(of !== 'level' && direction !== 'up'),
    ])
    const slab = createSlab({
      hour: { type: 'f64' },
      /** Of the hour that runs, as differences from its first sample. */
      first: { type: 'f64' },
      sum: { type: 'f64' },
      squares: { type: 'f64' },
      count: { type: 'u32' },
      hoursSeen: { type: 'u32' },
      firedMs: { type: 'f64' },
      /** Which sum fired, counted from 1; 0 while none does. */
      fired: { type: 'u8' },
      verdict: { type: 'u8' },
      score: { type: 'f32' },
      before: { type: 'f32' },
      after: { type: 'f32' },
      sums: { type: 'f32', width: SUMS },
      records: { type: 'f32', width: SUMS },
      /** The highest of each sum since it was last 0. */
      peaks: { type: 'f32', width: SUMS },
      recent: { type: 'f32', width: CHANNELS.length },
      spread: { type: 'f32', width: CHANNELS.length },
      level: { type: 'f32', width: CHANNELS.length * DAY_HOURS },
      seen: { type: 'u8', width: CHANNELS.length * DAY_HOURS },
    })

    function close(slot: number, endMs: number): void {
      const columns = slab.columns
      const count = columns.count[slot] as number
      if (count === 0) return
      const relative = (columns.sum[slot] as number) / count
      const mean = (columns.first[slot] as number) + relative
      const variance = Math.max(0, (columns.squares[slot] as number) / count - relative * relative)
      columns.hoursSeen[slot] = (columns.hoursSeen[slot] as number) + 1
      columns.score[slot] = 0
      take(slot, LEVEL, mean)
      if (count >= SAMPLES_OF_VARIATION)
        take(slot, VARIATION, Math.log(Math.sqrt(variance) + LEAST_SHARE * Math.abs(mean) + 1e-9))
      judge(slot, endMs)
      columns.count[slot] = 0
      columns.sum[slot] = 0
      columns.squares[slot] = 0
    }

    /** One hour's figure into its level, its spread and its two sums. */
    function take(slot: number, channel: number, figure: number): void {
      const columns = slab.columns
      const place = (slot * CHANNELS.length + channel) * DAY_HOURS + hourOfDay(columns.hour[slot] as number)
      const seen = columns.seen[place] as number
      columns.seen[place] = Math.min(255, seen + 1)
      const level = columns.level[place] as number
      if (seen === 0) {
        columns.level[place] = figure
        return
      }
      const at = slot * CHANNELS.length + channel
      const off = figure - level
      const hours = columns.hoursSeen[slot] as number
      const learning = hours < learnHours
      const least = channel === LEVEL ? LEAST_SHARE * Math.abs(level) + 1e-9 : LEAST_SHARE
      const spread = Math.max(columns.spread[at] as number, least)
      const bound = learning ? Infinity : CLIP * DEVIATION_OF_MEAN * spread
      const gain = Math.max(1 / (hours - DAY_HOURS + 1), SPREAD_GAIN)
      columns.spread[at] = spread + gain * (Math.min(Math.abs(off), bound) - spread)
      columns.level[place] =
        level + Math.max(1 / (seen + 1), LEVEL_GAIN) * Math.max(-bound, Math.min(bound, off))
      if (hours < 2 * DAY_HOURS) return
      const z = Math.max(-CLIP, Math.min(CLIP, off / (DEVIATION_OF_MEAN * spread)))
      columns.recent[at] =
        (columns.recent[at] as number) + RECENT_GAIN * (off - (columns.recent[at] as number))
      for (let down = 0; down < 2; down++) {
        const which = 2 * at + down
        const step = (down === 0 ? z : -z) - ALLOWANCE
        const sum = Math.min(HIGHEST_SUM, Math.max(0, (columns.sums[which] as number) + step))
        columns.sums[which] = sum
        const record = (columns.records[which] as number) * 0.5 ** (1 / RECORD_HALF_HOURS)
        // What is being judged raises its own bar only when it is over.
        const peak = Math.max(columns.peaks[which] as number, sum)
        const over = learning || sum === 0
        columns.records[which] = over ? Math.max(record, peak) : record
        columns.peaks[which] = over ? 0 : peak
        if (learning || wanted[which % SUMS] === 0) continue
        const score = 1 - Math.exp((-2 * ALLOWANCE * sum) / Math.max(1, record / RECORD_SUM))
        if (score <= (columns.score[slot] as number)) continue
        columns.score[slot] = score
        if (columns.fired[slot] !== 0 || score < sensitivity) continue
        if (channel === LEVEL && Math.abs(off) < atLeast) continue
        columns.fired[slot] = 1 + (which % SUMS)
        columns.firedMs[slot] = 0
        columns.before[slot] = level
        columns.after[slot] = figure
      }
    }

    function judge(slot: number, endMs: number): void {
      const columns = slab.columns
      const fired = columns.fired[slot] as number
      columns.verdict[slot] = CLEAR
      if (fired === 0) return
      const channel = fired > 2 ? VARIATION : LEVEL
      const at = slot * CHANNELS.length + channel
      if (columns.firedMs[slot] === 0) columns.firedMs[slot] = endMs
      const deviation = DEVIATION_OF_MEAN * (columns.spread[at] as number)
      const shift = columns.recent[at] as number
      const recent = (((fired - 1) % 2 === 0 ? 1 : -1) * shift) / Math.max(deviation, 1e-12)
      const accepted = endMs - (columns.firedMs[slot] as number) >= acceptMs
      if (accepted) {
        const from = at * DAY_HOURS
        for (let hour = from; hour < from + DAY_HOURS; hour++)
          columns.level[hour] = (columns.level[hour] as number) + shift
      }
      if (accepted || recent < GONE) {
        for (let which = 2 * at; which < 2 * at + 2; which++) {
          columns.records[which] = Math.max(columns.records[which] as number, columns.peaks[which] as number)
          columns.peaks[which] = 0
          columns.sums[which] = 0
        }
        columns.recent[at] = 0
        columns.fired[slot] = 0
        return
      }
      columns.verdict[slot] = recent < 2 * GONE ? STAY : BREACH
    }

    return {
      slab,
      step(slot, timeMs, value) {
        const hour = epochHour(timeMs)
        if (hour !== slab.columns.hour[slot]) {
          close(slot, timeMs)
          slab.columns.hour[slot] = hour
          slab.columns.first[slot] = value
        }
        const columns = slab.columns
        const relative = value - (columns.first[slot] as number)
        columns.sum[slot] = (columns.sum[slot] as number) + relative
        columns.squares[slot] = (columns.squares[slot] as number) + relative * relative
        columns.count[slot] = (columns.count[slot] as number) + 1
        return columns.verdict[slot] as Verdict
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
        const fired = columns.fired[slot] as number
        const base = { value, unit, threshold: null, forecast: null }
        if (fired === 0)
          return { ...base, says: `is ${numberText(value, unit)} and no longer in another state than before` }
        const before = columns.before[slot] as number
        const after = columns.after[slot] as number
        const level = fired <= 2
        const spread = columns.spread[slot * CHANNELS.length + (level ? LEVEL : VARIATION)] as number
        const sum = columns.sums[slot * SUMS + fired - 1] as number
        const record = columns.records[slot * SUMS + fired - 1] as number
        const since = spanText(timeMs - (columns.firedMs[slot] as number))
        const says = level
          ? `has moved to another level: ${numberText(after, unit)} on average over an hour, where ${numberText(before, unit)} was usual at that hour of the days before`
          : `varies ${Math.exp(Math.abs(after - before)).toFixed(1)} times as ${after > before ? 'much' : 'little'} within an hour as at that hour of the days before`
        return {
          ...base,
          says: `${says} (seen ${since} ago)`,
          related: [
            {
              series: level ? 'mean of the hour' : 'standard deviation within the hour',
              value: level ? after : Math.exp(after),
              expected: level ? before : Math.exp(before),
            },
          ],
          ruledOut: [
            {
              explanation: 'a spike',
              because: `one hour counts at most ${CLIP} deviations; together they make ${sum.toFixed(1)}`,
            },
            {
              explanation: 'the rhythm of the day',
              because: `each hour is held against the same hour of the days before, which differ by ${level ? numberText(spread, unit) : `${((Math.exp(spread) - 1) * 100).toFixed(0)} %`} on average`,
            },
            {
              explanation: 'its usual wandering',
              because: `the highest sum of the past weeks counts ${record.toFixed(1)}`,
            },
          ],
        }
      },
    }
  },
})
