import type { Slab } from '../slab.ts'
import { DAY_HOURS, epochHour, hourOfDay } from './week.ts'

/** The measures, in their order; each says how far the series is from what it was. */
export const MEASURES = [
  'mean of 3 samples against this hour of the day',
  'value against this hour of the day, in its usual deviations',
  'mean of 3 samples against this hour of the day, in its usual deviations',
  'mean of 12 samples against this hour of the day, in its usual deviations',
  'mean of 12 samples against this hour of the day, on a logarithmic scale',
  'value against the last hundred samples',
  'mean of 3 samples against the last 500, in their usual deviations',
  'value against the last thousand samples, on a logarithmic scale',
  'lowest or highest of 24 samples against the last thousand',
] as const
export const MEASURE_COUNT = MEASURES.length

/** Samples kept, a power of two over the longest window. */
const RING = 32
const WIDEST = 24
const HOUR_RING = 16
/** Memory of the level of an hour, in samples: most of two days of that hour at five minutes. */
const HOUR_SAMPLES = 20
/** Memory of the deviation of an hour, in samples. */
const SPREAD_SAMPLES = 50
/** The general level stands beside an hour's as one sample, so that a new hour does not begin from nothing. */
const LEVEL_SAMPLES = 500
/** Share of the general deviation that is added to that of an hour, so that an hour that never moved is not infinitely strict. */
const GENERAL_SHARE = 0.3
/** Added to the value before its logarithm, as a share of its usual size. */
const LOG_FLOOR = 0.05
const SIZE_SAMPLES = 2000
const FAST_SAMPLES = 100
const MIDDLE_SAMPLES = 500
const SLOW_SAMPLES = 1000
/** Until this many samples, deviations are not yet a measure of anything. */
const FIRST_SAMPLES = 30
/** Keeps logarithms and ratios finite for a series that never moves. */
const LEAST = 1e-9
/** No series is taken to move less than this share of its own size: what is smaller is rounding. */
const LEAST_SHARE = 1e-3

/** The columns that the measures need, for a slab. About 700 bytes a slot. */
export const MEASURE_COLUMNS = {
  samples: { type: 'u32' },
  base: { type: 'f64' },
  general: { type: 'f64' },
  generalLog: { type: 'f64' },
  deviation: { type: 'f64' },
  fast: { type: 'f64' },
  middle: { type: 'f64' },
  middleDeviation: { type: 'f64' },
  slow: { type: 'f64' },
  slowLog: { type: 'f64' },
  size: { type: 'f64' },
  values: { type: 'f32', width: RING },
  off: { type: 'f32', width: HOUR_RING },
  offLog: { type: 'f32', width: HOUR_RING },
  hourLevel: { type: 'f32', width: DAY_HOURS },
  hourLog: { type: 'f32', width: DAY_HOURS },
  hourDeviation: { type: 'f32', width: DAY_HOURS },
  hourSamples: { type: 'u8', width: DAY_HOURS },
} as const

/**
 * Takes a sample in and fills `out` with the measures, all at least 0; 0 while a window is not full. Values are kept
 * as differences from the first one. Constant time, allocates nothing.
 */
export function measure(
  slab: Slab<typeof MEASURE_COLUMNS>,
  slot: number,
  timeMs: number,
  value: number,
  out: Float64Array,
): void {
  const c = slab.columns
  const n = (c.samples[slot] as number) + 1
  c.samples[slot] = n
  if (n === 1) c.base[slot] = value
  const x = value - (c.base[slot] as number)
  const size = toward(c.size[slot] as number, Math.abs(value), n, SIZE_SAMPLES)
  c.size[slot] = size
  const log = Math.log(Math.max(0, value) + LOG_FLOOR * size + LEAST)
  c.values[slot * RING + (n & (RING - 1))] = x
  out.fill(0)
  againstHour(slab, slot, hourOfDay(epochHour(timeMs)), x, log, out)
  againstPast(slab, slot, x, log, out)
}

/** Moves a mean toward a value: the plain mean of the first samples, with a memory of `memory` samples after. */
function toward(mean: number, value: number, n: number, memory: number): number {
  return mean + (value - mean) / Math.min(n, memory)
}

/** The height, or nothing where it is not above the least that counts. */
function above(height: number, least: number): number {
  return height > least ? height : 0
}

