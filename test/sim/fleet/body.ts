import type { Kind } from './kinds.ts'
import type { Random } from './random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** What a simulated machine is made of and doing. Levels in percent, times in Unix milliseconds. */
export type Body = {
  random: Random
  kind: Kind
  startMs: number
  cpu: number
  /** Of the person or of those whom it serves, 0 to 1. */
  activity: number
  load: number
  burstUntilMs: number
  bootMs: number
  offUntilMs: number
  wokeMs: number
  lastMs: number
  patchMs: number
  rebootMs: number
  rebootMinutes: number
  shiftMs: number
  personal: number
  holiday: number
  diskBase: number[]
  tempLevel: number[]
  wear: number
  badSectors: number
  health: number
  charge: number
  certificateDays: number
  warrantyDays: number
  leakLike: number
}

/** How much of its nightly job runs now, 0 to 1. */
export function nightlyShare({ kind, wear }: Body, nowMs: number): number {
  if (kind.nightly === null) return 0
  // Each machine begins within the hour, at its own minute; the job takes as long as the day brought work.
  const startMs = kind.nightly.hour * HOUR_MS + (wear % 10) * 5 * MINUTE_MS
  const since = (((nowMs - startMs) % DAY_MS) + DAY_MS) % DAY_MS
  const day = Math.floor((nowMs - startMs) / DAY_MS)
  const minutes = kind.nightly.minutes * (0.85 + 0.3 * (((day * 37) % 10) / 10))
  return since < minutes * MINUTE_MS ? 1 : 0
}
