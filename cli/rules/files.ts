import { readFile } from 'node:fs/promises'
import { basename, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Fault, VigiaError } from '../../contract/errors.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { loadPacks, type PackSource } from '../../rules/language/parse.ts'
import { runTests, type TestResult } from '../../rules/testing/run.ts'
import { shippedPacks } from '../../server/rule-packs.ts'
import { packName } from '../../server/rules/rule-set.ts'

/** Where the JSON Schemas lie that the shipped packs point to. */
export const SCHEMA_DIRECTORY = fileURLToPath(new URL('../../rules/schema/', import.meta.url))

/**
 * Reads and checks packs together, beside those that ship, whose rules they may name (one of the same name takes its
 * place). RULES_INVALID with every fault, NOT_FOUND when a file cannot be read.
 */
export async function checkPacks(
  files: readonly string[],
): Promise<{ file: string; rules: CompiledRule[] }[]> {
  const sources = await Promise.all(files.map(readSource))
  const names = new Set(sources.map((source) => packName(source)))
  const shipped = await Promise.all(shippedPacks().map(readSource))
  const among = loadPacks(shipped).filter(({ pack }) => !names.has(pack))
  const rules = loadPacks(sources, { among, own: new Set(sources.map(({ file }) => file)) })
  return sources.map(({ file }) => ({ file, rules: rules.filter((rule) => rule.file === file) }))
}

/** Runs the tests beside each pack; a pack with rules and without tests is a fault. */
export async function testPacks(
  files: readonly string[],
): Promise<{ file: string; results: TestResult[]; faults: Fault[] }[]> {
  const packs = await checkPacks(files)
  return Promise.all(
    packs.map(async ({ file, rules }) => {
      if (rules.length === 0) return { file, results: [], faults: [] }
      const path = resolve(file.replace(/\.ya?ml$/, '.test.yaml'))
      const tests = await readSource(path).catch((thrown: unknown) => {
        throw new VigiaError(
          'NOT_FOUND',
          `${file} has no tests: write them into ${basename(path)} beside it`,
          {
            cause: thrown,
          },
        )
      })
      return { file: tests.file, ...runTests(rules, tests) }
    }),
  )
}

async function readSource(path: string): Promise<PackSource> {
  const near = relative(process.cwd(), path)
  const file = near.startsWith('..') ? path : near
  try {
    return { file, text: await readFile(path, 'utf8') }
  } catch (thrown) {
    throw new VigiaError('NOT_FOUND', `cannot read ${file}`, { cause: thrown })
  }
}
