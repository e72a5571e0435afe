import { TrendParameters } from '../../contract/detectors/trend.ts'
import type { Forecast } from '../../contract/rules.ts'
import { anyDetector, BREACH, CLEAR, STAY, type Finding, type Moment } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { addToLine, createFit, fitLine, type Fit, LINE_WIDTH } from '../state/line.ts'
import { createSlab } from '../state/slab.ts'

/**
 * A staircase of two equal steps explains 8/9 of its variance by a straight line, one step 3/4 (0.65 with the
 * weights used here). Only what is straighter than that is foretold.
 */
const STRAIGHT_R2 = 0.9
/** The slope must differ from zero by this many standard errors. */
const SIGNIFICANT = 3
/** A retreat of this share of the bound's size, and of 5 residual deviations, is a clean-up: history starts anew. */
const RETREAT_SHARE = 0.01
const RETREAT_SIGMAS = 5
/** How far beyond what it has seen it looks. */
const REACH = 4
/** The nearer history: a quarter of the window, so that a sudden fill is seen before the long line bends. */
const NEAR = 4
/** Two-sided 80 % interval of a normal distribution. */
const Q80 = 1.2816

/**
 * Time until a bound by a straight line, over the window and over its last quarter (weights that decay, 14
 * numbers a series). Fires when either line is straight, significant, seen for long enough and reaches the bound
 * within the horizon; the long one only while the near one does not contradict it. A retreat clears it at once; a
 * rise that merely stops clears it after a quarter of the window. What already stood past the bound when first
 * seen is no forecast: that is a threshold's business.
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
    const from = parameters.from === undefined ? -Infinity : sign * parameters.from
    const horizonMs = durationMs(parameters.horizon)
    const windowMs = durationMs(parameters.window)
    const { minSamples } = parameters
    // An exponential weight of time constant T carries as many samples as a plain window of 2 T.
    const farDecayMs = windowMs / 2
    const nearDecayMs = windowMs / NEAR / 2
    const slab = createSlab({
      far: { type: 'f64', width: LINE_WIDTH },
      near: { type: 'f64', width: LINE_WIDTH },
      count: { type: 'u32' },
      startMs: { type: 'f64' },
      lastMs: { type: 'f64' },
      peak: { type: 'f64' },
      base: { type: 'f64' },
      breachMs: { type: 'f64' },
    })
    const farFit = createFit()
    const nearFit = createFit()

    function retreated(slot: number, signed: number): boolean {
      const peak = slab.columns.peak[slot] as number
      const retreat = peak - signed
      if (retreat <= RETREAT_SHARE * Math.max(Math.abs(bound), Math.abs(peak))) return false
      fitLine(slab.columns.near, slot * LINE_WIDTH, nearFit)
      return retreat > RETREAT_SIGMAS * nearFit.sigma
    }

    function restart(slot: number, timeMs: number, signed: number): void {
      slab.open(slot)
      slab.columns.startMs[slot] = timeMs
      slab.columns.base[slot] = signed
      slab.columns.peak[slot] = signed
    }

    function etaMs(fit: Fit, slot: number): number {
      const level = fit.level + (slab.columns.base[slot] as number)
      if (level >= bound) return 0
      return fit.slope > 0 ? (bound - level) / fit.slope : Infinity
    }

    function foretells(fit: Fit, eta: number, spanMs: number): boolean {
      return (
        eta <= horizonMs &&
        spanMs >= eta / REACH &&
        fit.r2 >= STRAIGHT_R2 &&
        fit.slope > SIGNIFICANT * fit.slopeError &&
        fit.weight >= 0.6 * minSamples
      )
    }

    function read(slot: number, timeMs: number): { far: boolean; near: boolean } {
      fitLine(slab.columns.far, slot * LINE_WIDTH, farFit)
      fitLine(slab.columns.near, slot * LINE_WIDTH, nearFit)
      const spanMs = timeMs - (slab.columns.startMs[slot] as number)
      const farEta = etaMs(farFit, slot)
      const nearEta = etaMs(nearFit, slot)
      return {
        far: nearEta <= 2 * horizonMs && foretells(farFit, farEta, Math.min(spanMs, windowMs)),
        near: foretells(nearFit, nearEta, Math.min(spanMs, windowMs / NEAR)),
      }
    }

    return {
      slab,
      step(slot, timeMs, value) {
        const signed = sign * value
        const elapsedMs = timeMs - (slab.columns.lastMs[slot] as number)
        if (slab.columns.count[slot] === 0 || elapsedMs > windowMs || retreated(slot, signed))
          restart(slot, timeMs, signed)
        const columns = slab.columns
        const offset = slot * LINE_WIDTH
        const relative = signed - (columns.base[slot] as number)
        const gapMs = columns.count[slot] === 0 ? 0 : elapsedMs
        addToLine(columns.far, offset, gapMs, Math.exp(-gapMs / farDecayMs), relative)
        addToLine(columns.near, offset, gapMs, Math.exp(-gapMs / nearDecayMs), relative)
        columns.lastMs[slot] = timeMs
        columns.count[slot] = (columns.count[slot] as number) + 1
        if (signed > (columns.peak[slot] as number)) columns.peak[slot] = signed

        if (columns.count[slot] < minSamples || signed < from) return CLEAR
        const breachMs = columns.breachMs[slot] as number
        let breached: boolean
        if (signed >= bound) breached = breachMs !== 0
        else {
          const seen = read(slot, timeMs)
          breached = seen.far || seen.near
        }
        if (breached) {
          columns.breachMs[slot] = timeMs
          return BREACH
        }
        if (breachMs === 0) return CLEAR
        if (timeMs - breachMs < windowMs / NEAR) return STAY
        columns.breachMs[slot] = 0
        return CLEAR
      },
      tick: () => CLEAR,
      explain(slot, moment) {
        const { far } = read(slot, moment.timeMs)
        const fit = far ? farFit : nearFit
        const spanMs = moment.timeMs - (slab.columns.startMs[slot] as number)
        return finding({
          fit,
          moment,
          sign,
          bound: parameters.bound,
          distance: bound - fit.level - (slab.columns.base[slot] as number),
          samples: Math.min(slab.columns.count[slot] as number, Math.ceil(fit.weight)),
          spanMs: Math.min(spanMs, far ? windowMs : windowMs / NEAR),
        })
      },
    }
  },
})

type Basis = {
  fit: Fit
  moment: Moment
  sign: number
  bound: number
  distance: number
  samples: number
  spanMs: number
}

function finding({ fit, moment, sign, bound, distance, samples, spanMs }: Basis): Finding {
  const { timeMs, value, unit } = moment
  const base = { value, unit, threshold: bound }
  const now = `is ${numberText(value, unit)}`
  const past = value !== null && sign * (bound - value) <= 0
  const perHour = sign * fit.slope * 3_600_000
  if (past) return { ...base, forecast: null, says: `${now} and has reached ${numberText(bound, unit)}` }
  if (!(fit.slope > 0) || samples < 3)
    return { ...base, forecast: null, says: `${now} and no longer moves to ${numberText(bound, unit)}` }
  // Wider for few samples: 1 + 1.5 / n is within 2 % of Student's t at 80 % from 5 degrees of freedom on.
  const q = Q80 * (1 + 1.5 / fit.weight)
  const fastest = Math.max(0, distance - q * fit.sigma) / (fit.slope + q * fit.slopeError)
  const slowest = fit.slope - q * fit.slopeError
  const forecast: Forecast = {
    bound,
    atMs: Math.round(timeMs + Math.max(0, distance) / fit.slope),
    earliestMs: Math.round(timeMs + fastest),
    latestMs: slowest > 0 ? Math.round(timeMs + Math.max(0, distance + q * fit.sigma) / slowest) : null,
    slopePerHour: perHour,
    samples,
    spanMs,
    r2: fit.r2,
  }
  const latest = forecast.latestMs === null ? 'open' : spanText(forecast.latestMs - timeMs)
  return {
    ...base,
    forecast,
    says: `${now}, ${perHour > 0 ? 'rises' : 'falls'} by ${numberText(Math.abs(perHour), unit)} an hour and reaches ${numberText(bound, unit)} in ${spanText(forecast.atMs - timeMs)} (80 % interval ${spanText(forecast.earliestMs - timeMs)} to ${latest}; ${samples} samples over ${spanText(spanMs)})`,
  }
}
