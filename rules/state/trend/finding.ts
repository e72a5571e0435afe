import type { Evidence, Forecast } from '../../../contract/rules.ts'
import type { Finding, Moment } from '../../detector.ts'
import { spanText } from '../../duration.ts'
import { numberText } from '../../number-text.ts'
import { HOUR_MS } from './history.ts'

/** A forecast in the terms of the bank: hours from now, distances to the bound (0 at it, negative before). */
export type Outlook = {
  kind: 'run' | 'peaks'
  eta: number
  earliest: number
  latest: number
  /** Per hour. */
  slope: number
  samples: number
  spanHours: number
  r2: number
}

/** What was weighed beside the outlook, in the terms of the bank. */
export type Weighed = {
  /** Past rises that ended by themselves, and the highest of them (distance); none: 0 and -Infinity. */
  rises: number
  highest: number
  /** Where the past rise ended that explains this one away. */
  explainedBy: number | null
  ageHours: number
}

type Frame = { moment: Moment; sign: number; bound: number; outlook: Outlook | null; weighed: Weighed }

const CURVE_POINTS = 24
/**
 * The sides of the 80 % interval, as logarithms of the time; from the quantiles of foretold over true time on the
 * simulator (seeds 11 to 18, 918 forecasts; the near side of days seeds 5001 to 5012, 837) and the development disks
 * (80), at opening and a day before. A run that bends leaves the line by a multiple of what the line leaves unexplained,
 * and is full at a sample, not between two.
 */
const RUN_BY_BEND = 4
/** Points of long runs are means: samples themselves are no further apart. */
const SAMPLE_HOURS = 1 / 6
/**
 * Growth of days that differ comes sooner rather than later: the highest sample counts. Widths count from that of days
 * that are all alike; beyond the most, days are unlike, and it no longer says by how much the time is wrong.
 */
const DAYS_SOONER = 0.03
const DAYS_SOONER_BY_WIDTH = 1.5
const DAYS_LATER_BY_WIDTH = 0.8
const DAYS_LEAST_WIDTH = 0.01
const DAYS_MOST_WIDTH = 0.5
/** What rises and falls back is full at the top of a rise only, and may have to wait for the next one. */
const LATER_BY_RISES = 0.3
const FEWEST_RISES = 2

/** Puts what a trend saw into words, with forecast, curve and what was ruled out. */
export function trendFinding({ moment, sign, bound, outlook: even, weighed }: Frame): Finding {
  const { timeMs, value, unit } = moment
  const outlook = even === null ? null : { ...even, ...sidesOf(even, weighed) }
  const now = `is ${numberText(value, unit)}`
  const base = { value, unit, threshold: bound, forecast: null }
  if (value !== null && sign * (bound - value) <= 0)
    return { ...base, says: `${now} and has reached ${numberText(bound, unit)}` }
  if (outlook === null) {
    const held = weighed.explainedBy
    const usual =
      held === null
        ? ''
        : `; rises like this one ended by themselves at ${numberText(bound + sign * held, unit)}`
    return { ...base, says: `${now} and no longer moves to ${numberText(bound, unit)}${usual}` }
  }
  const perHour = sign * outlook.slope
  const at = (hours: number): number => Math.round(timeMs + hours * HOUR_MS)
  const span = (hours: number): string => spanText(hours * HOUR_MS)
  const basis =
    outlook.kind === 'run'
      ? `one straight line over the last ${span(outlook.spanHours)} (r² ${outlook.r2.toFixed(2)})`
      : `the highest value of each of the last ${Math.round(outlook.spanHours / 24)} days (median of all slopes between them)`
  const forecast: Forecast = {
    bound,
    atMs: at(outlook.eta),
    earliestMs: at(outlook.earliest),
    latestMs: Number.isFinite(outlook.latest) ? at(outlook.latest) : null,
    slopePerHour: perHour,
    samples: outlook.samples,
    spanMs: Math.round(outlook.spanHours * HOUR_MS),
    r2: outlook.r2,
    curve: curveOf(outlook, { timeMs, value: value ?? bound, bound, sign }),
    basis: `${basis}; held against ${span(weighed.ageHours)} of its own history`,
  }
  const latest = Number.isFinite(outlook.latest) ? span(outlook.latest) : 'open'
  return {
    ...base,
    forecast,
    ruledOut: ruledOut({ moment, sign, bound, outlook, weighed }),
    says: `${now}, ${perHour > 0 ? 'rises' : 'falls'} by ${numberText(Math.abs(perHour), unit)} an hour and reaches ${numberText(bound, unit)} in ${span(outlook.eta)} (80 % interval ${span(outlook.earliest)} to ${latest}; ${outlook.samples} samples over ${span(outlook.spanHours)})`,
  }
}

