import type { RuleOverride, RuleSpec } from '../../contract/rules.ts'
import { durationMs, parseDuration } from '../duration.ts'
import type { DeviceContext } from '../selector.ts'
import { detectorOf } from './check.ts'
import type { CompiledOverride, CompiledRule } from './compiled.ts'
import { nearest } from './nearest.ts'
import { versionOf } from './version.ts'

/** What is wrong with what an override sets; `path` counts from `set`. */
export type OverrideFault = { path: PropertyKey[]; message: string; key?: boolean }

/** The kinds of devices that an override may name, from the least specific on. */
const KINDS = ['client', 'site', 'tag', 'device'] as const
type Kind = (typeof KINDS)[number]

/** The most specific of what an override asks for. */
export function kindOf(override: RuleOverride): Kind {
  return KINDS.findLast((kind) => override[kind] !== undefined) ?? 'client'
}

/** The overrides of a rule that are meant for a device, in the order in which they apply. */
export function overridesFor(rule: CompiledRule, device: DeviceContext): CompiledOverride[] {
  if (rule.overrides.length === 0) return []
  return rule.overrides
    .filter(({ spec }) => concerns(spec, device))
    .toSorted((a, b) => KINDS.indexOf(kindOf(a.spec)) - KINDS.indexOf(kindOf(b.spec)))
}

/** A device is named by its id or its hostname. */
function concerns({ client, site, tag, device }: RuleOverride, context: DeviceContext): boolean {
  return (
    (client === undefined || client === context.client) &&
    (site === undefined || site === context.site) &&
    (tag === undefined || context.tags.includes(tag)) &&
    (device === undefined || device === context.device || device === context.hostname)
  )
}

/**
 * The rule as overrides leave it, with a version of its own content. An override that contradicts the ones before
 * it is left out and named.
 */
export function applyOverrides(
  rule: CompiledRule,
  overrides: readonly CompiledOverride[],
): { rule: CompiledRule; left: { override: CompiledOverride; why: string }[] } {
  let spec = rule.spec
  const left: { override: CompiledOverride; why: string }[] = []
  for (const override of overrides) {
    const merged = mergeSet(spec, override.spec.set)
    if ('spec' in merged) spec = merged.spec
    else left.push({ override, why: merged.faults.map(({ message }) => message).join('; ') })
  }
  if (spec === rule.spec) return { rule, left }
  const { parameters } = detectorOf(spec)
  return {
    rule: {
      ...rule,
      spec,
      parameters,
      version: versionOf(spec),
      stateVersion: stateVersionOf(spec),
      forMs: durationMs(spec.for),
      keepMs: durationMs(spec.keep),
    },
    left,
  }
}

/** Names the detector of a rule and its figures. */
export function stateVersionOf(spec: RuleSpec): string {
  const { detector, parameters } = detectorOf(spec)
  return versionOf([detector.name, parameters])
}

/** A rule with some fields set anew; a detector's parameters one by one, `null` takes one away. */
export function mergeSet(
  spec: RuleSpec,
  { ...set }: RuleOverride['set'],
): { spec: RuleSpec } | { faults: OverrideFault[] } {
  const { detector, parameters } = detectorOf(spec)
  const name = detector.name
  const fields: Record<string, unknown> = {}
  const faults: OverrideFault[] = []
  for (const [field, value] of Object.entries(set)) {
    if (value === undefined) continue
    if (typeof value !== 'object') {
      fields[field] = value
      continue
    }
    if (field !== name) {
      faults.push({
        path: [field],
        key: true,
        message: `${spec.name} is judged by ${name}, not by ${field}`,
      })
      continue
    }
    const merged = mergeParameters(parameters, value)
    const parsed = detector.parameters.safeParse(merged)
    if (!parsed.success) {
      for (const issue of parsed.error.issues)
        if (issue.code === 'unrecognized_keys')
          for (const key of issue.keys)
            faults.push({ path: [name, key], key: true, message: unknownParameter(name, key, parameters) })
        else faults.push({ path: [name, ...issue.path], message: issue.message })
      continue
    }
    for (const [key, text] of Object.entries(value))
      if (typeof text === 'string' && parseDuration(text) === 0)
        faults.push({ path: [name, key], message: 'must be more than zero' })
    for (const fault of detector.check(parsed.data))
      faults.push({ path: [name, fault.field], message: `${fault.field} ${fault.message}` })
    fields[name] = parsed.data
  }
  return faults.length > 0 ? { faults } : { spec: { ...spec, ...fields } }
}

function mergeParameters(parameters: unknown, changed: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...(parameters as Record<string, unknown>), ...changed }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
}

function unknownParameter(detector: string, key: string, parameters: unknown): string {
  const near = nearest(key, Object.keys(parameters as object))
  return `${detector} has no parameter ${key}${near === undefined ? '' : `; did you mean ${near}?`}`
}
