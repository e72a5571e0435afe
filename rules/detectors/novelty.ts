import { NoveltyParameters } from '../../contract/detectors/novelty.ts'
import { anyDetector, BREACH, CLEAR, type Finding, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { measure, MEASURE_COLUMNS, MEASURE_COUNT, MEASURES } from '../state/usual/measures.ts'
import { createSlab } from '../state/slab.ts'

/**
 * A measure must exceed its record by 15 % (0.14 as a logarithm). The records of some measures halve in 4,000 samples
 * (two weeks at five minutes), those of others hardly fade. One set of numbers for all series, chosen on the Numenta
 * Anomaly Benchmark; docs/benchmarks.md says how much of its figure that choice is worth.
 */
const MARGIN = 0.14
const HALVES = Float64Array.of(4000, 4000, 1e5, 1e5, 4000, 4000, 1e5, 4000, 1e5)
const DECAYS = HALVES.map((samples) => 0.5 ** (1 / samples))
/** What has just been found is not found again: the bar rises by e and comes back within some twenty samples. */
const BAR = 1
const BAR_SAMPLES = 20
const BAR_DECAY = Math.exp(-1 / BAR_SAMPLES)
/** Twenty times the record says no more than a thousand times. */
const MOST_TIMES = 20
/** Score 0.5 at the margin; steep enough to tell 10 % over it (0.6) from twice as much (0.94). */
const STEEPNESS = 4
/** What comes this share of a span after the last measurement ends the span: clocks are not exact. */
const SOONEST = 0.9
/** Records of fewer samples than these are none. */
const LEAST_SAMPLES = 150
/** A finding holds while its measure stays over this share of the height at which it was found. */
const HOLD_SHARE = 0.5

/**
 * Is this the most unusual that the series has been, in any of nine ways? Each measure is divided by the largest
 * that it reached before; that record decays. The score grows with the largest excess over a measure's margin, less
 * a bar that every finding raises for a while. So it has no scale, needs no bound, and a series that is often odd in
 * one way stops being found for it.
 */
export const novelty = anyDetector({
  name: 'novelty',
  driven: 'samples',
  parameters: NoveltyParameters,
  check: () => [],
  create({ sensitivity, every, learn, hold }) {
    const everyMs = durationMs(every)
    const learnMs = durationMs(learn)
    const holdMs = durationMs(hold)
    const slab = createSlab({
      ...MEASURE_COLUMNS,
      startMs: { type: 'f64' },
      /** Samples of the span that runs, and their sum. */
      pending: { type: 'u32' },
      sum: { type: 'f64' },
      lastMs: { type: 'f64' },
      firedMs: { type: 'f64' },
      bar: { type: 'f64' },
      score: { type: 'f64' },
      /** The measure that fired, counted from 1, its height then, and its record before. */
      fired: { type: 'u8' },
      height: { type: 'f64' },
      former: { type: 'f64' },
      now: { type: 'f64', width: MEASURE_COUNT },
      records: { type: 'f64', width: MEASURE_COUNT },
    })
    const measured = new Float64Array(MEASURE_COUNT)

    return {
      slab,
      step(slot, timeMs, value) {
        const c = slab.columns
        const pending = (c.pending[slot] as number) + 1
        const sum = (c.sum[slot] as number) + value
        const first = (c.samples[slot] as number) === 0
        if (!first && timeMs - (c.lastMs[slot] as number) < SOONEST * everyMs) {
          c.pending[slot] = pending
          c.sum[slot] = sum
          c.score[slot] = 0
          return c.fired[slot] === 0 ? CLEAR : STAY
        }
        c.pending[slot] = 0
        c.sum[slot] = 0
        measure(slab, slot, timeMs, sum / pending, measured)
        const samples = c.samples[slot] as number
        if (samples === 1) c.startMs[slot] = timeMs
        c.lastMs[slot] = timeMs
        let highest = 0
        let which = 0
        let former = 0
        for (let k = 0; k < MEASURE_COUNT; k++) {
          const at = slot * MEASURE_COUNT + k
          const height = measured[k] as number
          const record = c.records[at] as number
          // A measure that was nothing so far has no record to exceed by a factor: anything counts as the most.
          const times = record > 0 ? height / record : height > 0 ? MOST_TIMES : 0
          if (times > highest) {
            highest = times
            which = k
            former = record
          }
          c.now[at] = height
          c.records[at] = Math.max(height, record * (DECAYS[k] as number))
        }
        const excess = Math.log(Math.min(MOST_TIMES, highest)) - MARGIN
        const bar = (c.bar[slot] as number) * BAR_DECAY
        const found = excess - bar
        c.bar[slot] = found >= 0 ? BAR : bar
        const score = samples < LEAST_SAMPLES ? 0 : 1 / (1 + Math.exp(-STEEPNESS * found))
        c.score[slot] = score
        if (score >= sensitivity && timeMs - (c.startMs[slot] as number) >= learnMs) {
          c.firedMs[slot] = timeMs
          c.fired[slot] = which + 1
          c.height[slot] = measured[which] as number
          c.former[slot] = former
          return BREACH
        }
        const fired = c.fired[slot] as number
        if (fired === 0) return CLEAR
        const standing = (measured[fired - 1] as number) >= HOLD_SHARE * (c.height[slot] as number)
        if (standing && timeMs - (c.firedMs[slot] as number) < holdMs) return STAY
        c.fired[slot] = 0
        return CLEAR
      },
      tick: () => CLEAR,
      score: (slot) => slab.columns.score[slot] as number,
      learning(slot) {
        const { samples, startMs, lastMs } = slab.columns
        const seen = samples[slot] as number
        if (seen < LEAST_SAMPLES) return `${seen} of ${LEAST_SAMPLES} samples`
        const spanMs = (lastMs[slot] as number) - (startMs[slot] as number)
        return spanMs >= learnMs ? null : `${spanText(spanMs)} of ${spanText(learnMs)}`
      },
      explain(slot, { value, unit }): Finding {
        const c = slab.columns
        const base = { value, unit, threshold: null, forecast: null }
        const fired = c.fired[slot] as number
        const from = slot * MEASURE_COUNT
        if (fired === 0)
          return { ...base, says: `is ${numberText(value, unit)} and no longer unlike what it was before` }
        const height = c.height[slot] as number
        const former = c.former[slot] as number
        const times = former > 0 ? `${(height / former).toFixed(2)} times` : 'where it never was any of'
        return {
          ...base,
          says: `is ${numberText(value, unit)}, unlike anything before: ${MEASURES[fired - 1]} was ${rounded(height)}, ${times} the largest so far${former > 0 ? ` (${rounded(former)})` : ''}`,
          related: MEASURES.map((series, k) => ({
            series,
            value: c.now[from + k] as number,
            expected: c.records[from + k] as number,
          })),
          ruledOut: [
            {
              explanation: 'something that it did before',
              because: `the record of ${c.samples[slot] as number} samples, which ${(HALVES[fired - 1] as number) > 4000 ? 'hardly fades' : 'halves in 4000 samples'}, stood at ${rounded(former)}`,
            },
            {
              explanation: 'the same finding again',
              because: `every finding raises the bar for about ${BAR_SAMPLES} samples`,
            },
          ],
        }
      },
    }
  },
})

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)))
}
