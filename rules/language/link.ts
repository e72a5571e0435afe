import type { Fault } from '../../contract/errors.ts'
import type { RuleOverride, RuleSpec } from '../../contract/rules.ts'
import { detectorOf, pathOf } from './check.ts'
import type { CompiledOverride, CompiledRule } from './compiled.ts'
import { nearest } from './nearest.ts'
import { kindOf, mergeSet } from './variant.ts'

type FaultAt = (path: PropertyKey[], message: string, options?: { key?: boolean; offset?: number }) => Fault

/** A rule of a pack; `compiled` is missing where it has faults of its own. Paths count from the rule. */
export type PlacedRule = {
  spec: RuleSpec
  compiled: CompiledRule | undefined
  file: string
  faultAt: FaultAt
}
/** An override of a pack. Paths count from the override. */
export type PlacedOverride = { override: CompiledOverride; faultAt: FaultAt }

/** Two overrides of a rule are held against each other up to this many of them; later ones when they meet. */
const MOST_PAIRED = 200

/**
 * What joins rules over all packs: unique names, overrides with the rules that they name, composite rules with
 * theirs. `among` are rules in force that are not linked anew; in files of `own` inhibitors must be there too.
 */
export function linkRules(
  placed: readonly PlacedRule[],
  overrides: readonly PlacedOverride[],
  { among, own }: { among: readonly CompiledRule[]; own: ReadonlySet<string> },
): { rules: CompiledRule[]; faults: Fault[] } {
  const faults: Fault[] = []
  const first = new Map<string, PlacedRule>()
  for (const rule of placed) {
    const { spec, file, faultAt } = rule
    const other = first.get(spec.name)
    if (other === undefined) first.set(spec.name, rule)
    else
      faults.push(
        faultAt(
          ['name'],
          other.file === file
            ? `a second rule named ${spec.name}`
            : `a rule named ${spec.name} stands in ${other.file} already`,
        ),
      )
  }
  const specs = new Map([
    ...among.map(({ spec }): [string, RuleSpec] => [spec.name, spec]),
    ...placed.map(({ spec }): [string, RuleSpec] => [spec.name, spec]),
  ])
  const byRule = Map.groupBy(overrides, ({ override }) => override.spec.rule)
  for (const [name, given] of byRule) faults.push(...checkOverrides(specs, name, given))
  for (const rule of placed) {
    faults.push(...checkReferences(specs, rule))
    if (own.has(rule.file)) faults.push(...checkInhibitors(specs, rule))
  }
  const rules = placed.flatMap(({ compiled }) => {
    if (compiled === undefined) return []
    const own = byRule.get(compiled.spec.name)
    return [own === undefined ? compiled : { ...compiled, overrides: own.map(({ override }) => override) }]
  })
  return { rules, faults }
}

function checkOverrides(
  specs: ReadonlyMap<string, RuleSpec>,
  name: string,
  given: readonly PlacedOverride[],
): Fault[] {
  const spec = specs.get(name)
  if (spec === undefined) return given.map(({ faultAt }) => faultAt(['rule'], noRule(specs, name)))
  const sound: { override: PlacedOverride; spec: RuleSpec }[] = []
  const faults: Fault[] = []
  for (const override of given) {
    const merged = mergeSet(spec, override.override.spec.set)
    if ('spec' in merged) sound.push({ override, spec: merged.spec })
    else
      for (const { path, message, key } of merged.faults)
        faults.push(override.faultAt(['set', ...path], message, { key: key ?? false }))
  }
  const paired = sound.slice(0, MOST_PAIRED)
  for (const [index, one] of paired.entries())
    for (const two of paired.slice(index + 1)) faults.push(...checkPair(one, two))
  return faults
}

/** Two overrides that may meet on a device must make sense together. */
function checkPair(
  one: { override: PlacedOverride; spec: RuleSpec },
  two: { override: PlacedOverride; spec: RuleSpec },
): Fault[] {
  const a = one.override.override.spec
  const b = two.override.override.spec
  const apart = (['client', 'site', 'device'] as const).some(
    (kind) => a[kind] !== undefined && b[kind] !== undefined && a[kind] !== b[kind],
  )
  if (apart) return []
  const [under, over] = isBefore(a, b) ? [one, two] : [two, one]
  const merged = mergeSet(under.spec, over.override.override.spec.set)
  if ('spec' in merged) return []
  const { file, line } = under.override.override
  return merged.faults.map(({ path, message }) =>
    over.override.faultAt(['set', ...path], `together with the override in ${file}:${line}: ${message}`),
  )
}

const ORDER = { client: 0, site: 1, tag: 2, device: 3 }

function isBefore(a: RuleOverride, b: RuleOverride): boolean {
  return ORDER[kindOf(a)] <= ORDER[kindOf(b)]
}

/** The rules that a rule looks at. */
export function referencesOf(spec: RuleSpec): string[] {
  const { detector, parameters } = detectorOf(spec)
  if (detector.driven !== 'alerts') return []
  return detector.operandsOf(parameters).flatMap((operand) => (operand.kind === 'rule' ? operand.rule : []))
}

function checkReferences(specs: ReadonlyMap<string, RuleSpec>, { spec, faultAt }: PlacedRule): Fault[] {
  const { detector, parameters } = detectorOf(spec)
  return referencesOf(spec).flatMap((name) => {
    const path = pathOf([detector.name], parameters, name) ?? [detector.name]
    if (!specs.has(name)) return [faultAt(path, noRule(specs, name))]
    const circle = circleFrom(specs, name, spec.name)
    if (circle === undefined) return []
    return [faultAt(path, `a circle: ${[spec.name, ...circle].join(' looks at ')}`)]
  })
}

/** A rule that nothing can inhibit, since its inhibitor is not there, would look as if it were. */
function checkInhibitors(specs: ReadonlyMap<string, RuleSpec>, { spec, faultAt }: PlacedRule): Fault[] {
  return spec.inhibitedBy.flatMap(({ rule }, index) =>
    specs.has(rule) ? [] : [faultAt(['inhibitedBy', index, 'rule'], noRule(specs, rule))],
  )
}

function noRule(specs: ReadonlyMap<string, RuleSpec>, name: string): string {
  const near = nearest(name, specs.keys())
  return `no rule is named ${name}${near === undefined ? '' : `; did you mean ${near}?`}`
}

function circleFrom(
  specs: ReadonlyMap<string, RuleSpec>,
  from: string,
  to: string,
  seen = new Set<string>(),
): string[] | undefined {
  if (from === to) return [to]
  if (seen.has(from)) return undefined
  seen.add(from)
  const spec = specs.get(from)
  for (const next of spec === undefined ? [] : referencesOf(spec)) {
    const rest = circleFrom(specs, next, to, seen)
    if (rest !== undefined) return [from, ...rest]
  }
  return undefined
}
