import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * Value past a bound. `clear` is the bound of recovery (hysteresis); without it the bound itself. With `risen` it
 * must also lie `by` or more beyond its own most harmless value of the last `over`: what has stood near the bound
 * all that time is no news. Judged in eighths of `over`.
 */
export const ThresholdParameters = z
  .strictObject({
    above: z.number().optional(),
    below: z.number().optional(),
    clear: z.number().optional(),
    risen: z.strictObject({ by: z.number().positive(), over: DurationText }).optional(),
  })
  .refine((p) => (p.above === undefined) !== (p.below === undefined), 'exactly one of above and below')
