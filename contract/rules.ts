import * as z from 'zod'
import { ParameterValue } from './command.ts'
import { DETECTOR_PARAMETERS } from './detectors/all.ts'
import { DurationText } from './duration.ts'
import { UnitName } from './ids.ts'

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

type OptionalDetectors = {
  [K in keyof typeof DETECTOR_PARAMETERS]: z.ZodOptional<(typeof DETECTOR_PARAMETERS)[K]>
}
const detectorFields = Object.fromEntries(
  Object.entries(DETECTOR_PARAMETERS).map(([name, parameters]) => [name, parameters.optional()]),
) as OptionalDetectors

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
    ...detectorFields,
    /** A rule that is switched off is listed as such; an override may switch it on for some. */
    enabled: z.boolean().default(true),
    /** The condition must hold this long before the rule fires. */
    for: DurationText.default('0s'),
    /** The condition must be gone this long before it resolves. */
    keep: DurationText.default('0s'),
    /** Rules with one cause share one incident by device and this name; the rule's name and labels otherwise. */
    cause: z.string().max(80).optional(),
    /** When it may open incidents: always, or in the client's business hours (it waits for them to begin). */
    during: z.enum(['always', 'business-hours']).default('always'),
    /**
     * Rules of the same device whose firing explains this one: while one fires, this one joins its incident as
     * evidence. `on`: labels that must be equal in both.
     */
    inhibitedBy: z
      .array(z.strictObject({ rule: UnitName, on: z.array(z.string().max(80)).max(8).default([]) }))
      .max(20)
      .default([]),
    /** How many incidents a client's fifty devices may see of this rule in a month before it is called noise. */
    noiseBudget: z.number().min(0).max(10_000).default(10),
    /** The knowledge article that tells more. */
    article: z.string().max(200).optional(),
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
    for (const fault of shapeFaults(rule)) context.addIssue({ code: 'custom', ...fault })
  })
export type RuleSpec = z.infer<typeof RuleSpec>

/** What no field of a rule says by itself: it has one detector, and a remedy or the reason why there is none. */
export function shapeFaults(rule: Readonly<Record<string, unknown>>): { path: string[]; message: string }[] {
  const named = Object.keys(DETECTOR_PARAMETERS).filter((name) => rule[name] !== undefined)
  const faults: { path: string[]; message: string }[] = []
  if (named.length !== 1)
    faults.push({
      path: ['threshold'],
      message: `exactly one detector, not ${named.length === 0 ? 'none' : named.join(' and ')}`,
    })
  if ((rule['remedy'] === undefined) === (rule['noRemedy'] === undefined))
    faults.push({ path: ['remedy'], message: 'either a remedy, or noRemedy with the reason' })
  return faults
}

type LooseDetectors = {
  [K in keyof typeof DETECTOR_PARAMETERS]: z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodUnknown>>
}
const looseDetectorFields = Object.fromEntries(
  Object.keys(DETECTOR_PARAMETERS).map((name) => [name, z.record(z.string(), z.unknown()).optional()]),
) as LooseDetectors

/**
 * Other figures of a rule for some devices, without a copy of the rule. All that is given must match; `tag` is one
 * of the device's. The more specific override is applied later: client, then site, then tag, then device; of two
 * of the same kind the later one. `set` replaces fields; a detector's parameters are merged one by one.
 */
export const RuleOverride = z
  .strictObject({
    rule: UnitName,
    client: z.string().max(80).optional(),
    site: z.string().max(80).optional(),
    tag: z.string().max(80).optional(),
    device: z.string().max(80).optional(),
    /** Why, for whoever asks `vigia rules explain`. */
    reason: z.string().max(300),
    set: z.strictObject({
      enabled: z.boolean().optional(),
      severity: z.enum(SEVERITIES).optional(),
      impact: z.enum(IMPACTS).optional(),
      tier: z.enum(TIERS).optional(),
      for: DurationText.optional(),
      keep: DurationText.optional(),
      during: z.enum(['always', 'business-hours']).optional(),
      noiseBudget: z.number().min(0).max(10_000).optional(),
      ...looseDetectorFields,
    }),
  })
  .refine(
    ({ client, site, tag, device }) => [client, site, tag, device].some((part) => part !== undefined),
    'one of client, site, tag and device at least',
  )
export type RuleOverride = z.infer<typeof RuleOverride>

export const RulePack = z
  .strictObject({
    pack: UnitName,
    version: z.number().int().positive(),
    rules: z.array(RuleSpec).max(500).default([]),
    overrides: z.array(RuleOverride).max(2000).default([]),
  })
  .refine(({ rules, overrides }) => rules.length + overrides.length > 0, 'no rule and no override')
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
  /** The forecast as a line with its 80 % interval: [timeMs, value, low, high], from now to the bound. */
  curve: z
    .array(z.tuple([z.number(), z.number(), z.number(), z.number()]))
    .max(60)
    .optional(),
  /** What it rests on, in words: which window, which history it was held against. */
  basis: z.string().max(300).optional(),
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
  /** Other explanations that were considered, and the figure that speaks against each. */
  ruledOut: z
    .array(z.object({ explanation: z.string().max(120), because: z.string().max(300) }))
    .max(12)
    .optional(),
  /** Other series that took part in the verdict: what each showed and what was expected of it. */
  related: z
    .array(z.object({ series: z.string().max(300), value: z.number(), expected: z.number().nullable() }))
    .max(24)
    .optional(),
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
  /** When the rule said it, where that was held back until `atMs` (a silence, a maintenance window). */
  saidAtMs: z.number().optional(),
  /** Of an alert that fires: the first sample that the rule has judged here, where it judges samples. A replay begins with it. */
  judgedFromMs: z.number().optional(),
  evidence: Evidence,
})
export type AlertTransition = z.infer<typeof AlertTransition>
