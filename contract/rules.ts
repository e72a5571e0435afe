import * as z from 'zod'
import { ParameterValue } from './command.ts'
import { UnitName } from './ids.ts'

/** A span of time in rules and options: `90s`, `10m`, `4h`, `7d`. Parsed by `rules/duration.ts` to milliseconds. */
export const DurationText = z.string().regex(/^\d{1,6}(ms|s|m|h|d)$/, 'a number and ms, s, m, h or d')

export const SEVERITIES = ['info', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]
/** Support tiers: L1 service desk, L2 technical, L3 specialist, L4 vendor or engineering. */
export const TIERS = ['L1', 'L2', 'L3', 'L4'] as const
export type Tier = (typeof TIERS)[number]
/** ITIL 4 impact; urgency follows from severity, priority from both. */
export const IMPACTS = ['low', 'medium', 'high'] as const
export type Impact = (typeof IMPACTS)[number]

/** Which series of a device a rule watches. A matcher is an exact text, or `~` and a regular expression (anchored). */
export const Signal = z.strictObject({
  metric: z.string().max(80),
  where: z.record(z.string(), z.string().max(200)).optional(),
})
export type Signal = z.infer<typeof Signal>

/** Value past a bound. `clear` is the bound of recovery (hysteresis); without it the bound itself. */
export const ThresholdParameters = z
  .strictObject({ above: z.number().optional(), below: z.number().optional(), clear: z.number().optional() })
  .refine((p) => (p.above === undefined) !== (p.below === undefined), 'exactly one of above and below')
/** No sample for this long. With `metric: device.report` it is the device that is silent. */
export const AbsenceParameters = z.strictObject({ after: DurationText })
/**
 * Time until the series reaches `bound`, forecast by a straight line over `window`: fires when it is within
 * `horizon`. Needs at least `minSamples` (never under 30), and an observed span of at least a quarter of the time
 * that it foretells, so that it never looks further than four times as far as it has seen.
 */
export const TrendParameters = z.strictObject({
  bound: z.number(),
  direction: z.enum(['up', 'down']).default('up'),
  horizon: DurationText,
  window: DurationText,
  minSamples: z.number().int().min(30).default(30),
  /** No forecast while the value is on the harmless side of this. */
  from: z.number().optional(),
})

/** One rule of a pack. Exactly one detector; unknown fields are faults. */
export const RuleSpec = z
  .strictObject({
    name: UnitName,
    title: z.object({ en: z.string().max(120), es: z.string().max(120) }),
    owner: z.string().max(80),
    severity: z.enum(SEVERITIES),
    impact: z.enum(IMPACTS).default('medium'),
    tier: z.enum(TIERS).default('L1'),
    /** CEL over `device` (hostname, os, arch, client, site, tags). */
    selector: z.string().max(500).optional(),
    signal: Signal,
    threshold: ThresholdParameters.optional(),
    absence: AbsenceParameters.optional(),
    trend: TrendParameters.optional(),
    /** The condition must hold this long before the rule fires. */
    for: DurationText.default('0s'),
    /** The condition must be gone this long before it resolves. */
    keep: DurationText.default('0s'),
    /** Rules with one cause share one incident by device and this name; the rule's name and labels otherwise. */
    cause: z.string().max(80).optional(),
    /** What a person should do and why, one line. */
    runbook: z.string().max(500),
    remedy: z
      .strictObject({
        name: UnitName,
        /** Values may hold `{{labels.NAME}}`, nothing else. */
        parameters: z.record(z.string(), ParameterValue).default({}),
        attemptsPerHour: z.number().int().min(1).max(20).default(2),
        /** The rule itself must have recovered this long after the remedy ended. */
        verifyWithin: DurationText.default('10m'),
      })
      .optional(),
    /** Required where there is no remedy. */
    noRemedy: z.string().max(300).optional(),
  })
  .superRefine((rule, context) => {
    const detectors = [rule.threshold, rule.absence, rule.trend].filter((part) => part !== undefined)
    if (detectors.length !== 1)
      context.addIssue({
        code: 'custom',
        path: ['threshold'],
        message: 'exactly one detector: threshold, absence or trend',
      })
    if ((rule.remedy === undefined) === (rule.noRemedy === undefined))
      context.addIssue({
        code: 'custom',
        path: ['remedy'],
        message: 'either a remedy, or noRemedy with the reason',
      })
  })
export type RuleSpec = z.infer<typeof RuleSpec>

export const RulePack = z.strictObject({
  pack: UnitName,
  version: z.number().int().positive(),
  rules: z.array(RuleSpec).min(1).max(500),
})
export type RulePack = z.infer<typeof RulePack>

/** The special metric that every accepted report of a device feeds: `absence` over it means that the device is silent. */
export const DEVICE_REPORT_METRIC = 'device.report'

/** What a forecast says and rests on. Times in Unix milliseconds, slope in units per hour. */
export const Forecast = z.object({
  bound: z.number(),
  atMs: z.number(),
  earliestMs: z.number(),
  latestMs: z.number().nullable(),
  slopePerHour: z.number(),
  samples: z.number().int(),
  spanMs: z.number(),
  r2: z.number(),
})
export type Forecast = z.infer<typeof Forecast>

export const ALERT_STATES = ['inactive', 'pending', 'firing'] as const
export type AlertState = (typeof ALERT_STATES)[number]

/** What decided: kept with the incident and shown to people. `points` are [timeMs, value] of the last samples. */
export const Evidence = z.object({
  value: z.number().nullable(),
  unit: z.string(),
  threshold: z.number().nullable(),
  forecast: Forecast.nullable(),
  points: z.array(z.tuple([z.number(), z.number()])).max(120),
  /** One plain sentence in English made from the figures. */
  sentence: z.string(),
})
export type Evidence = z.infer<typeof Evidence>

/** A change of an alert's state, as the engine hands it on. `fingerprint` = `RULE|seriesKey`. */
export const AlertTransition = z.object({
  kind: z.enum(['pending', 'firing', 'resolved', 'cancelled']),
  rule: UnitName,
  ruleVersion: z.string(),
  cause: z.string(),
  client: z.string(),
  device: z.string(),
  metric: z.string(),
  labels: z.record(z.string(), z.string()),
  fingerprint: z.string(),
  atMs: z.number(),
  evidence: Evidence,
})
export type AlertTransition = z.infer<typeof AlertTransition>
