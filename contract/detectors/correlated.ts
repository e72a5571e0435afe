import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * Several series of one machine judged together: the rule's signal and all series of `metrics`, 24 at most. Fires
 * when they are further from what this machine does at this time of the day than it is used to.
 */
export const CorrelatedParameters = z.strictObject({
  /** The metrics beside the one of `signal`. */
  metrics: z.array(z.string().max(80)).min(1).max(23),
  /** How often the series are looked at. */
  every: DurationText.default('5m'),
  /** 1 opens about one false incident in two machine-weeks; 1.2 about one a week, 0.8 about one in six weeks. */
  sensitivity: z.number().min(0.25).max(2).default(1),
  /** The history that it needs before it judges. */
  after: DurationText.default('7d'),
})
