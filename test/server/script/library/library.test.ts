import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ScriptContent } from '../../../../contract/command.ts'
import { resolveParameters } from '../../../../contract/parameters.ts'
import { SHIPPED_REMEDIES } from '../../../../rules/language/remedies.ts'
import { shippedScripts } from '../../../../server/script/library.ts'
import { suiteNeeding } from '../../../support/servers.ts'
import { faultsOfGrammar, loadGrammar } from './powershell/grammar.ts'
import { contents, sources } from './run-script.ts'

const all = [...contents.values()]
const rows = sources.map(
  ({ name, folder, body }) => [name, { content: contents.get(name)!, folder, body }] as const,
)
const shell = ({ interpreter }: ScriptContent) => interpreter === 'sh' || interpreter === 'bash'

beforeAll(loadGrammar)

/** Codes with which a body says that it ends; 0 and 1 also come from commands and are not asked of every body. */
function codesIn(text: string): Set<string> {
  const patterns = [/\bexit (\d+)/g, /\bStop-With (\d+)/g, /process\.exit\((\d+)\)/g, /\bexitCode = (\d+)/g]
  const found = [...patterns, /\bend\((\d+),/g, /\breturn ([3-9])$/gm].flatMap((pattern) => [
    ...text.matchAll(pattern),
  ])
  return new Set(found.map(([, code]) => code!))
}

describe('the library', () => {
  it('covers Linux, Windows and macOS with more than forty scripts', () => {
    const of = (system: ScriptContent['systems'][number]) =>
      all.filter(({ systems }) => systems.includes(system)).length
    expect(all.length).toBeGreaterThanOrEqual(100)
    expect([of('linux') > 50, of('windows') > 30, of('macos') >= 20]).toEqual([true, true, true])
    expect(shippedScripts().map(({ content }) => content)).toEqual(all)
  })

  it('lies where each script’s systems say', () => {
    for (const [name, { content, folder }] of rows) {
      const place = folder.split('/').at(-1)
      expect(content.systems.length > 1 ? 'any' : content.systems[0], name).toBe(place)
      if (place === 'windows' || place === 'macos') expect(name.endsWith(`-${place}`), name).toBe(true)
    }
  })

  it('has the remedies that rules may name, with all the parameters that they need', () => {
    for (const [name, given] of Object.entries(SHIPPED_REMEDIES)) {
      const parameters = contents.get(name)?.parameters
      expect(parameters, name).toBeDefined()
      const needed = Object.entries(parameters!).filter(([, each]) => !('default' in each))
      expect(given, name).toEqual(expect.arrayContaining(needed.map(([parameter]) => parameter)))
      for (const parameter of given) expect(Object.keys(parameters!), name).toContain(parameter)
    }
  })

  it('has each script for Linux and for any system run by a test', () => {
    const tests = readdirSync(import.meta.dirname)
      .filter((file) => file.endsWith('.test.ts') && file !== 'library.test.ts')
      .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
      .join('\n')
    const run = all.filter(({ systems }) => systems.includes('linux') || systems.includes('macos'))
    expect(
      run
        .filter(({ name }) => !new RegExp(`run(Script|Async)\\('${name}'`).test(tests))
        .map(({ name }) => name),
    ).toEqual([])
  })
})

describe.each(rows)('%s', (_name, { content, body }) => {
  const text = readFileSync(body, 'utf8')

  it('is parsed by its interpreter, or by a parser of its language', () => {
    switch (content.interpreter) {
      case 'sh':
        execFileSync('dash', ['-n', body])
        execFileSync('bash', ['--posix', '-n', body])
        return
      case 'bash':
        execFileSync('bash', ['-n', body])
        return
      case 'node':
        execFileSync(process.execPath, ['--check', body])
        return
      case 'powershell':
        expect(faultsOfGrammar(text)).toEqual([])
        return
      default:
        throw new Error(`no test parses ${content.interpreter}`)
    }
  })

  it('evaluates no text, and ends at a mistake of its own', () => {
    expect(text).not.toMatch(/\beval\b|Invoke-Expression|\biex\b|new Function|shell: true|\bsh -c\b/)
    // The one inner shell gets host and port as words.
    expect((text.match(/bash -c/g) ?? []).length).toBeLessThanOrEqual(
      content.name === 'test-connectivity' ? 1 : 0,
    )
    if (shell(content)) expect(text).toMatch(/^export LC_ALL=C/m)
    if (shell(content) && content.name !== 'device-facts') expect(text).toMatch(/^set -u$/m)
    if (content.interpreter === 'powershell') expect(text).toContain("$ErrorActionPreference = 'Stop'")
  })

  it('says what each of its exits means', () => {
    expect(Object.keys(content.exitCodes)).toEqual(
      expect.arrayContaining([...codesIn(text), ...content.successCodes.map(String)]),
    )
    for (const code of Object.keys(content.exitCodes))
      if (Number(code) > 1) expect([...codesIn(text)], code).toContain(code)
  })

  it('declares what it prints, and reads what it declares', () => {
    const printed = [...text.matchAll(/VIGIA_FIELD ([a-z_0-9]+)=|^ *(?:Field|Flag) '([a-z_0-9]+)'/gm)].map(
      ([, one, other]) => one ?? other!,
    )
    expect(Object.keys(content.outputs)).toEqual(expect.arrayContaining(printed))
    for (const name of Object.keys(content.outputs)) expect(text).toMatch(new RegExp(`\\b${name}\\b`))
    const read = [...text.matchAll(/VIGIA_PARAM_([A-Z0-9_]+)/g)].map(([, name]) => name!.toLowerCase())
    expect(new Set(read)).toEqual(new Set(Object.keys(content.parameters)))
    expect(text.includes('VIGIA_DRY_RUN')).toBe(content.dryRun)
    if (content.dryRun && content.name !== 'scan-folder') expect(content.changes).not.toBe('')
  })

  it('lets no line end and no control character through a parameter', () => {
    for (const [name, parameter] of Object.entries(content.parameters)) {
      if (parameter.type !== 'string') continue
      const accepts = (value: string) =>
        resolveParameters({ ...content, parameters: { [name]: parameter } }, { [name]: value }).faults
          .length === 0
      for (const bad of ['a\nb', '/a\nb', 'a\u0000', '/a\u001b[2J', 'x'.repeat(parameter.maxLength + 1)])
        expect(accepts(bad), JSON.stringify(bad)).toBe(false)
      if (parameter.default !== undefined) expect(accepts(parameter.default)).toBe(true)
    }
  })
})

suiteNeeding(['shellcheck'], 'ShellCheck', ({ shellcheck }) => {
  it.each(rows.filter(([, { content }]) => shell(content)))(
    'warns of nothing in %s',
    (_name, { content, body }) => {
      const words = ['-S', 'warning', '-s', content.interpreter, body]
      expect(spawnSync(shellcheck, words, { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' })
    },
  )
})
