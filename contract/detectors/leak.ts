import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * Use that grows without coming back: fires when the growth is unlike anything that the series has shown before and
 * reaches `bound` within `horizon`. It learns what is usual by itself; a sharp fall (a restart) begins anew.
 */
export const LeakParameters = z.strictObject({
  bound: z.number(),
  direction: z.enum(['up', 'down']).default('up'),
  horizon: DurationText.default('48h'),
})
