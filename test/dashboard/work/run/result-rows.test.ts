import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../../../contract/run.ts'
import { fieldsOf, groupsOf, passing, sorted } from '../../../../dashboard/work/run/result-rows.ts'

function row(hostname: string, over: Partial<RunResult> = {}): RunResult {
  const place = { device: `d-${hostname}`, client: 'acme', hostname, wave: 0, job: null }
  return { ...place, state: 'succeeded', reason: null, exitCode: 0, tookMs: 10, fields: {}, ...over }
}
const rows = [
  row('one', { fields: { free: '9.5', os: 'Debian 12' } }),
  row('two', { exitCode: 5, state: 'failed', reason: 'nothing is old enough', fields: { free: '10.25' } }),
  row('three', { exitCode: null, state: 'expired', client: 'beta', fields: {} }),
  row('four', { exitCode: 5, state: 'failed', fields: { free: '-3', os: 'Debian 13' } }),
]
const names = (found: readonly RunResult[]): string[] => found.map(({ hostname }) => hostname)
const all = { state: '', text: '', group: null }

describe('the results of a run', () => {
  it('are filtered by state, by words anywhere in them, and by a group', () => {
    expect(names(passing(rows, { ...all, state: 'failed' }))).toEqual(['two', 'four'])
    expect(names(passing(rows, { ...all, text: 'DEBIAN one' }))).toEqual(['one'])
    expect(names(passing(rows, { ...all, text: 'old enough' }))).toEqual(['two'])
    expect(names(passing(rows, { ...all, group: { key: 'exit', value: '5' } }))).toEqual(['two', 'four'])
    expect(names(passing(rows, { ...all, group: { key: 'field:os', value: '' } }))).toEqual(['two', 'three'])
  })

  it('are grouped by exit code and by what the script told, the largest group first', () => {
    expect(groupsOf(rows, 'exit').map(({ value, count }) => [value, count])).toEqual([
      ['5', 2],
      ['', 1],
      ['0', 1],
    ])
    expect(fieldsOf(rows)).toEqual(['free', 'os'])
    expect(groupsOf(rows, 'field:os')[0]).toEqual({ value: '', count: 2 })
  })

  it('are sorted by size where figures stand, and those without a value come last both ways', () => {
    expect(names(sorted(rows, 'field:free', false))).toEqual(['four', 'one', 'two', 'three'])
    expect(names(sorted(rows, 'field:free', true))).toEqual(['two', 'one', 'four', 'three'])
    expect(names(sorted(rows, 'device', false))).toEqual(['four', 'one', 'three', 'two'])
  })
})
