import * as z from 'zod'
import { type Fault, VigiaError } from '../../contract/errors.ts'
import { UnitName } from '../../contract/ids.ts'
import { PACK_ORIGINS, type PackOrigin, type PackView, type RuleChange } from '../../contract/rule-views.ts'
import { RulePack } from '../../contract/rules.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { loadPacks, type PackSource, readYaml, rulesInvalid } from '../../rules/language/parse.ts'
import { versionOf } from '../../rules/language/version.ts'
import type { PackFile } from './pack-files.ts'

/** A pack in force with its text. */
export type LoadedPack = PackFile & PackView

/** A whole set of packs that was found without fault. `version` names its content. */
export type RuleSet = { version: string; rules: readonly CompiledRule[]; packs: readonly LoadedPack[] }

const Named = z.looseObject({ pack: UnitName })

/**
 * Checks all packs together. A pack takes the place of one with the same name that comes from further away: from
 * DATA/rules before the configuration, before what ships. RULES_INVALID carries every fault of every file.
 */
export function checkSet(files: readonly PackFile[]): RuleSet {
  const { chosen, faults } = choose(files)
  let rules: CompiledRule[] = []
  try {
    const own = chosen.filter(({ origin }) => origin !== 'shipped').map(({ file }) => file)
    rules = loadPacks(chosen, { own: new Set(own) })
  } catch (thrown) {
    if (!(thrown instanceof VigiaError) || thrown.code !== 'RULES_INVALID') throw thrown
    faults.push(...thrown.faults)
  }
  if (faults.length > 0) throw rulesInvalid(faults)
  return {
    version: versionOf(rules.map(wholeVersion).toSorted()),
    rules,
    packs: chosen.map((file) => describe(file)),
  }
}

/** What another set would change, rule by rule in the order of their names. A rule with other overrides is changed. */
export function changesBetween(before: RuleSet, after: RuleSet): RuleChange[] {
  const [from, to] = [versionsOf(before), versionsOf(after)]
  return [...new Set([...from.keys(), ...to.keys()])].toSorted().flatMap((rule): RuleChange[] => {
    const [old, now] = [from.get(rule) ?? null, to.get(rule) ?? null]
    if (old === now) return []
    return [
      { rule, change: old === null ? 'added' : now === null ? 'removed' : 'changed', from: old, to: now },
    ]
  })
}

/** The name that a pack gives itself; undefined where it cannot be read. */
export function packName(source: PackSource): string | undefined {
  return readYaml(source, Named).value?.pack
}

type Chosen = PackFile & { name: string | undefined; replaces: PackOrigin | null }

function choose(files: readonly PackFile[]): { chosen: Chosen[]; faults: Fault[] } {
  const faults: Fault[] = []
  const chosen: Chosen[] = []
  const ordered = PACK_ORIGINS.flatMap((origin) => files.filter((file) => file.origin === origin))
  for (const file of ordered) {
    const { value, places } = readYaml(file, Named)
    const index = chosen.findIndex(({ name }) => name !== undefined && name === value?.pack)
    const other = chosen[index]
    if (other === undefined) chosen.push({ ...file, name: value?.pack, replaces: null })
    else if (other.origin !== file.origin)
      chosen[index] = { ...file, name: other.name, replaces: other.origin }
    else
      faults.push(places.fault(['pack'], `a pack named ${other.name ?? ''} stands in ${other.file} already`))
  }
  return { chosen, faults }
}

function describe({ file, text, origin, replaces }: Chosen): LoadedPack {
  const { value } = readYaml({ file, text }, RulePack)
  if (value === undefined) throw new TypeError(`${file} was checked and cannot be read again`)
  const { pack: name, version, rules, overrides } = value
  return { name, file, text, origin, replaces, version, rules: rules.length, overrides: overrides.length }
}

function versionsOf({ rules }: RuleSet): Map<string, string> {
  return new Map(rules.map((rule) => [rule.spec.name, wholeVersion(rule)]))
}

function wholeVersion({ version, overrides }: CompiledRule): string {
  return overrides.length === 0 ? version : versionOf([version, overrides.map(({ spec }) => spec)])
}
