import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { buildProgram } from '../../cli/program.ts'
import { flagOf } from '../../cli/work/parameters.ts'
import { ERROR_CODES } from '../../contract/errors.ts'
import { ServerConfig } from '../../server/config.ts'
import { shippedScripts } from '../../server/script/library.ts'
import { ROOT } from '../support/sources.ts'

const files = [
  'README.md',
  'ARCHITECTURE.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

/** What a text shows as code: the lines of its fenced blocks, and its inline pieces. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```[a-z]*\n(.*?)^```/gms)].flatMap(([, body]) =>
    (body ?? '').split('\n'),
  )
  const inline = [...text.replace(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, code]) => code ?? '',
  )
  return [...blocks, ...inline]
}

/** The `vigia` commands among them, without comments. */
function commandsOf(code: readonly string[]): string[] {
  return code.flatMap((line) => {
    const match = /^(?:\S+='\S*' )?(?:npx )?vigia ([^#]+)/.exec(line.trim())
    return match?.[1] === undefined || match[1].startsWith('…') ? [] : [match[1].trim()]
  })
}

/** What is wrong with a command line, against the program itself: unknown words and options. */
function faultsOf(line: string): string[] {
  const program = buildProgram()
  let at: Command = program
  const words = line.split(/\s+/)
  for (const word of words) {
    const next = at.commands.find((command) => command.name() === word)
    if (next === undefined) break
    at = next
  }
  if (at === program && !line.startsWith('--')) return [`no command in "vigia ${line}"`]
  if (at.commands.length > 0 && !/\|/.test(line)) {
    const word = words[words.indexOf(at.name()) + 1]
    if (word !== undefined && /^[a-z]/.test(word)) return [`no command "${word}" in "vigia ${line}"`]
  }
  const ofProgram = [...at.options, ...program.options].flatMap(({ long }) => long ?? [])
  // What `vigia run` takes beside its own: the parameters of the script.
  const known = at.name() === 'run' ? [...ofProgram, ...flagsOf(words[1] ?? '')] : ofProgram
  return words
    .filter((word) => word.startsWith('--') && !known.includes(word))
    .map((word) => `no option ${word} in "vigia ${line}"`)
}

function flagsOf(script: string): string[] {
  const shipped = shippedScripts().find(({ content }) => content.name === script)
  return Object.keys(shipped?.content.parameters ?? {}).map(flagOf)
}

type JsonSchema = { properties?: Record<string, JsonSchema>; anyOf?: JsonSchema[]; oneOf?: JsonSchema[] }

/** Every field of a schema by its path; alternatives are taken together. */
function fieldsOf({ properties, anyOf, oneOf }: JsonSchema, path: string[] = []): string[] {
  const choices = anyOf ?? oneOf
  if (choices !== undefined) return [...new Set(choices.flatMap((choice) => fieldsOf(choice, path)))]
  if (properties === undefined) return [path.join('.')]
  return Object.entries(properties).flatMap(([name, field]) => fieldsOf(field, [...path, name]))
}

describe('the documents', () => {
  it.each(files)('%s names commands and options that exist', (file) => {
    expect(commandsOf(codeOf(textOf(file))).flatMap(faultsOf)).toEqual([])
  })

  it('are seen to name commands', () => {
    expect(commandsOf(codeOf(textOf('docs/user-guide.md'))).length).toBeGreaterThan(35)
    expect(faultsOf('user fly')).not.toEqual([])
    expect(faultsOf('fly')).not.toEqual([])
    expect(faultsOf('report --nothing')).not.toEqual([])
  })

  it.each(files)('%s links to files that are there', (file) => {
    const links = [...textOf(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^[a-z]+:/.test(target))
    const missing = links.filter((target) => !existsSync(join(ROOT, dirname(file), target)))
    expect(missing.map((target) => relative('.', target))).toEqual([])
  })

  it('operations.md has every field of the configuration, and no other', () => {
    const section = textOf('docs/operations.md')
      .split('\n## ')
      .find((part) => part.startsWith('Configuration'))
    const named = [...(section ?? '').matchAll(/^\| `([a-z]+\.[A-Za-z]+)` +\|/gm)].map(([, name]) => name)
    const fields = fieldsOf(z.toJSONSchema(ServerConfig, { io: 'input' }) as JsonSchema)
    expect(named.toSorted()).toEqual(fields.toSorted())
  })
})

describe('the next steps of the errors', () => {
  it('name commands that exist', () => {
    const quoted = Object.values(ERROR_CODES).flatMap(({ next }) =>
      [...next.matchAll(/"(vigia [^"]+)"/g)].map(([, command]) => command ?? ''),
    )
    expect(quoted.length).toBeGreaterThan(3)
    expect(
      commandsOf(quoted)
        .filter((line) => line !== '--help')
        .flatMap(faultsOf),
    ).toEqual([])
  })
})
