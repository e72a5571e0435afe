import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * How fast a counter that only grows does so: more than `above` per `per`, over the last `window`. A value smaller
 * than the one before is a restart of the counter, and counts from zero (as Prometheus' `increase` does).
 */
export const CounterRateParameters = z.strictObject({
  above: z.number().min(0),
  clear: z.number().min(0).optional(),
  per: DurationText.default('1h'),
  window: DurationText,
})
