import type { ParameterValues } from '../../contract/command.ts'
import type { SeriesSpec } from '../../contract/report.ts'
import type { RuleOverride, RuleSpec } from '../../contract/rules.ts'
import { seriesKey } from '../../contract/wire.ts'
import type { Detector } from '../detector.ts'
import { durationMs } from '../duration.ts'
import type { Selector } from '../selector.ts'
import { renderTemplate } from './template.ts'

/** An override of a pack and where it stands there. `line` counts from 1. */
export type CompiledOverride = { spec: RuleOverride; pack: string; file: string; line: number }

/** A rule ready to run. `version` names its normalised content: 12 hexadecimal digits. */
export type CompiledRule = {
  spec: RuleSpec
  version: string
  /** Names what the detector's state depends on: it goes on while this stays. */
  stateVersion: string
  pack: string
  file: string
  line: number
  /** The line of each field that the pack sets, a detector's parameters as `threshold.above`. */
  lines: ReadonlyMap<string, number>
  forMs: number
  keepMs: number
  detector: Detector
  parameters: unknown
  /** Overrides of this rule from all packs, in the order in which they were read. */
  overrides: readonly CompiledOverride[]
  /** Whether the rule is meant for a device. */
  selects: Selector
  /** Whether the rule watches a series. */
  watches(series: SeriesSpec): boolean
}

/** What an incident of this rule and these labels is filed under: the rule's cause, or the rule and its series. */
export function causeOf(rule: CompiledRule, labels: Readonly<Record<string, string>>): string {
  return rule.spec.cause === undefined ? fingerprintOf(rule, labels) : renderTemplate(rule.spec.cause, labels)
}

/** `RULE|seriesKey`: names one alert of a device. */
export function fingerprintOf(rule: CompiledRule, labels: Readonly<Record<string, string>>): string {
  return `${rule.spec.name}|${seriesKey(rule.spec.signal.metric, labels)}`
}

/** The remedy of a rule for one alert, with its parameters filled in; undefined where the rule has none. */
export function remedyFor(
  rule: CompiledRule,
  labels: Readonly<Record<string, string>>,
):
  { name: string; parameters: ParameterValues; attemptsPerHour: number; verifyWithinMs: number } | undefined {
  const remedy = rule.spec.remedy
  if (remedy === undefined) return undefined
  return {
    name: remedy.name,
    parameters: Object.fromEntries(
      Object.entries(remedy.parameters).map(([name, value]) => [
        name,
        typeof value === 'string' ? renderTemplate(value, labels) : value,
      ]),
    ),
    attemptsPerHour: remedy.attemptsPerHour,
    verifyWithinMs: durationMs(remedy.verifyWithin),
  }
}
