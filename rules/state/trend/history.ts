import { keepCoarse } from './coarse.ts'
import { createSlab } from '../slab.ts'

/** Samples kept as they are: an hour and a half at five minutes, ten minutes at thirty seconds. */
export const RAW = 20
/** Times of samples are kept as 32 bits of these: two years, then they come round. */
const TICK_MS = 16
/** Of samples that come faster only the newest of each three seconds stays: over a minute at one a second. */
const RAW_MS = 187 * TICK_MS
/** Ten-minute means kept: eight hours. */
export const TENS = 50
export const TEN_MS = 600_000
/** Hourly means kept: a week. */
export const HOURS = 168
export const HOUR_MS = 3_600_000
/** Days whose highest value is kept. */
export const DAYS = 29
export const DAY_MS = 86_400_000
/** Figures of the slow forecast. */
export const SLOW = 6
/** Rises that ended by themselves, as they are remembered. */
export const RISES = 8
/** Figures of a rise: trough, peak, fastest pace an hour, fall, and when it ended in hours since the first sample. */
export const RISE = 5

/**
 * What is remembered of a series, in distances to the bound (0 at the bound, negative before it). `isLong` keeps the
 * week's hours and the month's days as well; without it 0.5 KB a series, with it 1 KB. Means are kept in 16 bits (see
 * `keepCoarse`): within 0.006 points of a percentage.
 */
export function createHistory(isLong: boolean) {
  return createSlab({
    /** Samples and their times, `raws` in all; `samples` counts those that were crowded out as well. */
    rawTick: { type: 'u32', width: RAW },
    raw: { type: 'f32', width: RAW },
    raws: { type: 'u32' },
    samples: { type: 'u32' },
    tens: { type: 'i16', width: TENS },
    tenStep: { type: 'f32' },
    hours: { type: 'i16', width: isLong ? HOURS : 0 },
    hourStep: { type: 'f32', width: isLong ? 1 : 0 },
    peaks: { type: 'f32', width: isLong ? DAYS : 0 },
    /** Sums of the open ten minutes and hour: value, count. */
    openTen: { type: 'f64', width: 2 },
    openHour: { type: 'f64', width: isLong ? 2 : 0 },
    firstMs: { type: 'f64' },
    lastMs: { type: 'f64' },
    /** One per cent of the series' own size. */
    unit: { type: 'f64' },
    /** Mean size of the second difference, for noise. */
    jitter: { type: 'f32' },
    /** Smallest step seen: values that are rounded move by no less. */
    quantum: { type: 'f32' },
    /** The swing since the last reversal: lowest, highest, fastest pace an hour. */
    swing: { type: 'f32', width: 3 },
    /** Past rises that ended with a fall. */
    rises: { type: 'f32', width: RISES * RISE },
    risesSeen: { type: 'u32' },
    /** When it last breached (0: it does not), and the highest value since. */
    breach: { type: 'f64', width: 2 },
    /** When a run was last looked for, where the series stood, and what came of it. */
    walked: { type: 'f64', width: 2 },
    runaway: { type: 'u8' },
    /** The slow forecast of the last full hour: hours to the bound, slope a day, how days differ from it, days, top of the week, order. */
    slow: { type: 'f32', width: isLong ? SLOW : 0 },
  })
}

export type History = ReturnType<typeof createHistory>

/** Share by which the mean size of the second difference follows each sample: about an hour of it at a minute. */
const JITTER_FOLLOW = 1 / 64
/** Fall that ends a rise: this share of its height, and what noise cannot do. */
const FALL_SHARE = 0.25
const FALL_UNITS = 0.7

/**
 * Takes a sample into every memory of a slot; `distance` is signed. True when an hour was completed with it.
 */
