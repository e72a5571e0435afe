/** Failures weigh this many times a success when it is decided how fast a run may go. */
const FAILURE_WEIGHT = 4
/** What went well in earlier waves counts for so much less: each wave meets other machines. */
const EARLIER_WEIGHT = 0.1

/** So many must have ended before anyone beyond them is reached: whichever of them fails, nobody else has met it. */
const FIRST = 10

/** Ends of a run so far: in the wave at work, and in those before. */
export type Evidence = { ok: number; okBefore: number; failed: number }

/**
 * How many jobs may be at work at once. A run begins with one and goes faster only as far as ends have come well:
 * half as many at work as have succeeded, so that when the first failure shows, few more are on their way.
 */
export function allowedAtWork({ ok, okBefore, failed }: Evidence, concurrency: number): number {
  const proof = ok + okBefore * EARLIER_WEIGHT - failed * FAILURE_WEIGHT
  const paced = Math.min(concurrency, Math.max(1, Math.floor(proof / 2)))
  const ended = ok + okBefore + failed
  return ended >= FIRST ? paced : Math.min(paced, FIRST - ended)
}
