import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VigiaError } from '../contract/errors.ts'
import type { CompiledRule } from '../rules/language/compiled.ts'
import { loadPacks } from '../rules/language/parse.ts'

const BASE_PACK = fileURLToPath(new URL('../rules/packs/base.yaml', import.meta.url))

/** The rules in force: the pack that ships, and those of the configuration (paths from the data directory). RULES_INVALID carries every fault. */
export function loadRules(
  config: { packs: readonly string[]; base: boolean },
  dataDir: string,
): CompiledRule[] {
  const files = [...(config.base ? [BASE_PACK] : []), ...config.packs.map((path) => resolve(dataDir, path))]
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
