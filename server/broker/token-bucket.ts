/** A rate with a burst. It may go into debt, so that what was already read is charged for afterwards. */
export type TokenBucket = {
  /** Takes `count` if that many are there. */
  take(count: number, nowMs: number): boolean
  /** Takes `count` whatever is there. */
  charge(count: number, nowMs: number): void
  /** Milliseconds until at least one is there; 0 when one is. */
  waitMs(nowMs: number): number
}

/** A full bucket of `burst` tokens that gains `perSecond` a second. `nowMs` is any monotonic clock. */
export function createTokenBucket(perSecond: number, burst: number): TokenBucket {
  let tokens = burst
  let filledAtMs = -1
  const fill = (nowMs: number): void => {
    if (filledAtMs >= 0) tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) * perSecond) / 1000)
    filledAtMs = nowMs
  }
  return {
    take(count, nowMs) {
      fill(nowMs)
      if (tokens < count) return false
      tokens -= count
      return true
    },
    charge(count, nowMs) {
      fill(nowMs)
      tokens -= count
    },
    waitMs(nowMs) {
      fill(nowMs)
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 1000) / perSecond)
    },
  }
}