export function remember(
  history: History,
  slot: number,
  timeMs: number,
  distance: number,
  unit: number,
): boolean {
  const c = history.columns
  const isFirst = c.raws[slot] === 0
  if (isFirst) {
    c.firstMs[slot] = timeMs
    c.lastMs[slot] = timeMs
    c.unit[slot] = unit
    c.swing[slot * 3] = distance
    c.swing[slot * 3 + 1] = distance
    if (c.hours.length > 0) c.peaks.fill(NaN, slot * DAYS, slot * DAYS + DAYS)
  }
  const lastMs = c.lastMs[slot] as number
  if (timeMs - lastMs > DAYS * DAY_MS) forgetSamples(history, slot)
  const newTen = Math.floor(timeMs / TEN_MS)
  const oldTen = Math.floor(lastMs / TEN_MS)
  if (newTen > oldTen) closeTens(history, slot, oldTen, newTen)
  const newHour = Math.floor(timeMs / HOUR_MS)
  const oldHour = Math.floor(lastMs / HOUR_MS)
  const isLong = c.hours.length > 0
  if (isLong && newHour > oldHour) closeHours(history, slot, oldHour, newHour)
  const raws = learnNoise(history, slot, distance)
  const sums = slot * 2
  c.openTen[sums] = (c.openTen[sums] as number) + distance
  c.openTen[sums + 1] = (c.openTen[sums + 1] as number) + 1
  if (isLong) {
    c.openHour[sums] = (c.openHour[sums] as number) + distance
    c.openHour[sums + 1] = (c.openHour[sums + 1] as number) + 1
    const at = slot * DAYS + (Math.floor(timeMs / DAY_MS) % DAYS)
    if (!((c.peaks[at] as number) >= distance)) c.peaks[at] = distance
  }
  const last = raws - 1
  const crowded = raws >= 2 && ageOfSample(history, slot, raws - 2, timeMs) < RAW_MS
  const place = slot * RAW + ((crowded ? last : raws) % RAW)
  c.raw[place] = distance
  c.rawTick[place] = tickOf(timeMs)
  if (!crowded) c.raws[slot] = raws + 1
  c.samples[slot] = (c.samples[slot] as number) + 1
  c.lastMs[slot] = timeMs
  swing(history, slot, distance)
  return isLong && newHour > oldHour && !isFirst
}

/** What noise and rounding alone may move a value by. */
export function noiseOf(history: History, slot: number): number {
  const c = history.columns
  // A second difference of independent noise has sqrt(6) times its deviation, and a mean size of 0.8 of that.
  const sigma = (c.jitter[slot] as number) / (0.8 * Math.sqrt(6))
  return Math.max(3 * sigma, 1.1 * Math.min(1.05 * (c.unit[slot] as number), c.quantum[slot] as number), 1e-9)
}

/** The mean of a past ten minutes, `ago` (1 = the newest complete). */
export function tenAgo(history: History, slot: number, nowTen: number, ago: number): number {
  const { tens, tenStep } = history.columns
  return (tens[slot * TENS + ((nowTen - ago) % TENS)] as number) * (tenStep[slot] as number)
}

/** How long before a time the sample of a number was taken, milliseconds; numbers count from the first, 0. */
export function ageOfSample(history: History, slot: number, sample: number, timeMs: number): number {
  const tick = history.columns.rawTick[slot * RAW + (sample % RAW)] as number
  return ((tickOf(timeMs) - tick) >>> 0) * TICK_MS
}

function tickOf(timeMs: number): number {
  return (timeMs / TICK_MS) >>> 0
}

/** After a silence longer than all memories only the last sample stays: older ones say nothing of now. */
function forgetSamples(history: History, slot: number): void {
  const { raw, rawTick, raws } = history.columns
  const from = slot * RAW
  const last = from + (((raws[slot] as number) - 1) % RAW)
  raw[from] = raw[last] as number
  rawTick[from] = rawTick[last] as number
  raws[slot] = 1
}

function closeTens(history: History, slot: number, oldTen: number, newTen: number): void {
  const c = history.columns
  const count = c.openTen[slot * 2 + 1] as number
  const mean = count > 0 ? (c.openTen[slot * 2] as number) / count : 0
  const from = Math.max(oldTen, newTen - TENS)
  const kept = { value: mean, finest: finestOf(c.unit[slot] as number) }
  const ring = { cells: c.tens, steps: c.tenStep, width: TENS }
  for (let ten = from; ten < newTen; ten++) keepCoarse(ring, slot, ten % TENS, kept)
  c.openTen.fill(0, slot * 2, slot * 2 + 2)
  // The pace of the rise: an hour's growth, as soon as it has an hour.
  if (newTen - Math.floor((c.firstMs[slot] as number) / TEN_MS) < 7) return
  const pace = mean - tenAgo(history, slot, newTen, 7)
  if (pace > (c.swing[slot * 3 + 2] as number)) c.swing[slot * 3 + 2] = pace
}

