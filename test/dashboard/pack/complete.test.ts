import { describe, expect, it } from 'vitest'
import { offersAt, type SchemaNode } from '../../../dashboard/pack/complete.ts'
import { buildSchemas } from '../../../rules/schema/build.ts'

const schema = JSON.parse(buildSchemas()['pack.schema.json'] ?? '{}') as SchemaNode
const known = { rules: ['disk-space', 'cpu-busy'], metrics: ['disk.used_percent'] }

/** What is offered at the mark `|`, by label. */
function offered(marked: string): string[] | null {
  const at = marked.indexOf('|')
  const found = offersAt(schema, marked.replace('|', ''), at, known)
  return found && found.offers.map(({ label }) => label)
}

describe('completion in a rule pack', () => {
  it('offers the keys of a pack at its beginning, without those that are there', () => {
    expect(offered('pack: acme\n|')).toEqual(['version', 'rules', 'overrides'])
  })

  it('offers the keys of a rule inside of one, also on the line of its mark', () => {
    const inside = offered('pack: a\nrules:\n  - name: x\n    severity: info\n    |\n')
    expect(inside).toContain('signal')
    expect(inside).toContain('noRemedy')
    expect(inside).not.toContain('severity')
    expect(inside).not.toContain('name')
    expect(offered('rules:\n  - |')).toContain('name')
  })

  it('takes the keys of the next rule for those of another', () => {
    const between = offered('rules:\n  - name: x\n    |\n  - name: y\n    severity: info\n')
    expect(between).toContain('severity')
    expect(between).not.toContain('name')
  })

  it('offers the values of an enumeration, and yes or no', () => {
    expect(offered('rules:\n  - name: x\n    severity: w|')).toEqual(['info', 'warning', 'critical'])
    expect(offered('rules:\n  - name: x\n    enabled: |')).toEqual(['true', 'false'])
  })

  it('reads braces, one within another', () => {
    expect(offered('rules:\n  - name: x\n    signal: { |')).toEqual(['metric', 'where'])
    expect(offered('rules:\n  - name: x\n    signal: { metric: d|')).toEqual(['disk.used_percent'])
    expect(offered('overrides:\n  - rule: disk-space\n    set: { threshold: { above: 9 }, sev|')).toContain(
      'severity',
    )
    expect(offered('overrides:\n  - rule: disk-space\n    set: { during: |')).toEqual([
      'always',
      'business-hours',
    ])
  })

  it('goes into nested blocks', () => {
    expect(offered('rules:\n  - name: x\n    remedy:\n      |')).toContain('attemptsPerHour')
    expect(offered('rules:\n  - name: x\n    threshold:\n      above: 3\n      |')).toContain('clear')
  })

  it('knows the rules by name where one is meant', () => {
    expect(offered('overrides:\n  - rule: |')).toEqual(['disk-space', 'cpu-busy'])
  })

  it('offers nothing in a comment, and nothing where the schema knows nothing', () => {
    expect(offered('rules:\n  # sev|')).toBeNull()
    expect(offered('nonsense:\n  |')).toBeNull()
    expect(offered('rules:\n  - name: x\n    runbook: Fr|')).toBeNull()
  })
})
