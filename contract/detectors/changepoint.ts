import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * A lasting shift: of the level of a series, or of how much it varies within an hour, against the same hours of the
 * days before. Fires when the score of the cumulative sum passes `sensitivity`; after `accept` the new state is the
 * normal one and the alert ends. Says nothing until it has seen `learn`.
 */
export const ChangepointParameters = z.strictObject({
  of: z.enum(['level', 'variation', 'either']).default('either'),
  direction: z.enum(['up', 'down', 'both']).default('both'),
  sensitivity: z.number().min(0.5).max(0.999999999).default(0.9999999),
  learn: DurationText.default('7d'),
  accept: DurationText.default('1d'),
  /** A shift of the level smaller than this, in the unit of the series, is of no interest whatever its score. */
  atLeast: z.number().min(0).default(0),
})