/** The ends of the interval: what the outlook leaves to both sides alike, weighed for each side by what it rests on. */
function sidesOf(
  { kind, eta, latest, samples, spanHours, r2 }: Outlook,
  { rises }: Weighed,
): Pick<Outlook, 'earliest' | 'latest'> {
  if (kind === 'run') {
    const width = Math.exp(RUN_BY_BEND * Math.sqrt(Math.max(0, 1 - r2)))
    return { earliest: eta / width, latest: eta * width + Math.min(SAMPLE_HOURS, spanHours / samples) }
  }
  if (eta === 0) return { earliest: 0, latest }
  const width = Math.max(0, Math.min(DAYS_MOST_WIDTH, Math.log(latest / eta)) - DAYS_LEAST_WIDTH)
  const later = DAYS_LATER_BY_WIDTH * width + (rises < FEWEST_RISES ? 0 : LATER_BY_RISES)
  return {
    earliest: eta * Math.exp(-DAYS_SOONER - DAYS_SOONER_BY_WIDTH * width),
    latest: eta * Math.exp(later),
  }
}

/** The way to the bound: in the middle by the forecast, at its edges by the ends of the interval. */
function curveOf(
  { eta, earliest, latest }: Outlook,
  { timeMs, value, bound, sign }: { timeMs: number; value: number; bound: number; sign: number },
): [number, number, number, number][] {
  const late = Number.isFinite(latest) ? latest : 3 * eta
  const toGo = bound - value
  const along = (hours: number, whole: number): number =>
    value + toGo * (whole > 0 ? Math.min(1, hours / whole) : 1)
  return Array.from({ length: CURVE_POINTS + 1 }, (_, index) => {
    const hours = (eta * index) / CURVE_POINTS
    const fast = along(hours, earliest)
    const slow = along(hours, late)
    return [
      Math.round(timeMs + hours * HOUR_MS),
      along(hours, eta),
      sign > 0 ? slow : fast,
      sign > 0 ? fast : slow,
    ]
  })
}

function ruledOut({ moment, sign, bound, outlook, weighed }: Frame): Evidence['ruledOut'] {
  if (outlook === null) return []
  const { unit } = moment
  const text = (distance: number): string => numberText(bound + sign * distance, unit)
  const span = spanText(outlook.spanHours * HOUR_MS)
  const found: NonNullable<Evidence['ruledOut']> = []
  if (weighed.rises > 0)
    found.push({
      explanation: 'log rotation, a backup or another rise that ends by itself',
      because: `the last ${weighed.rises} that did ended at ${text(weighed.highest)} at most or went at another pace`,
    })
  else
    found.push({
      explanation: 'log rotation, a backup or another rise that ends by itself',
      because: `none was seen in ${spanText(weighed.ageHours * HOUR_MS)}`,
    })
  found.push({
    explanation: 'one-off step',
    because:
      outlook.kind === 'run'
        ? `it has gone on evenly for ${span}, over ${outlook.samples} samples`
        : `no single day brought most of the growth of ${span}`,
  })
  found.push({
    explanation: 'high but still',
    because: `it moves by ${numberText(Math.abs(outlook.slope) * 24, unit)} a day`,
  })
  return found
}
