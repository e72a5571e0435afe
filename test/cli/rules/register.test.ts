import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { registerRules } from '../../../cli/rules/register.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { shippedPacks } from '../../../server/rule-packs.ts'

let directory: string
let printed: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vigia-rules-'))
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true })
})

async function vigia(...args: string[]): Promise<string> {
  const program = new Command().option('--json').exitOverride()
  registerRules(program)
  await program.parseAsync(['rules', ...args], { from: 'user' })
  return printed
}

it('checks and tests the packs that ship', async () => {
  expect(JSON.parse(await vigia('check', '--json'))).toEqual({
    packs: shippedPacks().map((file): unknown =>
      expect.objectContaining({ file: relative(process.cwd(), file), rules: expect.any(Number) }),
    ),
  })
  printed = ''
  expect(await vigia('test')).toMatch(
    /^(rules\/packs\/[a-z]+\.test\.yaml: \d+ tests of \d+ rules passed\n)+$/,
  )
})

it('checks figures for rules that ship', async () => {
  const file = join(directory, 'figures.yaml')
  const text = (rule: string): string =>
    `pack: figures\nversion: 1\noverrides:\n  - { rule: ${rule}, client: acme, reason: asked, set: { enabled: false } }\n`
  await writeFile(file, text('cpu-high'))
  expect(await vigia('check', file)).toContain('0 rules, no fault')
  expect(await vigia('test', file)).toContain('no rule of its own, nothing to test')
  await writeFile(file, text('cpu-hihg'))
  await expect(vigia('check', file)).rejects.toMatchObject({
    faults: [{ line: 4, message: 'no rule is named cpu-hihg; did you mean cpu-high?' }],
  })
})

it('throws every fault of a pack, and of a pack without tests', async () => {
  const file = join(directory, 'mine.yaml')
  await writeFile(file, 'pack: mine\nversion: one\nrules: nothing\n')
  const faulty = await vigia('check', file).catch((thrown: unknown) => thrown)
  expect(faulty).toBeInstanceOf(VigiaError)
  expect(faulty).toMatchObject({
    code: 'RULES_INVALID',
    faults: [
      { file, line: 2, column: 10, field: 'version' },
      { file, line: 3, field: 'rules' },
    ],
  })
  await expect(vigia('check', join(directory, 'none.yaml'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await writeFile(file, 'pack: mine\nversion: 1\nrules:\n  - name: only\n    owner:\n')
  await expect(vigia('check', file)).rejects.toMatchObject({
    faults: expect.arrayContaining([
      expect.objectContaining({ field: 'rules[0].runbook', message: 'is missing' }),
      expect.objectContaining({
        field: 'rules[0].severity',
        message: 'is missing: one of info, warning, critical',
      }),
      expect.objectContaining({
        field: 'rules[0].owner',
        line: 5,
        message: 'is empty; a string belongs here',
      }),
    ]),
  })
})

it('throws the failed tests', async () => {
  await writeFile(
    join(directory, 'p.yaml'),
    `pack: p
version: 1
rules:
  - name: cpu
    title: { en: C, es: P }
    owner: o
    severity: info
    signal: { metric: cpu.used_percent }
    threshold: { above: 90 }
    runbook: r
    noRemedy: n
`,
  )
  await writeFile(
    join(directory, 'p.test.yaml'),
    "tests:\n  - { name: a, rule: cpu, series: [{ metric: cpu.used_percent, values: '95' }], silent: true }\n",
  )
  await expect(vigia('test', join(directory, 'p.yaml'))).rejects.toMatchObject({
    code: 'RULES_INVALID',
    faults: [
      expect.objectContaining({ line: 2, field: 'tests' }),
      expect.objectContaining({ line: 2, field: 'tests[0].silent' }),
    ],
  })
})

it('prints and writes the schemas', async () => {
  expect(JSON.parse(await vigia('schema'))).toMatchObject({ title: 'Vigía rule pack', type: 'object' })
  await vigia('schema', '--write', directory)
  expect(JSON.parse(await readFile(join(directory, 'pack-test.schema.json'), 'utf8'))).toMatchObject({
    type: 'object',
  })
})
