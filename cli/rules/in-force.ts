import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { COVERAGE_STATES, type CoverageState } from '../../contract/coverage.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { OverrideView, PackText, RuleChange, RuleExplanation } from '../../contract/rule-views.ts'
import { parsePack, rulesInvalid } from '../../rules/language/parse.ts'
import { packName } from '../../server/rules/rule-set.ts'
import { contextOf } from '../command.ts'
import { choiceOption, numberOption } from '../options.ts'
import { printable, table, when } from '../output.ts'
import { findDevice } from '../fleet/find-device.ts'
import type { ServerApi } from '../server-api.ts'

type CoverageOptions = {
  device?: string
  rule?: string
  client?: string
  state?: CoverageState
  limit: number
}

/** Adds `vigia rules list | explain | coverage | apply | remove | reload`: what the running server does with its rules. */
export function registerInForce(rules: Command): void {
  rules
    .command('list')
    .description('the rules in force: where each is evaluated, and which cannot fire')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('rules')
      out.print(answer, () => {
        const silent = answer.rules.filter(({ cannotFire }) => cannotFire !== null)
        return [
          ...table(
            [
              'RULE',
              'PACK',
              'VERSION',
              'SEVERITY',
              'TIER',
              'OWNER',
              'OVERRIDES',
              'EVALUATED',
              'NOT',
              'SWITCHED',
            ],
            answer.rules.map((rule) => {
              const selected = COVERAGE_STATES.reduce((sum, state) => sum + rule.devices[state], 0)
              const evaluated = rule.devices.evaluated + rule.devices.silenced
              return [
                ...[rule.name, rule.pack, rule.version, rule.severity, rule.tier, rule.owner],
                ...[rule.overrides.length, evaluated, selected - evaluated, rule.enabled ? 'on' : 'off'],
              ]
            }),
          ),
          ...(silent.length === 0
            ? []
            : [
                '',
                'Cannot fire: evaluated on no device.',
                ...table(
                  ['RULE', 'WHY'],
                  silent.map(({ name, cannotFire }) => [name, cannotFire]),
                ),
              ]),
          ...(answer.faults === null
            ? []
            : [
                '',
                `Changed packs are not applied since ${when(answer.faults.atMs)}: ${answer.faults.message}`,
                ...answer.faults.faults.map((fault) => printable(`  ${placeOf(fault)}  ${fault.message}`)),
              ]),
        ]
      })
    })

  rules
    .command('coverage')
    .description('for every rule and device: is it being evaluated right now, on what, and if not, why')
    .option('--device <device>', 'only this device (id or host name)')
    .option('--rule <rule>', 'only this rule')
    .option('--client <client>', 'only devices of this client')
    .addOption(choiceOption('--state <state>', 'only in this state', COVERAGE_STATES))
    .addOption(numberOption('--limit <rows>', 'at most so many rows', 1000))
    .action(async (options: CoverageOptions, command: Command) => {
      const { server, out } = contextOf(command)
      const { device, limit, ...filters } = options
      const query = {
        ...filters,
        ...(device === undefined ? {} : { device: await findDevice(server, device) }),
        limit: Math.min(1000, limit),
      }
      const answer = await server.call('ruleCoverage', { query })
      const nowhere = answer.total === 0 ? await cannotFire(server, filters.rule) : []
      out.print(answer, () => [
        ...nowhere,
        ...table(
          ['RULE', 'HOST', 'STATE', 'SERIES', 'NEWEST', 'WHY', 'NEXT STEP'],
          answer.rows.map((row) => [
            ...[row.rule, row.hostname, row.state, `${row.evaluated} of ${row.matched}`],
            ...[when(row.newestMs), row.why, row.next],
          ]),
        ),
        '',
        `${COVERAGE_STATES.map((state) => `${answer.counts[state]} ${state}`).join(', ')}${
          answer.rows.length < answer.total ? `; ${answer.rows.length} of ${answer.total} rows shown` : ''
        }`,
      ])
    })

  rules
    .command('explain')
    .description('why rules apply to a device, with which figures, and where each stands')
    .requiredOption('--device <device>', 'the device (id or host name)')
    .option('--rule <rule>', 'only this rule')
    .action(async (options: { device: string; rule?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const device = await findDevice(server, options.device)
      const answer = await server.call('ruleExplain', {
        query: { device, ...(options.rule === undefined ? {} : { rule: options.rule }) },
      })
      out.print(answer, () => {
        const { hostname, client, site, os, tags } = answer.device
        const selected = answer.rules.filter((rule) => rule.selected.holds || options.rule !== undefined)
        return [
          printable(
            `${hostname} (${device}): client ${client}, site ${site === '' ? '-' : site}, ${os}, tags ${tags.length === 0 ? '-' : tags.join(', ')}`,
          ),
          ...selected.flatMap((rule) => ['', ...explained(rule)]),
          ...(selected.length < answer.rules.length
            ? ['', `${answer.rules.length - selected.length} rules are not meant for this device.`]
            : []),
        ]
      })
    })

  rules
    .command('apply')
    .description('put packs into DATA/rules and in force: all of them, or none when one has a fault')
    .argument('<packs...>', 'YAML files')
    .option('--note <text>', 'why, for the history', '')
    .action(async (files: string[], options: { note: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const packs = await readPacks(files)
      const answer = await server.call('applyRules', { body: { packs, note: options.note } })
      out.print(answer, () => changesText(answer.changes))
    })

  rules
    .command('remove')
    .description('take packs out of DATA/rules; a pack that ships under the name is in force again')
    .argument('<packs...>', 'names of packs')
    .option('--note <text>', 'why, for the history', '')
    .action(async (remove: string[], options: { note: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('applyRules', { body: { remove, note: options.note } })
      out.print(answer, () => changesText(answer.changes))
    })

  rules
    .command('reload')
    .description('read all packs again and put them in force: all of them, or none when one has a fault')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('reloadRules')
      out.print(answer, () => changesText(answer.changes))
    })
}

