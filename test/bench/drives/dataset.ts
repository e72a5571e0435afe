import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { createDriveHistory, DRIVE_ATTRIBUTES, DRIVE_FEATURES } from '../../../rules/models/drive-history.ts'

/** One drive's life as intervals of hours over which its counts stood still. */
export type Drive = {
  serial: string
  model: string
  rows: { fromHours: number; toHours: number; counts: Float64Array }[]
  failed: boolean
}

/** A moment of a drive's life: what was known then, and whether it failed within the horizon. */
export type Instant = { drive: Drive; features: Float64Array; fails: boolean; weight: number }

export const HORIZON_HOURS = 720
const HOUR_MS = 3_600_000

/** Reads the intervals (serial_number, model, tstart, tstop, fails, smart_N …, NA for missing). */
export function readDrives(file: string): Drive[] {
  const [head, ...lines] = gunzipSync(readFileSync(file)).toString().trimEnd().split(/\r?\n/)
  const columns = new Map((head ?? '').split(',').map((name, index) => [name, index]))
  const place = (name: string): number => {
    const index = columns.get(name)
    if (index === undefined) throw new Error(`${file} has no column ${name}`)
    return index
  }
  const [serialAt, modelAt, fromAt, toAt, failsAt] = [
    'serial_number',
    'model',
    'tstart',
    'tstop',
    'fails',
  ].map(place) as [number, number, number, number, number]
  const countsAt = DRIVE_ATTRIBUTES.map((id) => place(`smart_${id}`))
  const drives = new Map<string, Drive>()
  for (const line of lines) {
    const cells = line.split(',')
    const serial = cells[serialAt] ?? ''
    let drive = drives.get(serial)
    if (drive === undefined) {
      drive = { serial, model: cells[modelAt] ?? '', rows: [], failed: false }
      drives.set(serial, drive)
    }
    const counts = Float64Array.from(countsAt, (index, attribute) =>
      countOf(cells[index] ?? 'NA', DRIVE_ATTRIBUTES[attribute] as number),
    )
    drive.rows.push({ fromHours: Number(cells[fromAt]), toHours: Number(cells[toAt]), counts })
    drive.failed ||= cells[failsAt] === '1'
  }
  for (const { rows } of drives.values()) rows.sort((a, b) => a.fromHours - b.fromHours)
  return [...drives.values()]
}

/** Seagate packs three 16-bit counters into 188; the lowest counts commands that timed out, as the agent reads it. */
function countOf(cell: string, attribute: number): number {
  if (cell === 'NA') return NaN
  const raw = Number(cell)
  return attribute === 188 && raw > 0xffff ? raw % 0x10000 : raw
}

/** FNV-1a of a text, mixed as MurmurHash3 ends, as a fraction of one: the same serial always falls into the same part. */
export function shareOf(text: string): number {
  let hash = 2166136261
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619)
  // FNV alone leaves texts that differ in their last digit beside each other.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/**
 * Moments every `everyHours` of each drive's life from a phase of its own, with what was known then. Moments whose
 * outcome is unknown (the record ends within the horizon without a failure) are left out. `keep` thins moments
 * without a failure, those with all counts at zero (`still`) and the others (`marked`), and weighs the kept ones up.
 */
export function instantsOf(
  drives: readonly Drive[],
  everyHours: number,
  keep: { still: number; marked: number } = { still: 1, marked: 1 },
): Instant[] {
  const instants: Instant[] = []
  const history = createDriveHistory()
  for (const drive of drives) {
    history.slab.open(0)
    const first = drive.rows[0]?.fromHours ?? 0
    const end = drive.rows.at(-1)?.toHours ?? 0
    let row = 0
    let marked = false
    const take = (): void => {
      const { fromHours, counts } = drive.rows[row] as Drive['rows'][number]
      // A time of zero means empty in a slab: lives begin at one hour.
      history.observe(0, (fromHours + 1) * HOUR_MS, counts)
      marked = counts.some((count) => count > 0)
    }
    take()
    let step = 0
    for (let at = first + shareOf(`${drive.serial} phase`) * everyHours; at < end; at += everyHours) {
      while ((drive.rows[row + 1]?.fromHours ?? Infinity) <= at) {
        row++
        take()
      }
      const fails = drive.failed && end - at <= HORIZON_HOURS
      if (!fails && end - at < HORIZON_HOURS) continue
      const share = fails ? 1 : marked ? keep.marked : keep.still
      if (shareOf(`${drive.serial} ${step++}`) >= share) continue
      const features = new Float64Array(DRIVE_FEATURES.length)
      history.features(0, { timeMs: (at + 1) * HOUR_MS, powerOnHours: at, modelRate: NaN }, features)
      instants.push({ drive, features, fails, weight: 1 / share })
    }
  }
  return instants
}

/** Average precision: the mean of the precision at each positive, ties as one step. */
export function averagePrecision(scores: ArrayLike<number>, positive: readonly boolean[]): number {
  const order = positive
    .map((_, index) => index)
    .sort((a, b) => (scores[b] as number) - (scores[a] as number))
  const all = positive.filter(Boolean).length
  let found = 0
  let sum = 0
  for (let from = 0; from < order.length;) {
    let to = from
    let tied = 0
    while (to < order.length && scores[order[to] as number] === scores[order[from] as number])
      tied += Number(positive[order[to++] as number])
    found += tied
    sum += tied * (found / to)
    from = to
  }
  return sum / all
}
