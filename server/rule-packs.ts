import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VigiaError } from '../contract/errors.ts'
import type { CompiledRule } from '../rules/language/compiled.ts'
import { loadPacks } from '../rules/language/parse.ts'

const SHIPPED = fileURLToPath(new URL('../rules/packs/', import.meta.url))

/** The packs that ship, in the order of their names. */
export function shippedPacks(): string[] {
  return readdirSync(SHIPPED)
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .toSorted()
    .map((name) => join(SHIPPED, name))
}

/** The rules in force: the packs that ship, and those of the configuration (paths from the data directory). RULES_INVALID carries every fault. */
export function loadRules(
  config: { packs: readonly string[]; base: boolean },
  dataDir: string,
): CompiledRule[] {
  const files = [
    ...(config.base ? shippedPacks() : []),
    ...config.packs.map((path) => resolve(dataDir, path)),
  ]
  return loadPacks(files.map((file) => ({ file, text: read(file) })))
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new VigiaError('RULES_INVALID', `The rule pack ${file} cannot be read.`, {
      faults: [{ file, message: String(error) }],
      cause: error,
    })
  }
}
