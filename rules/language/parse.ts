import { type Document, LineCounter, parseDocument, visit } from 'yaml'
import type * as z from 'zod'
import { type Fault, VigiaError } from '../../contract/errors.ts'
import { RuleOverride, RulePack, RuleSpec } from '../../contract/rules.ts'
import { durationMs } from '../duration.ts'
import { compileSelector } from '../selector.ts'
import { checkRefused, checkRule, detectorOf, type RuleFault } from './check.ts'
import type { CompiledOverride, CompiledRule } from './compiled.ts'
import { linkRules, type PlacedOverride, type PlacedRule } from './link.ts'
import { compileSignal } from './matcher.ts'
import { excessOf } from './measure.ts'
import { placesOf, type Places } from './places.ts'
import { type KnownRemedies, SHIPPED_REMEDIES } from './remedies.ts'
import { stateVersionOf } from './variant.ts'
import { versionOf } from './version.ts'

/** A pack's text and the name that faults give it. */
export type PackSource = { file: string; text: string }
/**
 * `among`: rules of other packs in force, which overrides and composite rules may name. `own`: files whose
 * `inhibitedBy` must name a rule; in others it may name one that an installation has taken out.
 */
export type ParseOptions = {
  remedies?: KnownRemedies
  among?: readonly CompiledRule[]
  own?: ReadonlySet<string>
}

type ReadPack = { file: string; rules: PlacedRule[]; overrides: PlacedOverride[]; faults: Fault[] }

/** Parses and checks one pack: its rules and overrides, or every fault with file, line, column and field. */
export function parsePack(
  source: PackSource,
  options: ParseOptions = {},
): { rules: CompiledRule[]; overrides: CompiledOverride[]; faults: Fault[] } {
  const { rules, overrides, faults } = linkPacks([readPack(source, options)], options)
  return faults.length === 0 ? { rules, overrides, faults } : { rules: [], overrides: [], faults }
}

/**
 * All packs together, or RULES_INVALID with every fault of every file; rule names are unique over all of them.
 * Each rule carries the overrides that any of the packs has for it.
 */
export function loadPacks(sources: readonly PackSource[], options: ParseOptions = {}): CompiledRule[] {
  const { rules, faults } = linkPacks(
    sources.map((source) => readPack(source, options)),
    options,
  )
  if (faults.length > 0) throw rulesInvalid(faults)
  return rules
}

function linkPacks(
  packs: readonly ReadPack[],
  { among = [], own = new Set() }: ParseOptions,
): { rules: CompiledRule[]; overrides: CompiledOverride[]; faults: Fault[] } {
  const placed = packs.flatMap((pack) => pack.rules)
  const overrides = packs.flatMap((pack) => pack.overrides)
  const linked = linkRules(placed, overrides, { among, own })
  const order = new Map(packs.map(({ file }, index) => [file, index]))
  const faults = [...packs.flatMap((pack) => pack.faults), ...linked.faults].sort(
    (a, b) =>
      (order.get(a.file ?? '') ?? 0) - (order.get(b.file ?? '') ?? 0) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
  return { rules: linked.rules, overrides: overrides.map(({ override }) => override), faults }
}

/** The error for faulty packs or tests of packs; nothing of them is applied. */
export function rulesInvalid(faults: readonly Fault[]): VigiaError {
  const files = new Set(faults.map((fault) => fault.file)).size
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
  return new VigiaError('RULES_INVALID', `${count} in ${files === 1 ? '1 file' : `${files} files`}`, {
    faults,
  })
}

/**
 * Parses YAML and holds it to a schema; every fault of either with its place. What is too large or too deep to be a
 * pack is refused before it is parsed.
 */
export function readYaml<T>(
  { file, text }: PackSource,
  schema: z.ZodType<T>,
): { raw: unknown; value: T | undefined; places: Places; faults: Fault[] } {
  const counter = new LineCounter()
  const excess = excessOf(text)
  if (excess !== undefined)
    return {
      raw: undefined,
      value: undefined,
      places: placesOf(parseDocument(''), counter, file),
      faults: [{ file, ...excess }],
    }
  const document = parseDocument(text, {
    stringKeys: true,
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: true,
  })
  const places = placesOf(document, counter, file)
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => {
      const { line, col } = counter.linePos(error.pos[0])
      const message = error.code === 'MULTIPLE_DOCS' ? 'a second document: a file is one pack' : error.message
      return { file, line: Math.max(1, line), column: Math.max(1, col), message }
    })
    return { raw: undefined, value: undefined, places, faults }
  }
  const raw = plainValue(document)
  if (raw instanceof ReferenceError) {
    const { line, col } = counter.linePos(badAlias(document))
    const fault = { file, line: Math.max(1, line), column: Math.max(1, col), message: raw.message }
    return { raw: undefined, value: undefined, places, faults: [fault] }
  }
  const parsed = schema.safeParse(raw, { error: wordsFor })
  if (parsed.success) return { raw, value: parsed.data, places, faults: [] }
  return {
    raw,
    value: undefined,
    places,
    faults: parsed.error.issues.flatMap((issue) => issueFaults(issue, places)),
  }
}

