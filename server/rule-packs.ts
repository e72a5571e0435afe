import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../contract/clock.ts'
import type { CompiledRule } from '../rules/language/compiled.ts'
import type { Logger } from './observe/log.ts'
import { readPackFiles } from './rules/pack-files.ts'
import { openRuleBook, type RuleBook } from './rules/rule-book.ts'
import { checkSet } from './rules/rule-set.ts'

const SHIPPED = fileURLToPath(new URL('../rules/packs/', import.meta.url))

/** The packs that ship, in the order of their names. */
export function shippedPacks(): string[] {
  return readdirSync(SHIPPED)
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .toSorted()
    .map((name) => join(SHIPPED, name))
}

/** Where the packs of an installation are: those that ship, those of the configuration (paths from the data directory), and DATA/rules. */
export function packPlaces(config: { packs: readonly string[]; base: boolean }, dataDir: string) {
  return {
    shipped: config.base ? shippedPacks() : [],
    configured: config.packs.map((path) => resolve(dataDir, path)),
    directory: join(dataDir, 'rules'),
  }
}

/** The rules in force. With faults at the start the set that was good last stands; RULES_INVALID carries every fault where there is none. */
export function openPacks(options: {
  config: { packs: readonly string[]; base: boolean }
  dataDir: string
  clock: Clock
  log: Logger
}): RuleBook {
  const { config, dataDir, clock, log } = options
  return openRuleBook({
    places: packPlaces(config, dataDir),
    appliedFile: join(dataDir, 'rules.applied.json'),
    clock,
    log,
  })
}

/** The rules as they are in the files now: the packs that ship, those of the configuration and of DATA/rules. RULES_INVALID carries every fault. */
export function loadRules(
  config: { packs: readonly string[]; base: boolean },
  dataDir: string,
): readonly CompiledRule[] {
  return checkSet(readPackFiles(packPlaces(config, dataDir))).rules
}
