import * as z from 'zod'

/**
 * The chance that a part fails within the model's horizon, from a fitted model; `drive-failure` foretells 30 days
 * from power-on time and SMART counts. Fires above a chance (0 to 1); `clear` is where it ends (half unless said).
 */
export const HazardParameters = z.strictObject({
  model: z.enum(['drive-failure']),
  above: z.number().min(0.001).max(0.999),
  clear: z.number().min(0).max(0.999).optional(),
})
