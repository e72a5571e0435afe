import { expect, it } from 'vitest'
import { PRIORITIES } from '../../../contract/incident.ts'
import { IMPACTS, SEVERITIES } from '../../../contract/rules.ts'
import { priorityOf } from '../../../server/incident/priority.ts'

it('follows the matrix of ITIL 4', () => {
  const table = IMPACTS.map((impact) => SEVERITIES.map((severity) => priorityOf(impact, severity)))
  expect(table).toEqual([
    ['P4', 'P4', 'P3'],
    ['P4', 'P3', 'P2'],
    ['P3', 'P2', 'P1'],
  ])
})

it('never falls when impact or severity rises', () => {
  const rank = (i: number, s: number) => PRIORITIES.indexOf(priorityOf(IMPACTS[i]!, SEVERITIES[s]!))
  for (let i = 0; i < 3; i++)
    for (let s = 0; s < 3; s++) {
      if (i > 0) expect(rank(i, s)).toBeLessThanOrEqual(rank(i - 1, s))
      if (s > 0) expect(rank(i, s)).toBeLessThanOrEqual(rank(i, s - 1))
    }
})
