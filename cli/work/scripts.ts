import type { Command } from 'commander'
import type { ScriptContent, ScriptParameter } from '../../contract/command.ts'
import { contextOf } from '../command.ts'
import { choiceOption } from '../options.ts'
import { table, when } from '../output.ts'
import { findScript } from './find-script.ts'
import { flagOf } from './parameters.ts'

/** `vigia scripts list|show`. */
export function registerScripts(program: Command): void {
  const scripts = program.command('scripts').description('what may be run: scripts with their approvals')
  scripts
    .command('list', { isDefault: true })
    .description('the newest version of each that may run, and those that wait for approvals')
    .addOption(choiceOption('--system <system>', 'only those for it', ['linux', 'windows', 'macos']))
    .option('--find <words>', 'only those in whose name, title or category each word stands')
    .action(async (options: { system?: string; find?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('scripts')
      const words = (options.find ?? '').toLowerCase().split(/\s+/).filter(Boolean)
      const found = answer.scripts.filter(
        ({ content: { name, title, category, systems } }) =>
          (options.system === undefined || systems.some((system) => system === options.system)) &&
          words.every((word) => `${name} ${title} ${category}`.toLowerCase().includes(word)),
      )
      out.print(found, () =>
        found.length === 0
          ? 'No script.'
          : table(
              ['SCRIPT', 'VERSION', 'SYSTEMS', 'PARAMETERS', 'RUNS ON', 'APPROVED', 'DIGEST', 'TITLE'],
              found.map(({ content, approvedAtMs, digest, ...standing }) => [
                content.name,
                content.version,
                content.systems.join(' '),
                Object.keys(content.parameters).join(' '),
                runsOn(content, standing),
                when(approvedAtMs),
                digest.slice(0, 12),
                content.title,
              ]),
            ),
      )
    })
  scripts
    .command('show <name>')
    .description(
      'one script by name or digest (its first digits are enough): what it changes, its parameters, exits and outputs, and its text',
    )
    .option('--no-body', 'without its text')
    .action(async (name: string, options: { body: boolean }, command: Command) => {
      const { server, out } = contextOf(command)
      const { script, versions } = await findScript(server, name)
      out.print({ script, versions }, () => [
        ...describeScript(script.content),
        `  Approved     ${script.approvedBy.join(', ')}; runs on ${runsOn(script.content, script) ?? 'none'}`,
        ...(script.content.approvedUntilMs === undefined
          ? []
          : [`  Until        ${when(script.content.approvedUntilMs)}`]),
        `  Digest       ${script.digest}`,
        ...rows(
          'Versions',
          versions.map(({ version, digest }) => `${version}, ${digest}`),
        ),
        ...(options.body ? ['', ...script.content.body.split('\n').map((line) => `  | ${line}`)] : []),
      ])
    })
}

function runsOn(
  { devices }: Pick<ScriptContent, 'devices'>,
  {
    revoked,
    expired,
    lacking,
    anywhere,
  }: {
    revoked?: boolean | undefined
    expired?: boolean | undefined
    lacking?: number | undefined
    anywhere?: boolean | undefined
  },
): string | undefined {
  if (revoked) return 'withdrawn'
  if (expired) return 'expired'
  if (lacking !== undefined && lacking > 0) return `waits for ${lacking}`
  return anywhere ? 'any' : devices?.join(' ')
}

function describeScript(content: ScriptContent): string[] {
  const parameters = Object.entries(content.parameters).map(
    ([name, parameter]) => `${flagOf(name)} (${wantOf(parameter)}): ${parameter.help}`,
  )
  const outputs = Object.entries(content.outputs).map(
    ([name, { unit, help }]) => `${name}${unit && ` (${unit})`}: ${help}`,
  )
  const exits = Object.entries(content.exitCodes).map(([code, meaning]) => `${code}: ${meaning}`)
  return [
    `${content.name}, version ${content.version}: ${content.title}`,
    content.description,
    `  Systems      ${content.systems.join(', ')} (${content.interpreter}, ${content.privilege})`,
    `  Changes      ${content.changes}`,
    `  Time limit   ${content.timeoutS} s; ${content.idempotent ? 'may' : 'must not'} run twice; dry run ${content.dryRun ? 'yes' : 'no'}`,
    ...rows('Parameters', parameters),
    ...rows('Exits', exits),
    ...rows('Outputs', outputs),
  ]
}

function rows(title: string, lines: readonly string[]): string[] {
  return lines.map((line, place) => `  ${(place === 0 ? title : '').padEnd(12)} ${line}`)
}

function wantOf(parameter: ScriptParameter): string {
  const preset =
    'default' in parameter && parameter.default !== undefined
      ? `, else ${JSON.stringify(parameter.default)}`
      : ''
  switch (parameter.type) {
    case 'integer':
      return `${parameter.min} to ${parameter.max}${preset}`
    case 'choice':
      return `${parameter.choices.join(' or ')}${preset}`
    case 'boolean':
      return `true or false${preset}`
    case 'string':
      return `text${preset}`
    case 'secret':
      return 'name of a secret'
    default:
      return parameter satisfies never
  }
}