function closeHours(history: History, slot: number, oldHour: number, newHour: number): void {
  const c = history.columns
  const count = c.openHour[slot * 2 + 1] as number
  const mean = count > 0 ? (c.openHour[slot * 2] as number) / count : 0
  const kept = { value: mean, finest: finestOf(c.unit[slot] as number) }
  const ring = { cells: c.hours, steps: c.hourStep, width: HOURS }
  for (let hour = Math.max(oldHour, newHour - HOURS); hour < newHour; hour++)
    keepCoarse(ring, slot, hour % HOURS, kept)
  c.openHour.fill(0, slot * 2, slot * 2 + 2)
  const newDay = Math.floor(newHour / 24)
  const oldDay = Math.floor(oldHour / 24)
  // A day of which nothing was seen is as high as the one before; today begins empty.
  const before = c.peaks[slot * DAYS + (oldDay % DAYS)] as number
  for (let day = Math.max(oldDay + 1, newDay - DAYS + 1); day < newDay; day++)
    c.peaks[slot * DAYS + (day % DAYS)] = before
  if (newDay > oldDay) c.peaks[slot * DAYS + (newDay % DAYS)] = NaN
}

/** Finer than any movement that counts; a float32 of zero would be no step. */
function finestOf(unit: number): number {
  return Math.max(unit / 65_536, 1e-30)
}

/** Learns from a new sample; says how many there were before it. */
function learnNoise(history: History, slot: number, distance: number): number {
  const c = history.columns
  const raws = c.raws[slot] as number
  if (raws < 2) return raws
  const one = c.raw[slot * RAW + ((raws - 1) % RAW)] as number
  const two = c.raw[slot * RAW + ((raws - 2) % RAW)] as number
  const size = Math.abs(Math.fround(distance) - 2 * one + two)
  const jitter = c.jitter[slot] as number
  // A jump is movement, not noise: it counts as the jumpiest noise does.
  const capped = raws < 16 ? size : Math.min(size, 6 * jitter + 0.01 * (c.unit[slot] as number))
  c.jitter[slot] = jitter + (capped - jitter) * Math.max(JITTER_FOLLOW, 1 / raws)
  const step = Math.abs(Math.fround(distance) - one)
  const quantum = c.quantum[slot] as number
  if (step > 0 && (quantum === 0 || step < quantum)) c.quantum[slot] = step
  return raws
}

/** Follows the swing and files a rise that has ended with a fall. */
function swing(history: History, slot: number, distance: number): void {
  const c = history.columns
  const at = slot * 3
  const low = c.swing[at] as number
  const high = c.swing[at + 1] as number
  if (distance > high) {
    c.swing[at + 1] = distance
    return
  }
  const least = Math.max(FALL_UNITS * (c.unit[slot] as number), 2 * noiseOf(history, slot))
  if (high - distance > Math.max(least, FALL_SHARE * (high - low)) && high - low > least) {
    const seen = c.risesSeen[slot] as number
    const place = (slot * RISES + (seen % RISES)) * RISE
    c.rises[place] = low
    c.rises[place + 1] = high
    c.rises[place + 2] = c.swing[at + 2] as number
    c.rises[place + 3] = high - distance
    c.rises[place + 4] = ((c.lastMs[slot] as number) - (c.firstMs[slot] as number)) / HOUR_MS
    c.risesSeen[slot] = seen + 1
    c.swing[at] = distance
    c.swing[at + 1] = distance
    c.swing[at + 2] = 0
    return
  }
  if (distance < low) {
    c.swing[at] = distance
    c.swing[at + 1] = distance
    c.swing[at + 2] = 0
    // Still falling: the newest rise fell further.
    const seen = c.risesSeen[slot] as number
    if (seen > 0) {
      const place = (slot * RISES + ((seen - 1) % RISES)) * RISE
      c.rises[place + 3] = Math.max(c.rises[place + 3] as number, (c.rises[place + 1] as number) - distance)
    }
  }
}
