import { LIMITS } from './leak-limits.ts'
import type { Rise } from './rise.ts'

/** What a rise is held against. All in the direction of the bound. */
export type Ground = {
  look: 0 | 1 | 2
  spanMs: number
  blockMs: number
  bound: number
  horizonMs: number
  /** Whether the series has been seen for a whole rhythm before this window. */
  learned: boolean
  largest: number
  usual: number
}

/** Whether a rise is steep and straight enough to be worth a closer look at its shape. Cheap. */
export function mayLeak(rise: Rise, ground: Ground): boolean {
  const { learned, look, bound } = ground
  if (!(rise.slope > 0) || !(rise.level < bound)) return false
  return rise.r2 >= (learned ? (LIMITS.straight[look] as number) : LIMITS.straightUnlearned)
}

/**
 * Whether a rise whose shape is known is one of a leak: it goes on, is no step, has used enough of the room to the
 * bound, and reaches that within the horizon. History is not asked yet.
 */
export function reachesBound(rise: Rise, ground: Ground): boolean {
  const { learned, look, bound, blockMs, spanMs, horizonMs, largest } = ground
  const rose = rise.slope * rise.blocks
  if (rise.lateSlope < LIMITS.late * rise.slope || rise.stepShare < 1) return false
  if (rise.jump > LIMITS.jump * rose) return false
  if (!learned && rose < LIMITS.unlearnedShare * Math.max(Math.abs(bound), Math.abs(rise.level))) return false
  const plain =
    learned &&
    rise.r2 >= LIMITS.plainStraight &&
    rose > LIMITS.plainTimesRecord * largest &&
    rise.lateSlope >= LIMITS.plainLate * rise.slope
  const reach = plain ? (LIMITS.reachPlain[look] as number) : learned ? LIMITS.reach : LIMITS.reachUnlearned
  const left = Math.max(0, bound - rise.level - (learned ? LIMITS.ahead * rise.sigma : 0))
  const leftMs = (left / rise.slope) * blockMs
  return (
    leftMs <= Math.min(horizonMs, reach * spanMs) &&
    left <= reach * LIMITS.overshoot * (rise.risen - LIMITS.rhythm * largest)
  )
}

/** Whether the series has never risen like this: `high` is the largest mean seen before the window. */
export function isUnheardOf(rise: Rise, { largest, usual }: Ground, high: number): boolean {
  const rose = rise.slope * rise.blocks
  const newGround = Math.min(1, (rise.level - high) / rose)
  if (newGround < LIMITS.newGround) return false
  const ordinary = Math.min(LIMITS.timesUsual * usual, LIMITS.timesRecordCap * largest)
  return (
    rose >= ordinary * (1 - LIMITS.timesUsualOff * newGround) &&
    rose >= (LIMITS.timesRecord - LIMITS.timesRecordOff * newGround) * largest
  )
}
