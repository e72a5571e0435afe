import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../contract/metrics.ts'
import { loadPacks } from '../../../rules/language/parse.ts'
import { buildSchemas } from '../../../rules/schema/build.ts'
import { runTests } from '../../../rules/testing/run.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../../rules/${path}`, import.meta.url), 'utf8')
const packs = readdirSync(new URL('../../../rules/packs/', import.meta.url))
  .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
  .map((name) => name.replace('.yaml', ''))
const all = loadPacks(packs.map((pack) => ({ file: `${pack}.yaml`, text: read(`packs/${pack}.yaml`) })))

it('reads every pack', () => {
  expect(packs.length).toBeGreaterThan(3)
  expect(all.length).toBeGreaterThan(29)
})

describe.each(packs)('%s', (pack) => {
  const rules = all.filter((rule) => rule.pack === pack)
  const tests = { file: `${pack}.test.yaml`, text: read(`packs/${pack}.test.yaml`) }
  const { results, faults } = runTests(rules, tests)

  it('has a test that fires, one that resolves and one that stays silent for every rule', () => {
    expect(faults).toEqual([])
    expect(new Set(results.map(({ rule }) => rule))).toEqual(new Set(rules.map(({ spec }) => spec.name)))
  })

  it.each(results.map(({ rule, name, faults: found }) => [`${rule}: ${name}`, found] as const))(
    '%s',
    (_name, found) => {
      expect(found).toEqual([])
    },
  )

  it('says in both languages, with owner and runbook, what to do', () => {
    for (const { spec } of rules) {
      expect(spec.title.en).not.toBe(spec.title.es)
      for (const text of [spec.title.en, spec.title.es, spec.owner]) expect(text.length).toBeGreaterThan(2)
      expect(spec.runbook.length).toBeGreaterThan(20)
      if (spec.remedy === undefined) expect(spec.noRemedy!.length).toBeGreaterThan(15)
      expect([...Object.keys(METRICS), 'device.report']).toContain(spec.signal.metric)
    }
  })

  it('points editors to the schema', () => {
    for (const [file, schema] of [
      [`${pack}.yaml`, 'pack'],
      [`${pack}.test.yaml`, 'pack-test'],
    ])
      expect(read(`packs/${file}`).split('\n')[0]).toBe(
        `# yaml-language-server: $schema=../schema/${schema}.schema.json`,
      )
  })
})

it('files what fills one disk under one cause', () => {
  const causes = all
    .filter(({ spec }) => spec.name.startsWith('disk-full') || spec.name === 'disk-space')
    .map(({ spec }) => spec.cause)
  expect(causes).toEqual(Array(causes.length).fill('disk-full:{{labels.mount}}'))
})

it('has editor schemas that are those of the parser', () => {
  for (const [name, text] of Object.entries(buildSchemas()))
    expect(JSON.parse(read(`schema/${name}`))).toEqual(JSON.parse(text))
})
