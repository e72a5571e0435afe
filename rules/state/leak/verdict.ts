import { LIMITS } from './limits.ts'
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

/** How far ahead a rise may be believed, in spans seen. */
function reachOf(rise: Rise, { learned, look, largest }: Ground): number {
  if (!learned) {
    const clear = rise.r2 >= LIMITS.clearStraight && rise.lateSlope >= LIMITS.plainLate * rise.slope
    return clear && rise.stepShare >= LIMITS.clearStep ? LIMITS.reachClear : LIMITS.reachUnlearned
  }
  const plain =
    rise.r2 >= LIMITS.plainStraight &&
    rise.slope * rise.blocks > LIMITS.plainTimesRecord * largest &&
    rise.lateSlope >= LIMITS.plainLate * rise.slope
  return plain ? (LIMITS.reachPlain[look] as number) : LIMITS.reach
}

/** What is left until noise touches the bound; without history only the mean is known. */
function roomLeft(rise: Rise, { learned, bound }: Ground): number {
  return Math.max(0, bound - rise.level - (learned ? LIMITS.ahead * rise.sigma : 0))
}

/** What the least rise is a share of. */
function sizeOf(rise: Rise, { bound }: Ground): number {
  return Math.max(Math.abs(bound), Math.abs(rise.level))
}

/**
 * Whether a rise whose shape is known goes on, is no step, is large enough to be one at all, and reaches the bound
 * within the horizon and within what may be believed. History is not asked yet.
 */
export function reachesBound(rise: Rise, ground: Ground): boolean {
  const { learned, blockMs, spanMs, horizonMs } = ground
  const rose = rise.slope * rise.blocks
  if (rise.lateSlope < LIMITS.late * rise.slope || rise.stepShare < 1) return false
  if (rise.jump > LIMITS.jump * rose) return false
  const least = learned ? LIMITS.leastShareAbove : LIMITS.unlearnedShare
  if (rose < least * sizeOf(rise, ground)) return false
  const leftMs = (roomLeft(rise, ground) / rise.slope) * blockMs
  return leftMs <= Math.min(horizonMs, reachOf(rise, ground) * spanMs)
}

/**
 * Whether the series has never risen like this and has used enough of its room: `high` is the largest mean seen
 * before the window. What lies above that is new ground; of the rest of the rise, rhythm may be the cause.
 */
export function isUnheardOf(rise: Rise, ground: Ground, high: number): boolean {
  const { largest, usual, look, learned } = ground
  const rose = rise.slope * rise.blocks
  const newGround = Math.min(1, (rise.level - high) / rose)
  if (newGround < LIMITS.newGround) return false
  if (learned && newGround < LIMITS.aboveShare && rose < LIMITS.leastShare * sizeOf(rise, ground))
    return false
  const used = Math.max(
    rise.risen - (LIMITS.rhythm[look] as number) * largest,
    Math.min(rise.risen, rise.level - high),
  )
  if (roomLeft(rise, ground) > reachOf(rise, ground) * LIMITS.overshoot * used) return false
  const ordinary = Math.min(LIMITS.timesUsual * usual, LIMITS.timesRecordCap * largest)
  return (
    rose >= LIMITS.timesUsualLeast * usual &&
    rose >= ordinary * (1 - LIMITS.timesUsualOff * newGround) &&
    rose >= (LIMITS.timesRecord - LIMITS.timesRecordOff * newGround) * largest
  )
}
