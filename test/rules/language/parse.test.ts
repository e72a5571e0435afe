import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { causeOf, remedyFor } from '../../../rules/language/compiled.ts'
import { loadPacks, parsePack } from '../../../rules/language/parse.ts'

const GOOD = `pack: mine
version: 1
rules:
  - name: disk
    title: { en: Disk, es: Disco }
    owner: desk
    severity: warning
    signal: { metric: disk.used_percent, where: { fs: '~ext4|xfs' } }
    threshold: { above: 90, clear: 80 }
    for: 10m
    cause: 'disk-full:{{labels.mount}}'
    runbook: Clear it.
    remedy:
      name: clear-temp
      parameters: { mount: '{{labels.mount}}' }
`

function faultsOf(text: string): string[] {
  return parsePack({ file: 'p.yaml', text }).faults.map(
    ({ file, line, column, field, message }) => `${file}:${line}:${column} ${field ?? '-'}: ${message}`,
  )
}

/** The pack with one line replaced. */
function changed(from: string, to: string): string {
  expect(GOOD).toContain(from)
  return GOOD.replace(from, to)
}

it('compiles a rule: detector, times, matchers, templates, version', () => {
  const [rule] = loadPacks([{ file: 'p.yaml', text: GOOD }])
  expect(rule).toMatchObject({
    pack: 'mine',
    file: 'p.yaml',
    forMs: 600_000,
    keepMs: 0,
    detector: { name: 'threshold' },
  })
  const unit = 'percent'
  expect(rule!.watches({ metric: 'disk.used_percent', labels: { mount: '/', fs: 'xfs' }, unit })).toBe(true)
  expect(rule!.watches({ metric: 'disk.used_percent', labels: { mount: '/', fs: 'ext4x' }, unit })).toBe(
    false,
  )
  expect(rule!.watches({ metric: 'disk.free_bytes', labels: { mount: '/', fs: 'xfs' }, unit })).toBe(false)
  const labels = { mount: '/srv', fs: 'xfs' }
  expect(causeOf(rule!, labels)).toBe('disk-full:/srv')
  expect(remedyFor(rule!, labels)).toEqual({
    name: 'clear-temp',
    parameters: { mount: '/srv' },
    attemptsPerHour: 2,
    verifyWithinMs: 600_000,
  })
})

it('versions a rule by its content, not by its writing', () => {
  const version = (text: string): string => loadPacks([{ file: 'p.yaml', text }])[0]!.version
  expect(version(GOOD)).toMatch(/^[0-9a-f]{12}$/)
  expect(version(changed('{ above: 90, clear: 80 }', '{ clear: 80.0, above: 90 } # the same'))).toBe(
    version(GOOD),
  )
  expect(version(changed('above: 90', 'above: 91'))).not.toBe(version(GOOD))
})

it('tells all faults of a rule at once, also where the schema refuses it', () => {
  const text = GOOD.replace('severity: warning', 'severity: grave')
    .replace('disk.used_percent', 'disk.usedpercent')
    .replace('clear: 80', 'clear: 95')
    .replace('name: clear-temp', 'name: clear-tmp')
  expect(faultsOf(text)).toEqual([
    expect.stringContaining('p.yaml:7:15 rules[0].severity'),
    expect.stringContaining('p.yaml:8:23 rules[0].signal.metric: unknown metric'),
    expect.stringContaining('p.yaml:9:36 rules[0].threshold.clear'),
    expect.stringContaining('p.yaml:14:13 rules[0].remedy.name: unknown remedy'),
  ])
})

it('wants inhibitors to be there in packs of ones own only', () => {
  const text = GOOD.replace('    for: 10m', '    inhibitedBy: [{ rule: dsik }]')
  expect(loadPacks([{ file: 'p.yaml', text }])).toHaveLength(1)
  expect(parsePack({ file: 'p.yaml', text }, { own: new Set(['p.yaml']) }).faults).toMatchObject([
    { line: 10, column: 27, message: 'no rule is named dsik; did you mean disk?' },
  ])
})