/** Measures 0 to 4: deviations from the level of this hour of the day (UTC). */
function againstHour(
  slab: Slab<typeof MEASURE_COLUMNS>,
  slot: number,
  hour: number,
  x: number,
  log: number,
  out: Float64Array,
): void {
  const c = slab.columns
  const n = c.samples[slot] as number
  const at = slot * DAY_HOURS + hour
  const ring = slot * HOUR_RING
  const seen = c.hourSamples[at] as number
  const weight = Math.min(seen, HOUR_SAMPLES)
  const general = n === 1 ? x : (c.general[slot] as number)
  const generalLog = n === 1 ? log : (c.generalLog[slot] as number)
  const off = x - ((c.hourLevel[at] as number) * weight + general) / (weight + 1)
  c.off[ring + (n & (HOUR_RING - 1))] = off
  c.offLog[ring + (n & (HOUR_RING - 1))] =
    log - ((c.hourLog[at] as number) * weight + generalLog) / (weight + 1)
  c.general[slot] = toward(general, x, n, LEVEL_SAMPLES)
  c.generalLog[slot] = toward(generalLog, log, n, LEVEL_SAMPLES)
  c.hourLevel[at] = toward(c.hourLevel[at] as number, x, seen + 1, HOUR_SAMPLES)
  c.hourLog[at] = toward(c.hourLog[at] as number, log, seen + 1, HOUR_SAMPLES)

  const hourDeviation = c.hourDeviation[at] as number
  const deviation = c.deviation[slot] as number
  const short = Math.abs(mean(c.off, ring, HOUR_RING, n, 3))
  const least = LEAST_SHARE * (c.size[slot] as number)
  if (n > 3) out[0] = above(short, least)
  if (n > 12) out[4] = above(Math.abs(mean(c.offLog, ring, HOUR_RING, n, 12)), LEAST_SHARE)
  if (n > FIRST_SAMPLES) {
    const usual = hourDeviation + GENERAL_SHARE * deviation + least + LEAST
    out[1] = Math.abs(off) / usual
    out[2] = short / usual
    out[3] = Math.abs(mean(c.off, ring, HOUR_RING, n, 12)) / usual
  }
  c.deviation[slot] = toward(deviation, Math.abs(off), n, SLOW_SAMPLES)
  c.hourDeviation[at] = toward(hourDeviation, Math.abs(off), seen + 1, SPREAD_SAMPLES)
  c.hourSamples[at] = Math.min(255, seen + 1)
}

/** Measures 5 to 8: deviations from what the last samples were. */
function againstPast(
  slab: Slab<typeof MEASURE_COLUMNS>,
  slot: number,
  x: number,
  log: number,
  out: Float64Array,
): void {
  const c = slab.columns
  const n = c.samples[slot] as number
  const ring = slot * RING
  const fast = c.fast[slot] as number
  const middle = c.middle[slot] as number
  const middleDeviation = c.middleDeviation[slot] as number
  const slow = toward(c.slow[slot] as number, x, n, SLOW_SAMPLES)
  const least = LEAST_SHARE * (c.size[slot] as number)
  if (n > 1) {
    out[5] = above(Math.abs(x - fast), least)
    out[7] = above(Math.abs(log - (c.slowLog[slot] as number)), LEAST_SHARE)
  }
  if (n > FIRST_SAMPLES)
    out[6] = Math.abs(mean(c.values, ring, RING, n, 3) - middle) / (middleDeviation + least + LEAST)
  if (n > WIDEST) {
    let low = Infinity
    let high = -Infinity
    for (let back = 0; back < WIDEST; back++) {
      const past = c.values[ring + ((n - back) & (RING - 1))] as number
      if (past < low) low = past
      if (past > high) high = past
    }
    out[8] = above(Math.max(low - slow, slow - high), least)
  }
  c.fast[slot] = toward(fast, x, n, FAST_SAMPLES)
  c.middleDeviation[slot] = toward(middleDeviation, Math.abs(x - middle), n, MIDDLE_SAMPLES)
  c.middle[slot] = toward(middle, x, n, MIDDLE_SAMPLES)
  c.slow[slot] = slow
  c.slowLog[slot] = toward(c.slowLog[slot] as number, log, n, SLOW_SAMPLES)
}

/** Mean of the last `width` entries of a ring of `size` that starts at `from` (a power of two), the newest at `n` modulo that. */
function mean(ring: Float32Array, from: number, size: number, n: number, width: number): number {
  let sum = 0
  for (let back = 0; back < width; back++) sum += ring[from + ((n - back) & (size - 1))] as number
  return sum / width
}
