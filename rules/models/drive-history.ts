import { createSlab } from '../state/slab.ts'

/**
 * SMART attributes whose raw counts foretell a failure (Pinheiro et al. 2007, Backblaze 2014): reallocated sectors,
 * reported uncorrectable, command timeouts, pending sectors, uncorrectable offline.
 */
export const DRIVE_ATTRIBUTES = [5, 187, 188, 197, 198] as const

/** Time constants over which rises fade, hours: two days, ten, a month, four months. */
const FADE_HOURS = [48, 240, 720, 2880] as const
/** "Never rose while it was watched", hours. */
const NEVER_HOURS = 100_000

const ATTRIBUTES = DRIVE_ATTRIBUTES.length
const FADES = FADE_HOURS.length
const HOUR_MS = 3_600_000

/** What a model of drive failure may ask, in the order in which `features` fills them. */
export const DRIVE_FEATURES: readonly string[] = [
  ...DRIVE_ATTRIBUTES.flatMap((id) => [
    `smart_${id}_log`,
    ...FADE_HOURS.map((hours) => `smart_${id}_rise_${hours}h`),
    `smart_${id}_rises`,
    `smart_${id}_since_rise`,
  ]),
  'power_on_hours',
  'seen_hours',
  'changes_720h',
  'nonzero',
  'model_rate',
]

/**
 * State of many drives: what their SMART counts were and how they rose, a few hundred bytes each. `observe` takes the
 * counts at a time, in the order of the attributes, NaN where one is missing; true when one of them changed.
 */
export function createDriveHistory() {
  const slab = createSlab({
    firstMs: { type: 'f64' },
    lastMs: { type: 'f64' },
    changes: { type: 'f32' },
    /** Counts plus one, so that a slot that was never filled (0) is told from a count of zero. */
    counts: { type: 'f64', width: ATTRIBUTES },
    rises: { type: 'f32', width: ATTRIBUTES },
    roseMs: { type: 'f64', width: ATTRIBUTES },
    faded: { type: 'f32', width: ATTRIBUTES * FADES },
    /** Kept beside for whoever judges by a model: what it made of the newest values, when it was asked, its model's rate. */
    chance: { type: 'f32' },
    askedMs: { type: 'f64' },
    modelRate: { type: 'f32' },
  })

  function observe(slot: number, timeMs: number, counts: Float64Array): boolean {
    const columns = slab.columns
    const first = columns.firstMs[slot] === 0
    if (first) columns.firstMs[slot] = timeMs
    let [isNews, changed] = [false, false]
    for (let attribute = 0; attribute < ATTRIBUTES; attribute++) {
      const count = counts[attribute] as number
      if (!(count >= 0)) continue
      const at = slot * ATTRIBUTES + attribute
      const before = columns.counts[at] as number
      const now = count + 1
      if (before === now) continue
      columns.counts[at] = now
      isNews = true
      if (before === 0) continue
      changed = true
      if (now < before) continue
      columns.rises[at] = (columns.rises[at] as number) + 1
      columns.roseMs[at] = timeMs
      // The rise counts from now: what is there has faded until then.
      fadeTo(slot, timeMs)
      for (let fade = 0; fade < FADES; fade++) {
        const index = at * FADES + fade
        columns.faded[index] = (columns.faded[index] as number) + Math.log(now / before)
      }
    }
    if (changed) {
      fadeTo(slot, timeMs)
      columns.changes[slot] = (columns.changes[slot] as number) + 1
    }
    if (first) columns.lastMs[slot] = timeMs
    return isNews
  }

  function fadeTo(slot: number, timeMs: number): void {
    const columns = slab.columns
    const hours = (timeMs - (columns.lastMs[slot] as number)) / HOUR_MS
    if (columns.lastMs[slot] !== 0 && hours > 0) {
      for (let attribute = 0; attribute < ATTRIBUTES; attribute++)
        for (let fade = 0; fade < FADES; fade++) {
          const index = (slot * ATTRIBUTES + attribute) * FADES + fade
          columns.faded[index] =
            (columns.faded[index] as number) * Math.exp(-hours / (FADE_HOURS[fade] as number))
        }
      columns.changes[slot] = (columns.changes[slot] as number) * Math.exp(-hours / 720)
    }
    columns.lastMs[slot] = timeMs
  }

  return {
    slab,
    observe,
    /** Whether any count was ever seen. */
    isKnown(slot: number): boolean {
      for (let index = slot * ATTRIBUTES; index < (slot + 1) * ATTRIBUTES; index++)
        if ((slab.columns.counts[index] as number) > 0) return true
      return false
    },
    /** The newest count of an attribute, whether it is known, and how often it rose. */
    countOf(slot: number, attribute: number): { count: number; known: boolean; rises: number } {
      const index = slot * ATTRIBUTES + attribute
      const kept = slab.columns.counts[index] as number
      return { count: Math.max(0, kept - 1), known: kept > 0, rises: slab.columns.rises[index] as number }
    },
    /** Fills `into` with DRIVE_FEATURES as of a time. `modelRate`: log of the yearly failures of its model, or NaN. */
    features(
      slot: number,
      at: { timeMs: number; powerOnHours: number; modelRate: number },
      into: Float64Array,
    ): void {
      const columns = slab.columns
      const idleHours = (at.timeMs - (columns.lastMs[slot] as number)) / HOUR_MS
      let place = 0
      let nonzero = 0
      for (let attribute = 0; attribute < ATTRIBUTES; attribute++) {
        const index = slot * ATTRIBUTES + attribute
        const count = columns.counts[index] as number
        const known = count > 0
        into[place++] = known ? Math.log(count) : NaN
        for (let fade = 0; fade < FADES; fade++)
          into[place++] = known
            ? (columns.faded[index * FADES + fade] as number) *
              Math.exp(-idleHours / (FADE_HOURS[fade] as number))
            : NaN
        into[place++] = known ? (columns.rises[index] as number) : NaN
        const roseMs = columns.roseMs[index] as number
        into[place++] = !known ? NaN : roseMs === 0 ? NEVER_HOURS : (at.timeMs - roseMs) / HOUR_MS
        if (count > 1) nonzero++
      }
      into[place++] = at.powerOnHours
      into[place++] = (at.timeMs - (columns.firstMs[slot] as number)) / HOUR_MS
      into[place++] = (columns.changes[slot] as number) * Math.exp(-idleHours / 720)
      into[place++] = nonzero
      into[place++] = at.modelRate
    },
  }
}
