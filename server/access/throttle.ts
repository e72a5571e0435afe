import { VigiaError } from '../../contract/errors.ts'

/** How many failures are free, and how long one waits at most, for a key of this kind. */
export type ThrottleLimits = { freeFailures: number; longestWaitMs: number }

/**
 * Slows down guessing. A try counts as a failure from the moment it begins, so that many at once gain nothing;
 * a success takes it back. After the free ones each failure doubles the wait, from one second.
 */
export type Throttle = {
  /** Begins a try; throws LOGIN_THROTTLED with the seconds to wait when it comes too soon. */
  begin(key: string, nowMs: number): void
  succeed(key: string): void
}

const MOST_KEYS = 10_000
const FIRST_WAIT_MS = 1000

/** A throttle in memory; of very many keys it forgets those that failed longest ago. */
export function createThrottle(limits: ThrottleLimits): Throttle {
  const failures = new Map<string, { count: number; lastMs: number }>()
  return {
    begin(key, nowMs) {
      const past = failures.get(key) ?? { count: 0, lastMs: nowMs }
      // Forgotten after as long again as one may have to wait.
      const count = nowMs - past.lastMs > limits.longestWaitMs * 2 ? 0 : past.count
      const readyMs = past.lastMs + waitMs(count, limits)
      if (nowMs < readyMs) {
        const seconds = Math.ceil((readyMs - nowMs) / 1000)
        throw new VigiaError('LOGIN_THROTTLED', `too many tries; wait ${seconds} s`)
      }
      failures.delete(key)
      failures.set(key, { count: count + 1, lastMs: nowMs })
      if (failures.size > MOST_KEYS) {
        const oldest = failures.keys().next()
        if (oldest.done !== true) failures.delete(oldest.value)
      }
    },
    succeed(key) {
      failures.delete(key)
    },
  }
}

function waitMs(failures: number, { freeFailures, longestWaitMs }: ThrottleLimits): number {
  if (failures < freeFailures) return 0
  return Math.min(FIRST_WAIT_MS * 2 ** (failures - freeFailures), longestWaitMs)
}
