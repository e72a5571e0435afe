import type { OverrideView, RuleExplanation } from '../../contract/rule-views.ts'
import type { RuleSpec } from '../../contract/rules.ts'
import type { DeviceContext } from '../selector.ts'
import { detectorOf } from './check.ts'
import type { CompiledOverride, CompiledRule } from './compiled.ts'
import { applyOverrides, overridesFor } from './variant.ts'

/** What an override may set, beside the parameters of the detector. */
const FIELDS = ['enabled', 'severity', 'impact', 'tier', 'for', 'keep', 'during', 'noiseBudget'] as const

type ExplainedValue = RuleExplanation['values'][number]

/**
 * Why each rule applies to a device or does not, the overrides in the order in which they apply there, and each
 * figure that results with the place where it stands. `coverage` is for the caller to fill in.
 */
export function explainRules(rules: readonly CompiledRule[], device: DeviceContext): RuleExplanation[] {
  return rules.map((rule) => explainRule(rule, device))
}

function explainRule(rule: CompiledRule, device: DeviceContext): RuleExplanation {
  const holds = rule.selects(device)
  const overrides = holds ? overridesFor(rule, device) : []
  const { rule: variant, left } = applyOverrides(rule, overrides)
  const reasonLeft = new Map(left.map(({ override, why }) => [override, why]))
  const applied = overrides.filter((override) => !reasonLeft.has(override))
  return {
    rule: rule.spec.name,
    title: rule.spec.title,
    version: variant.version,
    pack: rule.pack,
    file: rule.file,
    line: rule.line,
    selected: { selector: rule.spec.selector ?? null, holds },
    enabled: variant.spec.enabled,
    overrides: overrides.map((override) => {
      const why = reasonLeft.get(override)
      const view = overrideView(override)
      return why === undefined ? view : { ...view, reason: `${view.reason} (left out: ${why})` }
    }),
    values: valuesOf(rule, variant.spec, applied),
    coverage: null,
  }
}

/** An override as people see it. */
export function overrideView({ spec, pack, file, line }: CompiledOverride): OverrideView {
  const { rule, client, site, tag, device, reason, set } = spec
  const scope = { client, site, tag, device }
  return {
    rule,
    pack,
    file,
    line,
    scope: Object.fromEntries(Object.entries(scope).filter(([, name]) => name !== undefined)),
    reason,
    set: Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
  }
}

/** Every figure of a rule as it is for the device; who set it last says where it comes from. */
function valuesOf(
  rule: CompiledRule,
  result: RuleSpec,
  applied: readonly CompiledOverride[],
): ExplainedValue[] {
  const before = figuresOf(rule.spec)
  const after = figuresOf(result)
  const fields = new Set([...before.keys(), ...after.keys()])
  return [...fields].map((field) => {
    const value = after.get(field) ?? null
    const by = applied.findLast(({ spec }) => setBy(spec.set, field) !== undefined)
    if (by !== undefined)
      return {
        field,
        value,
        from: 'override' as const,
        file: by.file,
        line: by.line,
        before: before.get(field) ?? null,
        reason: by.spec.reason,
      }
    const line = rule.lines.get(field) ?? null
    return {
      field,
      value,
      from: line === null ? ('default' as const) : ('rule' as const),
      file: rule.file,
      line,
      before: null,
      reason: null,
    }
  })
}

function figuresOf(spec: RuleSpec): Map<string, unknown> {
  const { detector, parameters } = detectorOf(spec)
  return new Map<string, unknown>([
    ...FIELDS.map((field): [string, unknown] => [field, spec[field]]),
    ...Object.entries(parameters as object).map(([name, value]): [string, unknown] => [
      `${detector.name}.${name}`,
      value,
    ]),
  ])
}

function setBy(set: Readonly<Record<string, unknown>>, field: string): unknown {
  const [name = '', parameter] = field.split('.')
  const value = set[name]
  if (parameter === undefined) return value
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[parameter]
    : undefined
}
