import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { rulesInvalid } from '../../rules/language/parse.ts'
import { buildSchemas } from '../../rules/schema/build.ts'
import { shippedPacks } from '../../server/rule-packs.ts'
import { registerBacktest } from './backtest.ts'
import { checkPacks, SCHEMA_DIRECTORY, testPacks } from './files.ts'
import { registerInForce } from './in-force.ts'
import { registerReplay } from './replay.ts'
import { scoreFile, SCORING, SCORING_ALONE } from './score.ts'

type Output = { json?: boolean }

/** Adds `vigia rules check | test | schema`. Faults are thrown as RULES_INVALID, each with file, line and column. */
export function registerRules(program: Command): void {
  const rules = program
    .command('rules')
    .description('check, test, try and apply rules; ask what is in force, where and why')
  rules
    .command('check')
    .description('check rule packs; every fault at once, with file, line and column')
    .argument('[packs...]', 'YAML files; without any, the packs that ship')
    .action(async (files: string[], _options: Output, command: Command) => {
      const packs = await checkPacks(files.length === 0 ? shippedPacks() : files)
      const summary = packs.map(({ file, rules }) => ({ file, rules: rules.length }))
      const text = summary.map(({ file, rules }) => `${file}: ${counted(rules, 'rule')}, no fault`)
      print(command, { packs: summary }, text)
    })
  rules
    .command('test')
    .description('run the tests beside each pack (NAME.test.yaml) with simulated time')
    .argument('[packs...]', 'YAML files; without any, the packs that ship')
    .action(async (files: string[], _options: Output, command: Command) => {
      const tested = await testPacks(files.length === 0 ? shippedPacks() : files)
      const faults = tested.flatMap((pack) => [
        ...pack.faults,
        ...pack.results.flatMap((result) => result.faults),
      ])
      if (faults.length > 0) throw rulesInvalid(faults)
      const packs = tested.map(({ file, results }) => ({
        file,
        tests: results.length,
        rules: new Set(results.map(({ rule }) => rule)).size,
      }))
      const text = packs.map(({ file, tests, rules }) =>
        rules === 0
          ? `${file}: no rule of its own, nothing to test`
          : `${file}: ${counted(tests, 'test')} of ${counted(rules, 'rule')} passed`,
      )
      print(command, { packs }, text)
    })
  rules
    .command('score')
    .description('say for each row of a series how unusual it is, judged by the rows before it only')
    .requiredOption(
      '--detector <name>',
      `one of ${SCORING.join(', ')}; ${SCORING_ALONE.join(', ')} need no parameters`,
    )
    .option('--parameters <yaml>', "of the detector, as in a rule: '{above: 90, clear: 85}'")
    .option('--data <file>', 'CSV with timestamp,value; an empty value is a missing one')
    .requiredOption('--out <file>', 'CSV to write: timestamp,value,anomaly_score (0 to 1)')
    .action(async (options: { detector: string; parameters?: string; out: string }, command: Command) => {
      // The program's own --data (a directory) takes the text before this command sees it.
      const { data } = command.optsWithGlobals<{ data?: string }>()
      if (data === undefined) throw new VigiaError('USAGE', 'Name the file to score with --data FILE.')
      const { rows, highest } = await scoreFile({ ...options, data })
      const figures = { rows, highest, out: options.out }
      print(command, figures, [`${options.out}: ${rows} rows, highest score ${highest.toFixed(3)}`])
    })
  registerInForce(rules)
  registerBacktest(rules)
  registerReplay(rules)
  rules
    .command('schema')
    .description('print the JSON Schema of rule packs for editors, or write it')
    .option('--tests', 'that of test files')
    .option('--write [directory]', 'write both schemas as files')

    .action(async (options: { tests?: boolean; write?: string | true }, command: Command) => {
      const schemas = buildSchemas()
      if (options.write === undefined) {
        process.stdout.write(
          schemas[options.tests === true ? 'pack-test.schema.json' : 'pack.schema.json'] ?? '',
        )
        return
      }
      const directory = options.write === true ? SCHEMA_DIRECTORY : options.write
      await mkdir(directory, { recursive: true })
      for (const [name, text] of Object.entries(schemas)) await writeFile(join(directory, name), text)
      const files = Object.keys(schemas).map((name) => join(directory, name))
      print(command, { files }, files)
    })
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function print(command: Command, data: unknown, lines: readonly string[]): void {
  const json = command.optsWithGlobals<Output>().json === true
  process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${lines.join('\n')}\n`)
}
