import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * A series that stands elsewhere than it uses to at this hour of the day and day of the week (UTC). Judged is the
 * mean over the last `over`; it fires when its score passes `sensitivity` (the share of the series' own deviations
 * that are smaller). Says nothing until it has seen `learn`.
 */
export const SeasonalParameters = z.strictObject({
  direction: z.enum(['up', 'down', 'both']).default('both'),
  sensitivity: z.number().min(0.5).max(0.999999).default(0.9999),
  over: DurationText.default('30m'),
  learn: DurationText.default('14d'),
  /** A deviation smaller than this, in the unit of the series, is of no interest whatever its score. */
  atLeast: z.number().min(0).default(0),
})
