import { expect, it } from 'vitest'
import { runTests } from '../../../rules/testing/run.ts'
import { rulesOf } from '../support.ts'

const rules = rulesOf('name: cpu\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90 }\nfor: 1m')

function run(test: string): string[] {
  const text = `tests:\n  - name: it\n    rule: cpu\n    series: [{ metric: cpu.used_percent, values: '10x3 95x4 10x3' }]\n${test}`
  const { results } = runTests(rules, { file: 't.yaml', text })
  return results.flatMap(({ faults }) =>
    faults.map(({ line, field, message }) => `${line} ${field}: ${message}`),
  )
}

it('passes what is true', () => {
  expect(
    run(
      "    expect: [{ at: 2m, state: pending }, { at: 3m, state: firing, cause: cpu|cpu.used_percent }, { at: 5m, state: inactive }]\n    incidents: [{ cause: 'cpu|cpu.used_percent', from: 3m, until: 270s }]",
    ),
  ).toEqual([])
})

it('fails loudly, with the line, for each thing that is not so', () => {
  expect(run('    expect: [{ at: 3m, state: inactive }]')).toEqual([
    '5 tests[0].expect[0].state: cpu is firing at 3m, expected inactive; it was pending at 2 min, firing at 3 min, resolved at 5 min',
  ])
  expect(run('    silent: true')).toEqual([
    expect.stringContaining('5 tests[0].silent: fires 3 min after the start: cpu.used_percent is 95 %'),
  ])
  expect(run('    incidents: []')).toEqual([expect.stringContaining('cpu|cpu.used_percent from 3 min')])
  expect(run('    expect: [{ at: 3m, state: firing, cause: other }]')).toEqual([
    expect.stringContaining('the cause is cpu|cpu.used_percent, expected other'),
  ])
  expect(
    run('    expect: [{ at: 3m, state: firing, remedy: { name: clear-temp, parameters: {} } }]'),
  ).toEqual([expect.stringContaining('the remedy is {}')])
  expect(run('    expect: [{ at: 3m, state: firing, forecastWithin: [1m, 2m] }]')).toEqual([
    expect.stringContaining('there is no forecast'),
  ])
  expect(run('')).toEqual(['2 tests[0]: the test expects nothing'])
})

it('fails for rules that do not exist and series that cannot be read', () => {
  const { results } = runTests(rules, {
    file: 't.yaml',
    text: "tests:\n  - { name: a, rule: nope, series: [{ metric: cpu.used_percent, values: '1' }], silent: true }\n  - { name: b, rule: cpu, series: [{ metric: cpu.used_percent, values: 'x' }], silent: true }\n",
  })
  expect(results.flatMap(({ faults }) => faults.map(({ message }) => message))).toEqual([
    'no rule is named nope',
    'not in the series notation: x',
  ])
})

it('fails for a metric or label that nothing reports: the rule would never see it', () => {
  const series = (text: string): string => `series: [{ metric: ${text}, values: '10x3' }]`
  const { results } = runTests(rules, {
    file: 't.yaml',
    text: `tests:
  - { name: a, rule: cpu, ${series('cpu.used_percen')}, silent: true }
  - name: b
    rule: cpu
    ${series('device.report')}
    peers: [{ count: 1, ${series('disk.used_percent, labels: { moun: / }')} }]
    silent: true
`,
  })
  expect(results.flatMap(({ faults }) => faults)).toEqual([
    expect.objectContaining({
      field: 'tests[0].series[0].metric',
      message: 'unknown metric cpu.used_percen; did you mean cpu.used_percent?',
    }),
    expect.objectContaining({
      line: 6,
      message: 'unknown label moun: disk.used_percent has the labels mount, fs',
    }),
  ])
})

it('fails for rules without tests', () => {
  const { faults } = runTests(rules, {
    file: 't.yaml',
    text: "tests:\n  - { name: a, rule: cpu, series: [{ metric: cpu.used_percent, values: '1' }], silent: true }\n",
  })
  expect(faults.map(({ message }) => message)).toEqual([
    'cpu has no test in which it fires, and none in which it resolves',
  ])
})
