import { join } from 'node:path'
import type { Clock } from '../../contract/clock.ts'
import { asVigiaError, VigiaError, type Fault } from '../../contract/errors.ts'
import type { PackFaults, PackText, RuleChange } from '../../contract/rule-views.ts'
import { rulesInvalid } from '../../rules/language/parse.ts'
import type { Logger } from '../observe/log.ts'
import {
  type PackFile,
  type PackPlaces,
  readApplied,
  readPackFiles,
  removeFiles,
  writeApplied,
  writeFiles,
} from './pack-files.ts'
import { changesBetween, checkSet, packName, type RuleSet } from './rule-set.ts'

/** A change of the packs of this installation. */
export type PackEdit = { packs: readonly PackText[]; remove: readonly string[] }

/** What was put in force: the new set, and what it changes. */
export type Applied = { set: RuleSet; changes: RuleChange[] }

/** The rules in force, and the only way to change them: all packs are checked together, all are applied or none. */
export type RuleBook = {
  current(): RuleSet & { loadedAtMs: number }
  /** What is wrong with packs that lie in their places and are not in force. */
  faults(): PackFaults | null
  /** What these packs would change, or every fault of them; nothing is applied. */
  check(packs: readonly PackText[]): { faults: Fault[]; changes: RuleChange[]; set: RuleSet | null }
  /**
   * Writes packs into the folder of the installation and puts them in force. `record` is called when all is checked
   * and may refuse by throwing; it calls `write`, which does the deed. RULES_INVALID, NOT_FOUND, DISK_FULL.
   */
  apply(
    edit: PackEdit,
    record: (write: () => Applied, edit: EditedPack[]) => Promise<Applied>,
  ): Promise<Applied>
  /** Reads all packs again. RULES_INVALID with every fault, which `faults` then tells too; nothing was applied. */
  reload(): Applied
  /** Keeps the set of the start for the next one; to be called once the data directory is ours. */
  keep(): void
  /** Whoever runs the rules; called with each new set before it counts as in force, and may refuse by throwing. */
  onChange(take: (set: RuleSet, changes: readonly RuleChange[]) => void): void
  /** Hears of each change of `faults`. */
  onFaults(hear: () => void): void
}

/** One pack of an edit: its text, null where it goes. */
export type EditedPack = { pack: string; text: string | null }

type Options = {
  places: PackPlaces & { directory: string }
  /** Where the packs that were good last are kept. */
  appliedFile: string
  clock: Clock
  log: Logger
}

/**
 * Reads the packs at the start. With a fault the set that was good last is taken and the fault is told; without such a
 * set RULES_INVALID is thrown with every fault.
 */
export function openRuleBook({ places, appliedFile, clock, log }: Options): RuleBook {
  const own = places.directory
  let faults: PackFaults | null = null
  let take: Parameters<RuleBook['onChange']>[0] = () => undefined
  let hear: () => void = () => undefined
  let current: RuleSet & { loadedAtMs: number } = { ...first(), loadedAtMs: clock() }

  function first(): RuleSet {
    try {
      return checkSet(readPackFiles(places))
    } catch (thrown) {
      const error = asVigiaError(thrown)
      const applied = error.code === 'RULES_INVALID' ? readApplied(appliedFile) : undefined
      if (applied === undefined) throw error
      const shipped = readPackFiles({ shipped: places.shipped, configured: [], directory: null })
      const set = checkSet([...shipped, ...applied])
      note(error)
      return set
    }
  }

  function note(error: VigiaError | null): void {
    const before = faults
    faults = error === null ? null : { atMs: clock(), message: error.message, faults: [...error.faults] }
    if (error !== null)
      log.warn({ faults: error.faults }, `packs are not applied, those in force stay: ${error.message}`)
    if (before !== null || faults !== null) hear()
  }

  function put(set: RuleSet): Applied {
    const changes = changesBetween(current, set)
    if (set.version !== current.version) take(set, changes)
    current = { ...set, loadedAtMs: clock() }
    writeApplied(appliedFile, set.packs)
    note(null)
    return { set, changes }
  }

  /** The files in force with these texts in the folder of the installation. */
  function edited({ packs, remove }: PackEdit): { files: PackFile[]; edit: EditedPack[]; gone: string[] } {
    const here = current.packs.filter(({ origin }) => origin === 'data')
    const fileOf = (name: string): string =>
      here.find((pack) => pack.name === name)?.file ?? join(own, `${name}.yaml`)
    const gone = remove.map((name) => {
      const pack = here.find((one) => one.name === name)
      if (pack === undefined) throw new VigiaError('NOT_FOUND', `${own} holds no pack named ${name}.`)
      return pack.file
    })
    const fresh = packs.map(({ name, text }): PackFile => ({ file: fileOf(name), origin: 'data', text }))
    const touched = new Set([...gone, ...fresh.map(({ file }) => file)])
    const others = readPackFiles(places).filter(({ file }) => !touched.has(file))
    return {
      files: [...others, ...fresh],
      edit: [
        ...packs.map(({ name, text }) => ({ pack: name, text })),
        ...remove.map((pack) => ({ pack, text: null })),
      ],
      gone,
    }
  }

  return {
    current: () => current,
    faults: () => faults,
    check(packs) {
      try {
        checkNames(packs)
        const set = checkSet(edited({ packs, remove: [] }).files)
        return { faults: [], changes: changesBetween(current, set), set }
      } catch (thrown) {
        const error = asVigiaError(thrown)
        if (error.code !== 'RULES_INVALID') throw error
        return { faults: [...error.faults], changes: [], set: null }
      }
    },
    async apply(edit, record) {
      checkNames(edit.packs)
      const { files, edit: packs, gone } = edited(edit)
      const set = checkSet(files)
      const names = new Set(edit.packs.map(({ name }) => name))
      const fresh = set.packs.filter(({ name, origin }) => origin === 'data' && names.has(name))
      return record(() => {
        writeFiles(fresh, own)
        removeFiles(gone)
        return put(set)
      }, packs)
    },
    reload() {
      let set: RuleSet
      try {
        set = checkSet(readPackFiles(places))
      } catch (thrown) {
        const error = asVigiaError(thrown)
        note(error)
        throw error
      }
      return put(set)
    },
    keep() {
      if (faults === null) writeApplied(appliedFile, current.packs)
    },
    onChange(listener) {
      take = listener
    },
    onFaults(listener) {
      hear = listener
    },
  }
}

/** A pack is saved under the name that its text gives it, once. */
function checkNames(packs: readonly PackText[]): void {
  const faults = packs.flatMap(({ name, text }, index): Fault[] => {
    const file = `${name}.yaml`
    if (packs.findIndex((other) => other.name === name) !== index)
      return [{ file, message: `the pack ${name} is there twice` }]
    const own = packName({ file, text })
    return own === undefined || own === name
      ? []
      : [{ file, field: 'pack', message: `the text names the pack ${own}, not ${name}` }]
  })
  if (faults.length > 0) throw rulesInvalid(faults)
}