describe('faults, each with file, line, column and field', () => {
  it.each([
    [
      'unknown metric',
      'disk.used_percent',
      'disk.usedpercent',
      'p.yaml:8:23 rules[0].signal.metric: unknown metric disk.usedpercent; did you mean disk.used_percent?',
    ],
    [
      'unknown label',
      "where: { fs: '~ext4|xfs' }",
      'where: { mnt: / }',
      'p.yaml:8:51 rules[0].signal.where.mnt: unknown label mnt: disk.used_percent has the labels mount, fs',
    ],
    [
      'bad duration',
      'for: 10m',
      'for: ten minutes',
      'p.yaml:10:10 rules[0].for: a number and ms, s, m, h or d',
    ],
    [
      'bad selector',
      'for: 10m',
      'selector: device.os = "linux"',
      'p.yaml:10:25 rules[0].selector: Unexpected character: = (character 11 of the selector)',
    ],
    [
      'unknown field of a device',
      'for: 10m',
      'selector: \'device.osx == "a"\'',
      'p.yaml:10:23 rules[0].selector: No such key: osx (character 8 of the selector)',
    ],
    [
      'unknown remedy',
      'name: clear-temp',
      'name: clean-temp',
      'p.yaml:14:13 rules[0].remedy.name: unknown remedy clean-temp; did you mean clear-temp?',
    ],
    [
      'unknown parameter',
      "{ mount: '{{labels.mount}}' }",
      "{ mount: '{{labels.mount}}', age: 7 }",
      'p.yaml:15:48 rules[0].remedy.parameters.age: clear-temp has no parameter age',
    ],
    [
      'missing parameter',
      "{ mount: '{{labels.mount}}' }",
      '{}',
      'p.yaml:15:19 rules[0].remedy.parameters: clear-temp needs the parameter mount',
    ],
    [
      'unknown label in a template',
      'disk-full:{{labels.mount}}',
      'disk-full:{{labels.disk}}',
      'p.yaml:11:12 rules[0].cause: unknown label disk: disk.used_percent has the labels mount, fs',
    ],
    [
      'logic in a template',
      'disk-full:{{labels.mount}}',
      'disk-full:{{mount | upper}}',
      'p.yaml:11:12 rules[0].cause: {{mount | upper}} is no template: only {{labels.NAME}} is',
    ],
    [
      'contradiction',
      'clear: 80',
      'clear: 95',
      'p.yaml:9:36 rules[0].threshold.clear: must not be over above (90)',
    ],
    ['unknown field', 'for: 10m', 'fore: 10m', 'p.yaml:10:5 rules[0].fore: unknown field fore'],
    [
      'two detectors',
      'for: 10m',
      'absence: { after: 5m }',
      'p.yaml:9:16 rules[0].threshold: exactly one detector, not threshold and absence',
    ],
    ['missing field', '    owner: desk\n', '', 'p.yaml:4:5 rules[0].owner: is missing'],
    [
      'zero time',
      'threshold: { above: 90, clear: 80 }',
      'absence: { after: 0s }',
      'p.yaml:9:23 rules[0].absence.after: must be more than zero',
    ],
    [
      'value of a heartbeat',
      "metric: disk.used_percent, where: { fs: '~ext4|xfs' }",
      'metric: device.report',
      'p.yaml:8:23 rules[0].signal.metric: device.report carries no value: only absence may watch it',
    ],
  ])('%s', (_name, from, to, fault) => {
    expect(faultsOf(changed(from, to))).toContain(fault)
  })

  it('bad regular expression', () => {
    expect(faultsOf(changed('~ext4|xfs', '~ext4('))).toEqual([
      expect.stringContaining('p.yaml:8:55 rules[0].signal.where.fs: Invalid regular expression'),
    ])
  })

  it('YAML that does not parse, and a key that stands twice', () => {
    for (const fault of faultsOf('pack: [1\nversion')) expect(fault).toMatch(/^p\.yaml:2:1 -: /)
    expect(faultsOf('pack: x\nversion: *one\n')).toEqual([
      expect.stringMatching(/^p\.yaml:2:10 -: Unresolved alias/),
    ])
    expect(faultsOf(changed('    owner: desk\n', '    owner: desk\n    owner: other\n'))).toEqual([
      expect.stringMatching(/^p\.yaml:7:5 -: Map keys must be unique/),
    ])
  })

  it('names that stand twice, within a pack and over packs', () => {
    const body = GOOD.slice(GOOD.indexOf('  - name'))
    expect(faultsOf(GOOD + body)).toEqual(['p.yaml:16:11 rules[1].name: a second rule named disk'])
    const load = (): unknown =>
      loadPacks([
        { file: 'a.yaml', text: GOOD },
        { file: 'b.yaml', text: GOOD },
      ])
    expect(load).toThrow(
      expect.objectContaining({
        faults: [
          expect.objectContaining({
            file: 'b.yaml',
            line: 4,
            message: 'a rule named disk stands in a.yaml already',
          }),
        ],
      }),
    )
  })

  it('all of all files at once, and nothing applied', () => {
    const bad = changed('disk.used_percent', 'disk.usage')
      .replace('for: 10m', 'for: soon')
      .replace('severity: warning', 'severity: bad')
    const worse = GOOD.replace('name: disk', 'name: Disk Full')
    try {
      loadPacks([
        { file: 'good.yaml', text: GOOD },
        { file: 'bad.yaml', text: bad },
        { file: 'worse.yaml', text: worse },
      ])
      expect.unreachable()
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(VigiaError)
      const { code, message, faults } = thrown as VigiaError
      expect([code, message]).toEqual(['RULES_INVALID', '4 faults in 2 files'])
      expect(faults.map(({ file, line }) => `${file}:${line}`)).toEqual([
        'bad.yaml:7',
        'bad.yaml:8',
        'bad.yaml:10',
        'worse.yaml:4',
      ])
    }
  })

  it('of the schema in one rule do not hide those of another', () => {
    const body = GOOD.slice(GOOD.indexOf('  - name'))
      .replace('name: disk', 'name: disk-two')
      .replace('clear-temp', 'nothing')
    expect(faultsOf(changed('for: 10m', 'for: soon') + body).map((fault) => fault.split(' ')[0])).toEqual([
      'p.yaml:10:10',
      'p.yaml:26:13',
    ])
  })
})

it('answers any text with faults that have a place, or with rules', () => {
  const pieces = fc.constantFrom(
    ...GOOD.split('\n'),
    '{{',
    '- ',
    '  ',
    'x: [',
    '*a',
    '&a 1',
    '\t',
    '? ',
    '!!binary x',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 25 }), (lines) => {
      const { rules, faults } = parsePack({ file: 'p.yaml', text: lines.join('\n') })
      if (faults.length > 0) expect(rules).toEqual([])
      for (const fault of faults) {
        expect(fault.line).toBeGreaterThan(0)
        expect(fault.column).toBeGreaterThan(0)
      }
    }),
    { numRuns: 300 },
  )
})
