import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * Something that the series has not done before: nine measures of its level, rhythm and extremes, each
 * against the largest that it reached in the past. Fires when the score passes `sensitivity`; 0.5 is a record by
 * the margin that a measure asks for. Holds while the measure that fired stays above half of its height, at most
 * `hold`. What comes faster than `every` is averaged over that span and judged once in it. Says nothing until it has
 * seen `learn`.
 */
export const NoveltyParameters = z.strictObject({
  sensitivity: z.number().min(0.4).max(0.99).default(0.8),
  every: DurationText.default('5m'),
  learn: DurationText.default('7d'),
  hold: DurationText.default('6h'),
})
