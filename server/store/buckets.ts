import { VigiaError, type Fault } from '../../contract/errors.ts'
import type { SeriesQuery } from './store.ts'

/** One hour in milliseconds: the grain of the downsampled tables. */
export const HOUR_MS = 3_600_000

/** How long a store keeps raw samples and hourly ones, in milliseconds. */
export type Retention = { rawMs: number; hourlyMs: number }

/** 30 days raw, 400 days hourly. */
export const DEFAULT_RETENTION: Retention = { rawMs: 720 * HOUR_MS, hourlyMs: 400 * 24 * HOUR_MS }

/** How a span is cut: buckets of `stepMs` aligned to the epoch, from the hourly table or from raw samples. */
export type Bucketing = { stepMs: number; hourly: boolean }

/**
 * Chooses the bucket for a query: its span divided by its points, rounded up to whole seconds. From one hour on,
 * and whenever the span begins before raw samples are kept (`rawFromMs`), buckets are whole hours and come from
 * the hourly table.
 */
export function bucketing(query: SeriesQuery, rawFromMs: number): Bucketing {
  const wanted = Math.max(1000, Math.ceil((query.toMs - query.fromMs) / query.points / 1000) * 1000)
  if (wanted < HOUR_MS && query.fromMs >= rawFromMs) return { stepMs: wanted, hourly: false }
  return { stepMs: Math.max(1, Math.ceil(wanted / HOUR_MS)) * HOUR_MS, hourly: true }
}

/** Throws STORE_INVALID that names every faulty part of a query. */
export function checkQuery(query: SeriesQuery): void {
  const faults = spanFaults(query.fromMs, query.toMs)
  if (!Number.isSafeInteger(query.points) || query.points < 1) {
    faults.push({ field: 'points', message: 'a whole number from 1' })
  }
  refuse(faults)
}

function checkSpan(fromMs: number, toMs: number): void {
  refuse(spanFaults(fromMs, toMs))
}

function spanFaults(fromMs: number, toMs: number): Fault[] {
  const faults: Fault[] = []
  for (const [field, timeMs] of Object.entries({ fromMs, toMs })) {
    if (!Number.isSafeInteger(timeMs) || timeMs < 0) {
      faults.push({ field, message: 'Unix milliseconds, a whole number from 0' })
    }
  }
  if (toMs < fromMs) faults.push({ field: 'toMs', message: 'must not be before fromMs' })
  return faults
}

function refuse(faults: readonly Fault[]): void {
  if (faults.length === 0) return
  const message = faults.map((fault) => `${fault.field}: ${fault.message}`).join('; ')
  throw new VigiaError('STORE_INVALID', `The query is not valid: ${message}`, { faults })
}

/**
 * Makes gaps visible: where two neighbouring points lie farther apart than twice the median distance of the line
 * (and than one bucket), one null stands one bucket after the earlier. A line that is sampled more seldom than
 * its buckets has therefore no nulls, and one that stopped for a while has.
 */
export function withGaps(
  timesMs: readonly number[],
  values: readonly number[],
  stepMs: number,
): { timesMs: number[]; values: (number | null)[] } {
  const distances = timesMs.slice(1).map((time, i) => time - (timesMs[i] ?? time))
  const sorted = [...distances].sort((a, b) => a - b)
  const median = sorted[(sorted.length - 1) >> 1] ?? 0
  const limit = Math.max(stepMs, 2 * median)
  const outTimes: number[] = []
  const outValues: (number | null)[] = []
  timesMs.forEach((time, i) => {
    outTimes.push(time)
    const value = values[i]
    outValues.push(value !== undefined && Number.isFinite(value) ? value : null)
    const distance = distances[i]
    if (distance !== undefined && distance > limit) {
      outTimes.push(time + stepMs)
      outValues.push(null)
    }
  })
  return { timesMs: outTimes, values: outValues }
}

const DAY_MS = 24 * HOUR_MS
/** Samples of one block of a scan: about 2 MB. */
const BLOCK_SAMPLES = 100_000

/** One piece of a scan, both ends included. */
export type ScanSlice = { fromMs: number; toMs: number; hourly: boolean }

/**
 * Cuts a scan into slices of whole hours, at most a day long and as short as many series at one sample a minute ask
 * for; before `rawFromMs` (the start of an hour) there are hourly means only. Throws STORE_INVALID for a span that is
 * none.
 */
export function sliceScan(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  options: { rawFromMs: number; series: number },
): ScanSlice[] {
  checkSpan(fromMs, toMs)
  const slices: ScanSlice[] = []
  const rawFromMs = Math.floor(options.rawFromMs / HOUR_MS) * HOUR_MS
  const rawHours = Math.floor(BLOCK_SAMPLES / 60 / Math.max(1, options.series))
  const rawStepMs = Math.min(DAY_MS, Math.max(1, rawHours) * HOUR_MS)
  for (let at = fromMs; at <= toMs;) {
    const hourly = at < rawFromMs
    const stepMs = hourly ? 30 * DAY_MS : rawStepMs
    const end = Math.min(toMs, hourly ? rawFromMs - 1 : toMs, Math.floor(at / stepMs) * stepMs + stepMs - 1)
    slices.push({ fromMs: at, toMs: end, hourly })
    at = end + 1
  }
  return slices
}
