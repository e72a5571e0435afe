import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { explainRules } from '../../../rules/language/explain.ts'
import { loadPacks, parsePack } from '../../../rules/language/parse.ts'
import { DEVICE } from '../support.ts'

const RULE = `  - name: cpu
    title: { en: T, es: T }
    owner: o
    severity: warning
    selector: device.os == "linux"
    signal: { metric: cpu.used_percent }
    threshold: { above: 90, clear: 80 }
    runbook: r
    noRemedy: n`
const pack = (overrides: string): string => `pack: p\nversion: 1\nrules:\n${RULE}\noverrides:\n${overrides}\n`

function faultsOf(...texts: string[]): string[] {
  try {
    loadPacks(texts.map((text, index) => ({ file: `${index}.yaml`, text })))
    return []
  } catch (thrown) {
    if (!(thrown instanceof VigiaError)) throw thrown
    return (thrown.faults ?? []).map(
      ({ file, line, column, field, message }) => `${file}:${line}:${column} ${field} ${message}`,
    )
  }
}

describe('faults of overrides', () => {
  it('name the line and column of a rule, field or figure that makes no sense', () => {
    expect(
      faultsOf(
        pack(`  - { rule: cpuu, client: a, reason: r, set: { severity: info } }
  - { rule: cpu, client: a, reason: r, set: { threshold: { abov: 95 } } }
  - { rule: cpu, client: a, reason: r, set: { threshold: { clear: 95 } } }
  - { rule: cpu, client: a, reason: r, set: { trend: { bound: 1 } } }
  - { rule: cpu, client: a, reason: r, set: { threshold: { above: hot } } }`),
      ),
    ).toEqual([
      '0.yaml:14:13 overrides[0].rule no rule is named cpuu; did you mean cpu?',
      '0.yaml:15:60 overrides[1].set.threshold.abov threshold has no parameter abov; did you mean above?',
      expect.stringContaining(
        '0.yaml:16:67 overrides[2].set.threshold.clear clear must not be over above (90)',
      ),
      '0.yaml:17:47 overrides[3].set.trend cpu is judged by threshold, not by trend',
      expect.stringContaining('0.yaml:18:67 overrides[4].set.threshold.above Invalid input'),
    ])
  })

  it('name both of two that contradict each other where they meet', () => {
    const faults = faultsOf(
      pack(`  - { rule: cpu, client: a, reason: r, set: { threshold: { clear: 88 } } }
  - { rule: cpu, device: d1, reason: r, set: { threshold: { above: 85 } } }`),
    )
    expect(faults).toEqual([
      expect.stringMatching(
        /^0\.yaml:15:.* together with the override in 0\.yaml:14: clear must not be over/,
      ),
    ])
    const apart = pack(`  - { rule: cpu, client: a, reason: r, set: { threshold: { clear: 88 } } }
  - { rule: cpu, client: b, device: d1, reason: r, set: { threshold: { above: 85 } } }`)
    expect(faultsOf(apart)).toEqual([])
  })

  it('ask for something that an override is meant for', () => {
    expect(faultsOf(pack('  - { rule: cpu, reason: r, set: { severity: info } }'))).toEqual([
      expect.stringContaining('one of client, site, tag and device at least'),
    ])
  })

  it('know rules of other packs', () => {
    const other = `pack: q\nversion: 1\noverrides:\n  - { rule: cpu, tag: t, reason: r, set: { severity: info } }\n`
    const own = `pack: p\nversion: 1\nrules:\n${RULE}\n`
    expect(faultsOf(own, other)).toEqual([])
    expect(faultsOf(other)).toHaveLength(1)
    const rules = loadPacks([{ file: 'p.yaml', text: own }])
    expect(parsePack({ file: 'q.yaml', text: other }, { among: rules })).toMatchObject({
      faults: [],
      overrides: [{ file: 'q.yaml', line: 4, spec: { rule: 'cpu', tag: 't' } }],
    })
  })
})

describe('explaining', () => {
  const text = pack(`  - { rule: cpu, device: srv1, reason: build host, set: { threshold: { above: 99 } } }
  - { rule: cpu, client: demo, reason: all of them, set: { severity: info, threshold: { above: 95 }, for: 10m } }
  - { rule: cpu, tag: other, reason: not here, set: { severity: critical } }`)
  const rules = loadPacks([{ file: 'p.yaml', text }])

  it('says which overrides apply, in their order, and where each figure stands', () => {
    const [rule] = explainRules(rules, DEVICE)
    expect(rule?.selected).toEqual({ selector: 'device.os == "linux"', holds: true })
    expect(rule?.overrides.map(({ line, reason, scope }) => [line, reason, scope])).toEqual([
      [15, 'all of them', { client: 'demo' }],
      [14, 'build host', { device: 'srv1' }],
    ])
    const values = new Map(rule?.values.map((value) => [value.field, value]))
    expect(values.get('threshold.above')).toEqual({
      field: 'threshold.above',
      value: 99,
      from: 'override',
      file: 'p.yaml',
      line: 14,
      before: 90,
      reason: 'build host',
    })
    expect(values.get('threshold.clear')).toMatchObject({ value: 80, from: 'rule', line: 10 })
    expect(values.get('severity')).toMatchObject({ value: 'info', from: 'override', line: 15 })
    expect(values.get('keep')).toMatchObject({ value: '0s', from: 'default', line: null })
    expect(rule?.version).not.toBe(rules[0]?.version)
  })

  it('says that a rule is not meant for a device, and has no override there', () => {
    const [rule] = explainRules(rules, { ...DEVICE, os: 'windows' })
    expect(rule).toMatchObject({ selected: { holds: false }, overrides: [], version: rules[0]?.version })
  })
})
