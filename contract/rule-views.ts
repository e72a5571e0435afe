import * as z from 'zod'
import { COVERAGE_STATES, CoverageRow } from './coverage.ts'
import { ClientId, DeviceId, RecordId, UnitName } from './ids.ts'
import { AlertTransition, Evidence, IMPACTS, SEVERITIES, TIERS } from './rules.ts'
import { ErrorAnswer } from './views.ts'

/** Where a pack comes from: it ships with Vigía, `rules.packs` names it, or it lies in DATA/rules. */
export const PACK_ORIGINS = ['shipped', 'configured', 'data'] as const
export type PackOrigin = (typeof PACK_ORIGINS)[number]

/** Places in files, as the parser of the packs names them. */
const Faults = ErrorAnswer.shape.faults

/** What keeps a changed set of packs from being applied; the set before it stays in force. */
export const PackFaults = z.object({ atMs: z.number(), message: z.string(), faults: Faults })
export type PackFaults = z.infer<typeof PackFaults>

/** How many devices evaluate a rule, by state; a device that the rule does not select is not counted. */
export const CoverageCounts = z.record(z.enum(COVERAGE_STATES), z.number().int())
export type CoverageCounts = z.infer<typeof CoverageCounts>

/** An override as its pack has it. `scope` names what must match. */
export const OverrideView = z.object({
  rule: UnitName,
  pack: z.string(),
  file: z.string(),
  line: z.number().int().nullable(),
  scope: z.object({
    client: z.string().optional(),
    site: z.string().optional(),
    tag: z.string().optional(),
    device: z.string().optional(),
  }),
  reason: z.string(),
  set: z.record(z.string(), z.unknown()),
})
export type OverrideView = z.infer<typeof OverrideView>

/** One rule in force. `cannotFire`: why it is evaluated on no device; null where it is, and where nothing is wrong. */
export const RuleView = z.object({
  name: UnitName,
  title: z.object({ en: z.string(), es: z.string() }),
  owner: z.string(),
  severity: z.enum(SEVERITIES),
  impact: z.enum(IMPACTS),
  tier: z.enum(TIERS),
  enabled: z.boolean(),
  detector: z.string(),
  metric: z.string(),
  selector: z.string().nullable(),
  remedy: z.string().nullable(),
  runbook: z.string(),
  article: z.string().nullable(),
  version: z.string(),
  pack: z.string(),
  file: z.string(),
  origin: z.enum(PACK_ORIGINS),
  overrides: z.array(OverrideView),
  devices: CoverageCounts,
  cannotFire: z.string().nullable(),
  /** The rule as its pack says it, with every default filled in. */
  spec: z.unknown(),
})
export type RuleView = z.infer<typeof RuleView>

/** A row of coverage with the name that people know the device by. */
export const CoverageView = CoverageRow.extend({ hostname: z.string() })
export type CoverageView = z.infer<typeof CoverageView>

/** One figure of a rule on a device and where it stands. `before` is what an override replaced. */
const ExplainedValue = z.object({
  field: z.string(),
  value: z.unknown(),
  from: z.enum(['rule', 'default', 'override']),
  file: z.string(),
  line: z.number().int().nullable(),
  before: z.unknown(),
  reason: z.string().nullable(),
})

/** Why a rule applies to a device with the figures that it has there; `overrides` in the order of application. */
export const RuleExplanation = z.object({
  rule: UnitName,
  title: z.object({ en: z.string(), es: z.string() }),
  version: z.string(),
  pack: z.string(),
  file: z.string(),
  line: z.number().int().nullable(),
  /** `selector` is null where the rule is meant for every device. */
  selected: z.object({ selector: z.string().nullable(), holds: z.boolean() }),
  enabled: z.boolean(),
  overrides: z.array(OverrideView),
  values: z.array(ExplainedValue),
  coverage: CoverageRow.nullable(),
})
export type RuleExplanation = z.infer<typeof RuleExplanation>

/** A pack in force. `replaces`: a pack of that origin with the same name, which this one takes the place of. */
export const PackView = z.object({
  name: UnitName,
  file: z.string(),
  origin: z.enum(PACK_ORIGINS),
  version: z.number().int(),
  rules: z.number().int(),
  overrides: z.number().int(),
  replaces: z.enum(PACK_ORIGINS).nullable(),
})
export type PackView = z.infer<typeof PackView>

/** What a set of packs would change: the rule's version before and after; null where there is none. */
export const RuleChange = z.object({
  rule: UnitName,
  change: z.enum(['added', 'changed', 'removed']),
  from: z.string().nullable(),
  to: z.string().nullable(),
})
export type RuleChange = z.infer<typeof RuleChange>

