import * as z from 'zod'
import { DurationText } from '../duration.ts'

/** A value that crosses a bound to and fro: `changes` crossings within a time, in either direction. */
export const FlappingParameters = z
  .strictObject({
    above: z.number().optional(),
    below: z.number().optional(),
    changes: z.number().int().min(3).max(20).default(6),
    within: DurationText,
  })
  .refine((p) => (p.above === undefined) !== (p.below === undefined), 'exactly one of above and below')
