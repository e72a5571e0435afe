import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { RulePack } from '../../../contract/rules.ts'
import { addOverrides, isPackName, newPack } from '../../../dashboard/pack/text.ts'
import { loadPacks } from '../../../rules/language/parse.ts'

const ADD =
  'overrides:\n  - rule: disk-space\n    client: demo\n    reason: too often\n    set:\n      for: 1h\n'
const read = (text: string): RulePack => RulePack.parse(parse(text))

describe('the text of a pack', () => {
  it('of a new one is a whole pack without fault', () => {
    expect(loadPacks([{ file: 'acme.yaml', text: newPack('acme', undefined) }])).toHaveLength(1)
    expect(read(newPack('acme', ADD)).overrides).toHaveLength(1)
  })

  it('takes further overrides whatever its indentation, and keeps all that stood there', () => {
    const one = '- rule: cpu-busy\n  tag: lab\n  reason: so\n  set: { enabled: false }\n'
    for (const indent of ['', '  ', '    ']) {
      const present = `pack: a\nversion: 1\noverrides:\n  # why\n${one.replaceAll(/^/gm, indent).trimEnd()}\n`
      const { overrides } = read(addOverrides(present, ADD))
      expect(overrides.map(({ rule }) => rule)).toEqual(['disk-space', 'cpu-busy'])
      expect(addOverrides(present, ADD)).toContain('# why')
    }
  })

  it('takes them where it has none yet', () => {
    const rule = newPack('acme', undefined)
    expect(read(addOverrides(rule, ADD)).overrides).toHaveLength(1)
    expect(read(addOverrides(rule, ADD)).rules).toHaveLength(1)
    expect(read(addOverrides(`${rule}overrides: []\n`, ADD)).overrides).toHaveLength(1)
  })

  it('has a name of small letters, digits and hyphens', () => {
    expect(['acme', 'acme-2'].every(isPackName)).toBe(true)
    expect(['', 'Acme', '2-acme', 'a_b', 'a--b', '../x', 'a'.repeat(65)].some(isPackName)).toBe(false)
  })
})