/** The text of a pack under the name that its field `pack` has. */
export const PackText = z.object({ name: UnitName, text: z.string().max(512_000) })
export type PackText = z.infer<typeof PackText>

/** One text that a pack had; `text` is null where it was taken away. */
export const PackVersion = z.object({
  id: z.number().int(),
  pack: UnitName,
  atMs: z.number(),
  who: z.string(),
  action: z.enum(['saved', 'removed', 'found']),
  note: z.string(),
  text: z.string().nullable(),
})
export type PackVersion = z.infer<typeof PackVersion>

/**
 * What to try on the installation's own history. `packs` take the place of packs with the same name, or join them.
 * With `incident` only that incident's rule is run, in the version that opened it, over its device.
 */
export const BacktestRequest = z.object({
  sinceMs: z.number().int().nonnegative().optional(),
  untilMs: z.number().int().nonnegative().optional(),
  packs: z.array(PackText).max(50).default([]),
  rule: UnitName.optional(),
  device: DeviceId.optional(),
  client: ClientId.optional(),
  incident: RecordId.optional(),
})
export type BacktestRequest = z.infer<typeof BacktestRequest>

/** An incident that a set of rules would have opened. */
export const BacktestIncident = z.object({
  rule: UnitName,
  client: z.string(),
  device: z.string(),
  hostname: z.string(),
  cause: z.string(),
  severity: z.enum(SEVERITIES),
  openedAtMs: z.number(),
  resolvedAtMs: z.number().nullable(),
  reopened: z.number().int(),
  sentence: z.string(),
})
export type BacktestIncident = z.infer<typeof BacktestIncident>

/** What one set of rules would have done; `list` holds the first `LISTED_INCIDENTS`. */
export const BacktestSide = z.object({
  incidents: z.number().int(),
  devices: z.number().int(),
  list: z.array(BacktestIncident),
})
export type BacktestSide = z.infer<typeof BacktestSide>

/** How many incidents a backtest lists a side; all are counted. */
export const LISTED_INCIDENTS = 500

/** Whether a rule run again over the same samples says what it said then. */
export const ReplayVerdict = z.object({
  incident: RecordId,
  rule: UnitName,
  ruleVersion: z.string(),
  fingerprint: z.string(),
  same: z.boolean(),
  recorded: z.object({ atMs: z.number(), value: z.number().nullable(), sentence: z.string() }),
  replayed: z
    .object({ atMs: z.number(), value: z.number().nullable(), sentence: z.string(), evidence: Evidence })
    .nullable(),
  differences: z.array(z.string()),
  /** What the alert did in the replay, in order. */
  story: z.array(AlertTransition.pick({ kind: true, atMs: true }).extend({ sentence: z.string() })),
})
export type ReplayVerdict = z.infer<typeof ReplayVerdict>

export const BACKTEST_STATES = ['running', 'done', 'failed', 'cancelled'] as const

/** A backtest, while it runs and after. `verdict` is one sentence: what the change would have opened. */
export const BacktestView = z.object({
  id: RecordId,
  state: z.enum(BACKTEST_STATES),
  startedBy: z.string(),
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  fromMs: z.number(),
  untilMs: z.number(),
  rule: UnitName.nullable(),
  device: DeviceId.nullable(),
  packs: z.array(UnitName),
  progress: z.object({
    devices: z.number().int(),
    devicesDone: z.number().int(),
    samples: z.number().int(),
    samplesPerSecond: z.number(),
  }),
  verdict: z.string().nullable(),
  /** Without `packs` there is nothing to compare with, and `changed` is null. */
  present: BacktestSide.nullable(),
  changed: BacktestSide.nullable(),
  byRule: z.array(
    z.object({ rule: UnitName, present: z.number().int(), changed: z.number().int().nullable() }),
  ),
  /** What a reader must know: hours instead of raw samples, rules that could not be judged. */
  notes: z.array(z.string()),
  replay: ReplayVerdict.nullable(),
  error: ErrorAnswer.nullable(),
})
export type BacktestView = z.infer<typeof BacktestView>

/** The rule behind an incident as it stood when the incident opened, and the command that replays it. */
export const IncidentReplay = z.object({
  /** To be run on the machine of the server. */
  command: z.string(),
  rule: UnitName,
  ruleVersion: z.string(),
  pack: z.string().nullable(),
  /** Null for an incident that is older than the versions that are kept. */
  spec: z.unknown().nullable(),
  firstSeenMs: z.number().nullable(),
})
export type IncidentReplay = z.infer<typeof IncidentReplay>
