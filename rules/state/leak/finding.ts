import type { Forecast } from '../../../contract/rules.ts'
import type { Finding, Moment } from '../../detector.ts'
import { spanText } from '../../duration.ts'
import { numberText } from '../../number-text.ts'
import type { Rise } from './rise.ts'

/** Two-sided 80 % interval of a normal distribution. */
const Q80 = 1.2816
const CURVE_POINTS = 12

/** What `leakFinding` tells of: all in the direction of the bound (`sign` -1: the bound lies below). */
export type LeakBasis = {
  moment: Moment
  sign: 1 | -1
  /** As the rule has it, unsigned. */
  bound: number
  rise: Rise
  blockMs: number
  correlation: number
  largest: number
  usual: number
  high: number
  historyMs: number
}

/** The finding of a series that is not in breach, or no longer. */
export function quietFinding({ value, unit }: Moment, bound: number): Finding {
  const says = `is ${numberText(value, unit)} and does not grow towards ${numberText(bound, unit)} like a leak`
  return { value, unit, threshold: bound, forecast: null, says }
}

/** The finding of a leak: the forecast with its interval, and what speaks against harmless explanations. */
export function leakFinding(basis: LeakBasis): Finding {
  const { moment, bound, sign, rise, blockMs } = basis
  const { value, unit, timeMs } = moment
  const forecast = foretell(basis)
  const spanMs = rise.blocks * blockMs
  const text = (number: number): string => numberText(number, unit)
  const latest = forecast.latestMs === null ? 'open' : spanText(forecast.latestMs - timeMs)
  const moves = sign > 0 ? 'has grown' : 'has fallen'
  return {
    value,
    unit,
    threshold: bound,
    forecast,
    says: `is ${text(value ?? sign * rise.level)}, ${moves} by ${text(rise.slope * rise.blocks)} in ${spanText(spanMs)} without coming back and reaches ${text(bound)} in ${spanText(forecast.atMs - timeMs)} (80 % interval ${spanText(forecast.earliestMs - timeMs)} to ${latest})`,
    ruledOut: ruledOut(basis, text),
  }
}

function foretell({
  moment,
  sign,
  bound,
  rise,
  blockMs,
  correlation,
  largest,
  historyMs,
}: LeakBasis): Forecast {
  const { timeMs, unit } = moment
  const { blocks, slope, sigma, level } = rise
  // Samples that depend on each other count for fewer: n (1 - r) / (1 + r), first-order autoregression.
  const effective = Math.max(3, (blocks * (1 - correlation)) / (1 + correlation))
  const q = Q80 * (1 + 1.5 / effective)
  const slopeError = (sigma / blocks) * Math.sqrt(12 / effective)
  const left = Math.max(0, sign * bound - level)
  const slowest = slope - q * slopeError
  const blocksTo = { at: left / slope, first: Math.max(0, left - q * sigma) / (slope + q * slopeError) }
  const atMs = Math.round(timeMs + blocksTo.at * blockMs)
  const curve = Array.from({ length: CURVE_POINTS + 1 }, (_, index): [number, number, number, number] => {
    const ahead = (blocksTo.at * index) / CURVE_POINTS
    const middle = level + slope * ahead
    const wide = q * (sigma + slopeError * (ahead + blocks / 2))
    const ends = [sign * (middle - wide), sign * (middle + wide)] as const
    return [Math.round(timeMs + ahead * blockMs), sign * middle, Math.min(...ends), Math.max(...ends)]
  })
  const spanMs = blocks * blockMs
  const history =
    largest > 0
      ? `held against ${spanText(historyMs)} of history, in which it never moved by more than ${numberText(largest, unit)} in that time`
      : `with too little history to compare (${spanText(historyMs)})`
  return {
    bound,
    atMs,
    earliestMs: Math.round(timeMs + blocksTo.first * blockMs),
    latestMs: slowest > 0 ? Math.round(timeMs + ((left + q * sigma) / slowest) * blockMs) : null,
    slopePerHour: (sign * slope * 3_600_000) / blockMs,
    samples: blocks,
    spanMs,
    r2: rise.r2,
    curve,
    basis: `A line through the means of ${spanText(blockMs)} of the last ${spanText(spanMs)}, ${history}.`,
  }
}

function ruledOut(basis: LeakBasis, text: (value: number) => string): NonNullable<Finding['ruledOut']> {
  const { rise, blockMs, sign, largest, usual, high } = basis
  const rose = rise.slope * rise.blocks
  const perHour = 3_600_000 / blockMs
  const span = spanText(rise.blocks * blockMs)
  const found = [
    {
      explanation: 'one-off step, as of a program that was started',
      because: `the largest change within ${spanText(2 * blockMs)} is ${text(rise.jump)} of ${text(rose)}; a single step leaves ${rise.stepShare > 999 ? 'far more' : `${numberText(rise.stepShare, '')} times what`} the line leaves${rise.stepShare > 999 ? '' : ' unexplained'}`,
    },
    {
      explanation: 'cache that warms up and levels off',
      because: `the newer half still moves by ${text(rise.lateSlope * perHour)} an hour, the whole by ${text(rise.slope * perHour)}`,
    },
    {
      explanation: 'noise and load',
      because: `the line explains ${numberText(100 * rise.r2, 'percent')} of the movement over ${span}; it leaves ${text(rise.sigma)}`,
    },
  ]
  if (largest > 0)
    found.unshift({
      explanation: 'daily rhythm or nightly job',
      because: `it moved by ${text(rose)} in ${span}; before, by ${text(largest)} at most and ${text(usual)} usually`,
    })
  if (Number.isFinite(high))
    found.push({
      explanation: 'return to a level it had before',
      because: `${text(sign * rise.level)} is beyond the ${text(sign * high)} seen before`,
    })
  return found
}
