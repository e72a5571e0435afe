import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * What wears out over months (the life of an SSD, the capacity of a battery): fires past `bound`, or when the pace
 * of the last half year reaches it within `horizon`. No forecast from less than `minSpan` of history.
 */
export const WearParameters = z.strictObject({
  bound: z.number(),
  direction: z.enum(['up', 'down']).default('up'),
  horizon: DurationText,
  minSpan: DurationText.default('21d'),
  /** No forecast while the value is on the harmless side of this. */
  from: z.number().optional(),
})
