import * as z from 'zod'
import { ParameterValue } from '../../contract/command.ts'
import { UnitName } from '../../contract/ids.ts'
import { DurationText } from '../../contract/duration.ts'
import { ALERT_STATES } from '../../contract/rules.ts'

const Labels = z.record(z.string(), z.string())

/** One series of a test, in promtool's notation; the unit is the metric's own. */
const TestSeries = z.strictObject({
  metric: z.string().max(80),
  labels: Labels.default({}),
  values: z.string().min(1).max(5000),
})

/** Where an alert of the tested rule stands at a time since the start; the last sample at that time counts. */
export const Expectation = z.strictObject({
  at: DurationText,
  state: z.enum(ALERT_STATES),
  /** Which alert, where there are several: these labels and any others. */
  labels: Labels.optional(),
  cause: z.string().optional(),
  remedy: z.strictObject({ name: UnitName, parameters: z.record(z.string(), ParameterValue) }).optional(),
  /** What the forecast says at the least and at the most, from the moment that the alert began to fire. */
  forecastWithin: z.tuple([DurationText, DurationText]).optional(),
})
export type Expectation = z.infer<typeof Expectation>

/** An incident of the whole pack: rules with one cause are one. `until` is missing where it is still open at the end. */
const ExpectedIncident = z.strictObject({
  cause: z.string(),
  from: DurationText,
  until: DurationText.optional(),
})

/** One test: series, and what becomes of them. All rules of the pack run. */
export const RuleTest = z.strictObject({
  name: z.string().max(120),
  rule: UnitName,
  interval: DurationText.default('30s'),
  device: z
    .strictObject({
      client: z.string().default('test'),
      os: z.string().default('linux'),
      tags: z.array(z.string()).default([]),
      site: z.string().default(''),
      hostname: z.string().default('test'),
    })
    .default({ client: 'test', os: 'linux', tags: [], site: '', hostname: 'test' }),
  series: z.array(TestSeries).min(1).max(50),
  /** Other devices of the same client, alike but for their name: `count` of them with these series. */
  peers: z
    .array(
      z.strictObject({
        count: z.number().int().min(1).max(100),
        series: z.array(TestSeries).min(1).max(10),
      }),
    )
    .max(20)
    .default([]),
  expect: z.array(Expectation).default([]),
  /** The rule must not fire at any time. */
  silent: z.boolean().default(false),
  /** All incidents of the pack, in the order in which they open. */
  incidents: z.array(ExpectedIncident).optional(),
})
export type RuleTest = z.infer<typeof RuleTest>

/** A file of tests beside a pack: `base.test.yaml` tests `base.yaml`. */
export const PackTests = z.strictObject({ tests: z.array(RuleTest).min(1).max(2000) })
export type PackTests = z.infer<typeof PackTests>