/** What there is to say of a rule that has no row: it may be meant for no device. */
async function cannotFire(server: ServerApi, rule: string | undefined): Promise<string[]> {
  if (rule === undefined) return []
  const { rules } = await server.call('rules')
  const why = rules.find(({ name }) => name === rule)?.cannotFire ?? null
  return why === null ? [] : [printable(`${rule} cannot fire: ${why}`), '']
}

/** Packs by the names that their texts give them. NOT_FOUND, or RULES_INVALID where a text gives none. */
export async function readPacks(files: readonly string[]): Promise<PackText[]> {
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        throw new VigiaError('NOT_FOUND', `cannot read ${file}`, { cause: error })
      })
      const name = packName({ file, text })
      if (name === undefined) throw rulesInvalid(parsePack({ file, text }).faults)
      return { name, text }
    }),
  )
}

function explained(rule: RuleExplanation): string[] {
  const { selector, holds } = rule.selected
  const who = selector === null ? 'meant for every device' : `meant for devices where ${selector}`
  return [
    printable(`${rule.rule} (pack ${rule.pack}, version ${rule.version}) ${rule.file}:${rule.line ?? 1}`),
    printable(
      `  ${who}: ${holds ? 'this one is' : 'this one is not'}${rule.enabled ? '' : '; switched off'}`,
    ),
    ...(rule.coverage === null ? [] : [printable(`  ${rule.coverage.state}: ${rule.coverage.why}`)]),
    ...rule.overrides.map((override, index) =>
      printable(
        `  override ${index + 1}: for ${scopeText(override)}, ${override.reason} (${override.file}:${override.line ?? 1})`,
      ),
    ),
    ...table(
      ['FIELD', 'VALUE', 'FROM', 'BEFORE', 'WHERE'],
      rule.values.map(({ field, value, from, before, file, line }) => [
        ...[field, valueText(value), from, before === null ? '' : valueText(before)],
        line === null ? '' : `${file}:${line}`,
      ]),
    ).map((text) => `  ${text}`),
  ]
}

function changesText(changes: readonly RuleChange[]): string[] {
  if (changes.length === 0) return ['In force; no rule changed.']
  return table(
    ['RULE', 'CHANGE', 'FROM', 'TO'],
    changes.map(({ rule, change, from, to }) => [rule, change, from, to]),
  )
}

function scopeText({ scope }: OverrideView): string {
  return Object.entries(scope)
    .map(([kind, name]) => `${kind} ${name}`)
    .join(' and ')
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function placeOf({
  file,
  line,
  column,
}: {
  file?: string | undefined
  line?: number | undefined
  column?: number | undefined
}): string {
  return [file, line, column].filter((part) => part !== undefined).join(':')
}
