import { type Document, LineCounter, parseDocument, visit } from 'yaml'
import type * as z from 'zod'
import { type Fault, VigiaError } from '../../contract/errors.ts'
import { RulePack, RuleSpec } from '../../contract/rules.ts'
import { durationMs } from '../duration.ts'
import { compileSelector } from '../selector.ts'
import { checkRule, detectorOf } from './check.ts'
import type { CompiledRule } from './compiled.ts'
import { compileSignal } from './matcher.ts'
import { placesOf, type Places } from './places.ts'
import { type KnownRemedies, SHIPPED_REMEDIES } from './remedies.ts'
import { versionOf } from './version.ts'

/** A pack's text and the name that faults give it. */
export type PackSource = { file: string; text: string }
export type ParseOptions = { remedies?: KnownRemedies }

type Named = { name: string; place: Fault }

/** Parses and checks one pack: its rules, or every fault with file, line, column and field. */
export function parsePack(
  source: PackSource,
  options: ParseOptions = {},
): { rules: CompiledRule[]; faults: Fault[] } {
  const { rules, faults } = readPack(source, options)
  return { rules: faults.length === 0 ? rules : [], faults }
}

/** All packs together, or RULES_INVALID with every fault of every file; rule names are unique over all of them. */
export function loadPacks(sources: readonly PackSource[], options: ParseOptions = {}): CompiledRule[] {
  const packs = sources.map((source) => readPack(source, options))
  const faults = packs.flatMap((pack) => pack.faults)
  const first = new Map<string, string>()
  for (const { names, file } of packs)
    for (const { name, place } of new Map(names.map((named) => [named.name, named])).values()) {
      const other = first.get(name)
      if (other === undefined) first.set(name, file)
      else faults.push({ ...place, message: `a rule named ${name} stands in ${other} already` })
    }
  if (faults.length > 0) throw rulesInvalid(faults)
  return packs.flatMap((pack) => pack.rules)
}

/** The error for faulty packs or tests of packs; nothing of them is applied. */
export function rulesInvalid(faults: readonly Fault[]): VigiaError {
  const files = new Set(faults.map((fault) => fault.file)).size
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
  return new VigiaError('RULES_INVALID', `${count} in ${files === 1 ? '1 file' : `${files} files`}`, {
    faults,
  })
}

/** Parses YAML and holds it to a schema; every fault of either with its place. */
export function readYaml<T>(
  { file, text }: PackSource,
  schema: z.ZodType<T>,
): { raw: unknown; value: T | undefined; places: Places; faults: Fault[] } {
  const counter = new LineCounter()
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
      return { file, line: Math.max(1, line), column: Math.max(1, col), message: error.message }
    })
    return { raw: undefined, value: undefined, places, faults }
  }
  const raw = plainValue(document)
  if (raw instanceof ReferenceError) {
    const { line, col } = counter.linePos(badAlias(document))
    const fault = { file, line: Math.max(1, line), column: Math.max(1, col), message: raw.message }
    return { raw: undefined, value: undefined, places, faults: [fault] }
  }
  const parsed = schema.safeParse(raw)
  if (parsed.success) return { raw, value: parsed.data, places, faults: [] }
  return {
    raw,
    value: undefined,
    places,
    faults: parsed.error.issues.flatMap((issue) => issueFaults(issue, places)),
  }
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

function readPack(
  source: PackSource,
  { remedies = SHIPPED_REMEDIES }: ParseOptions,
): { file: string; rules: CompiledRule[]; names: Named[]; faults: Fault[] } {
  const { raw, value, places, faults } = readYaml(source, RulePack)
  const rules: CompiledRule[] = []
  const names: Named[] = []
  rawRules(raw).forEach((rawRule, index) => {
    // Rules that the schema accepts are checked further even where others are not: all faults at once.
    const parsed = RuleSpec.safeParse(rawRule)
    if (!parsed.success) return
    const rule = parsed.data
    const path = ['rules', index, 'name']
    if (names.some(({ name }) => name === rule.name))
      faults.push(places.fault(path, `a second rule named ${rule.name}`))
    names.push({ name: rule.name, place: places.fault(path, '') })
    const found = checkRule(rule, remedies)
    faults.push(...found.map((fault) => places.fault(['rules', index, ...fault.path], fault.message, fault)))
    if (found.length === 0) rules.push(compile(rule, value?.pack ?? '', source.file))
  })
  faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  return { file: source.file, rules, names, faults }
}

function rawRules(raw: unknown): unknown[] {
  if (typeof raw !== 'object' || raw === null || !('rules' in raw)) return []
  return Array.isArray(raw.rules) ? raw.rules : []
}

function compile(spec: RuleSpec, pack: string, file: string): CompiledRule {
  const compiled = spec.selector === undefined ? undefined : compileSelector(spec.selector)
  const { detector, parameters } = detectorOf(spec)
  return {
    spec,
    version: versionOf(spec),
    pack,
    file,
    forMs: durationMs(spec.for),
    keepMs: durationMs(spec.keep),
    detector,
    parameters,
    selects: compiled !== undefined && 'selector' in compiled ? compiled.selector : () => true,
    watches: compileSignal(spec.signal),
  }
}