/** What zod says of a field that is not there is in words of JavaScript. */
function wordsFor(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_value' && issue.input === undefined)
    return `is missing: one of ${issue.values.map(String).join(', ')}`
  if (issue.code !== 'invalid_type') return undefined
  if (issue.input === undefined) return 'is missing'
  return issue.input === null ? `is empty; a ${issue.expected} belongs here` : undefined
}

/** The document without YAML; the error of an alias that has no anchor, or of one that multiplies beyond measure. */
function plainValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (thrown) {
    if (thrown instanceof ReferenceError) return thrown
    throw thrown
  }
}

function badAlias(document: Document): number {
  let offset = 0
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined
      offset = alias.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return offset
}

function issueFaults(issue: z.core.$ZodIssue, places: Places): Fault[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => places.fault([...issue.path, key], `unknown field ${key}`, { key: true }))
  return [places.fault(issue.path, issue.message)]
}

function readPack(source: PackSource, { remedies = SHIPPED_REMEDIES }: ParseOptions): ReadPack {
  const { raw, value, places, faults } = readYaml(source, RulePack)
  const { file } = source
  const pack = value?.pack ?? ''
  const rules: PlacedRule[] = []
  const overrides: PlacedOverride[] = []
  rawItems(raw, 'rules').forEach((rawRule, index) => {
    // Rules that the schema accepts are checked further even where others are not: all faults at once.
    const parsed = RuleSpec.safeParse(rawRule)
    if (!parsed.success) {
      for (const fault of checkRefused(rawRule, remedies)) addNew(faults, places, index, fault)
      return
    }
    const found = checkRule(parsed.data, remedies)
    faults.push(...found.map((fault) => places.fault(['rules', index, ...fault.path], fault.message, fault)))
    rules.push({
      spec: parsed.data,
      compiled:
        found.length > 0
          ? undefined
          : compile(parsed.data, {
              pack,
              file,
              line: lineOf(places, ['rules', index]),
              lines: linesOf(rawRule, (path) => lineOf(places, ['rules', index, ...path])),
            }),
      file,
      faultAt: (path, message, options) => places.fault(['rules', index, ...path], message, options),
    })
  })
  rawItems(raw, 'overrides').forEach((rawOverride, index) => {
    const parsed = RuleOverride.safeParse(rawOverride)
    if (!parsed.success) return
    const at = ['overrides', index]
    overrides.push({
      override: { spec: parsed.data, pack, file, line: lineOf(places, at) },
      faultAt: (path, message, options) => places.fault([...at, ...path], message, options),
    })
  })
  return { file, rules, overrides, faults }
}

function addNew(faults: Fault[], places: Places, index: number, fault: RuleFault): void {
  const found = places.fault(['rules', index, ...fault.path], fault.message, fault)
  if (!faults.some((one) => one.field === found.field && one.message === found.message)) faults.push(found)
}

function rawItems(raw: unknown, field: 'rules' | 'overrides'): unknown[] {
  if (typeof raw !== 'object' || raw === null || !(field in raw)) return []
  const items = (raw as Record<string, unknown>)[field]
  return Array.isArray(items) ? items : []
}

function lineOf(places: Places, path: PropertyKey[]): number {
  return places.fault(path, '').line ?? 1
}

/** The lines of the fields that stand in a rule, and of the fields within those. */
function linesOf(raw: unknown, lineAt: (path: PropertyKey[]) => number): Map<string, number> {
  const lines = new Map<string, number>()
  for (const [field, value] of Object.entries(raw as Record<string, unknown>)) {
    lines.set(field, lineAt([field]))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue
    for (const part of Object.keys(value)) lines.set(`${field}.${part}`, lineAt([field, part]))
  }
  return lines
}

function compile(
  spec: RuleSpec,
  { pack, file, line, lines }: Pick<CompiledRule, 'pack' | 'file' | 'line' | 'lines'>,
): CompiledRule {
  const compiled = spec.selector === undefined ? undefined : compileSelector(spec.selector)
  const { detector, parameters } = detectorOf(spec)
  return {
    spec,
    version: versionOf(spec),
    stateVersion: stateVersionOf(spec),
    pack,
    file,
    line,
    lines,
    forMs: durationMs(spec.for),
    keepMs: durationMs(spec.keep),
    detector,
    parameters,
    overrides: [],
    selects: compiled !== undefined && 'selector' in compiled ? compiled.selector : () => true,
    watches: compileSignal(spec.signal),
  }
}
