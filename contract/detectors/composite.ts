import * as z from 'zod'
import { UnitName } from '../ids.ts'

/** Which other series of the same device; as the signal of a rule. */
const OtherSignal = z.strictObject({
  metric: z.string().max(80),
  where: z.record(z.string(), z.string().max(200)).optional(),
})

/**
 * One condition of a composite rule: a value past a bound (of the rule's own series, or of `signal`: any series
 * of the device that matches and agrees with the rule's on the labels that both have), with `clear` as the bound of
 * recovery; or another rule that fires on the device.
 */
const Condition = z
  .strictObject({
    signal: OtherSignal.optional(),
    above: z.number().optional(),
    below: z.number().optional(),
    clear: z.number().optional(),
    rule: UnitName.optional(),
  })
  .refine(
    ({ rule, signal, above, below, clear }) =>
      rule === undefined
        ? (above === undefined) !== (below === undefined)
        : [signal, above, below, clear].every((part) => part === undefined),
    'either a rule and nothing else, or exactly one of above and below',
  )
export type Condition = z.infer<typeof Condition>

const Conditions = z.array(Condition).max(8).default([])

/**
 * Conditions joined: each of `all`, one of `any` (where there are some), none of `not`, and none of `unless`.
 * What is not known (no such series, no value, too old) holds for none of them, and `not` fails by it while
 * `unless` does not. Judged with each sample of the rule's own series.
 */
export const CompositeParameters = z
  .strictObject({ all: Conditions, any: Conditions, not: Conditions, unless: Conditions })
  .refine(({ all, any }) => all.length + any.length > 0, 'at least one condition in all or any')
