import * as z from 'zod'

/** Value past a bound. `clear` is the bound of recovery (hysteresis); without it the bound itself. */
export const ThresholdParameters = z
  .strictObject({ above: z.number().optional(), below: z.number().optional(), clear: z.number().optional() })
  .refine((p) => (p.above === undefined) !== (p.below === undefined), 'exactly one of above and below')
