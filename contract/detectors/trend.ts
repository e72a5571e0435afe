import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * Time until the series reaches `bound`, forecast by a straight line over `window`: fires when it is within
 * `horizon`. Needs at least `minSamples` (never under 30), and an observed span of at least a quarter of the time
 * that it foretells, so that it never looks further than four times as far as it has seen.
 */
export const TrendParameters = z.strictObject({
  bound: z.number(),
  direction: z.enum(['up', 'down']).default('up'),
  horizon: DurationText,
  window: DurationText,
  minSamples: z.number().int().min(30).default(30),
  /** No forecast while the value is on the harmless side of this. */
  from: z.number().optional(),
})
