/** Waiting times between attempts to connect. */
export type Backoff = {
  /** Milliseconds until the next attempt; each call counts as a failure. */
  next(): number
  /** After a session that held: the next wait is short again. */
  reset(): void
}

/**
 * Exponential backoff with full jitter: evenly between 0 and min(cap, base · 2^failures), so that a fleet whose
 * server was away does not come back in one second. `random` answers in [0, 1).
 */
export function createBackoff(options: { baseMs: number; capMs: number; random: () => number }): Backoff {
  const { baseMs, capMs, random } = options
  let failures = 0
  return {
    next() {
      const most = Math.min(capMs, baseMs * 2 ** failures)
      if (most < capMs) failures += 1
      return random() * most
    },
    reset() {
      failures = 0
    },
  }
}
