import type { ScriptContent, ScriptParameter } from '../../contract/command.ts'
import { LIBRARY_DIRECTORY, readSource, scriptSources } from '../../server/script/library.ts'

const HELD: Record<string, string> = {
  linux: 'Run on Linux by the tests.',
  any: 'Run on Linux by the tests.',
  macos: 'Run by the tests over outputs of the tools of macOS as they are documented; not yet under macOS.',
  windows: 'Held against records of PowerShell and Windows by the tests; not yet run under Windows.',
}

/** The text of docs/reference/scripts.md, made from the sources of the library. */
export function scriptReference(): string {
  const scripts = scriptSources(LIBRARY_DIRECTORY).map(({ name, folder }) => ({
    content: readSource(folder, name),
    held: HELD[folder.split('/').at(-1) ?? ''] ?? '',
  }))
  const categories = [...new Set(scripts.map(({ content }) => content.category))].sort()
  return [
    '# Scripts that ship',
    '',
    `Made from \`server/script/library/\` by \`npm run reference\`: ${scripts.length} scripts, each signed by the project's key.`,
    'They get their values as environment variables, print fields for the table of results, and end with the exits below.',
    'Every one for Linux is run by the tests on a real Linux, with stand-ins only for tools that cannot be had there',
    '(systemd, Docker, drives). There is no PowerShell and no macOS where Vigía is built: scripts for Windows are parsed by a',
    'grammar of PowerShell and held against records of it, those for macOS run over stand-ins for its tools; see',
    '[windows-scripts.md](../windows-scripts.md). Try them dry, and on one machine first.',
    '',
    '| Script | Systems | What it is for |',
    '|---|---|---|',
    ...scripts.map(
      ({ content: { name, systems, title } }) => `| [${name}](#${name}) | ${systems.join(', ')} | ${title} |`,
    ),
    '',
    ...categories.flatMap((category) => [
      `## ${category}`,
      '',
      ...scripts.filter(({ content }) => content.category === category).flatMap(oneScript),
    ]),
  ].join('\n')
}

function oneScript({ content, held }: { content: ScriptContent; held: string }): string[] {
  const { name, description, changes, systems, interpreter, privilege, timeoutS, idempotent, dryRun } =
    content
  const facts = [
    `${systems.join(', ')} (${interpreter})`,
    privilege === 'administrator' ? 'by root or an administrator' : 'by whatever user',
    `at most ${timeoutS} s`,
    idempotent ? 'may run twice' : 'runs once only',
    ...(dryRun ? ['dry run'] : []),
  ]
  return [
    `### ${name}`,
    '',
    description,
    '',
    `*Changes:* ${changes} *Runs:* ${facts.join('; ')}. *Held:* ${held}`,
    '',
    ...rows('Parameter', Object.entries(content.parameters), (each) => `${each.help} (${rangeOf(each)})`),
    ...rows('Exit', Object.entries(content.exitCodes), (meaning) => meaning),
    ...rows('Field', Object.entries(content.outputs), ({ type, unit, help }) => {
      const kind = unit === '' ? type : `${type}, ${unit}`
      return `${help} (${kind})`
    }),
  ]
}

function rows<T>(head: string, entries: [string, T][], words: (value: T) => string): string[] {
  if (entries.length === 0) return []
  const lines = entries.map(([name, value]) => `| \`${name}\` | ${words(value).replaceAll('|', '\\|')} |`)
  return [`| ${head} | |`, '|---|---|', ...lines, '']
}

function rangeOf(parameter: ScriptParameter): string {
  const preset =
    'default' in parameter && parameter.default !== undefined && parameter.default !== ''
      ? `; ${String(parameter.default)} unless given`
      : ''
  switch (parameter.type) {
    case 'integer':
      return `${parameter.min} to ${parameter.max}${preset}`
    case 'choice':
      return `${parameter.choices.join(' or ')}${preset}`
    case 'boolean':
      return `true or false${preset}`
    case 'string':
      return `text of at most ${parameter.maxLength}${preset}`
    case 'secret':
      return 'name of a secret'
    default:
      return parameter satisfies never
  }
}
