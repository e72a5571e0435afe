import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * One series held against the same series of the machines like it (those of the client that the rule selects).
 * Fires when it has gone away from them by `atLeast` and by `deviations`, measured against where it usually stands
 * beside them.
 */
export const PeersParameters = z.strictObject({
  /** The least difference from the median of the peers that matters, in the unit of the series. */
  atLeast: z.number().positive(),
  /** The difference in robust standard deviations of the peers (1.4826 times the median absolute deviation). */
  deviations: z.number().min(3).max(50).default(6),
  direction: z.enum(['up', 'down', 'both']).default('both'),
  /** The difference is a mean over about this long, so that a burst is none. */
  over: DurationText.default('30m'),
  minPeers: z.number().int().min(5).max(10_000).default(8),
  /** How long it must have been seen beside its peers before it is judged. */
  after: DurationText.default('1d'),
})
