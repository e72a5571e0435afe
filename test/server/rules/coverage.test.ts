import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { CoverageRow } from '../../../contract/coverage.ts'
import { createCoverage } from '../../../server/rules/coverage.ts'

const row = (rule: string, state: CoverageRow['state']): CoverageRow => ({
  ...{ rule, ruleVersion: '1', client: 'acme', state, why: `${rule} is ${state}`, next: '' },
  ...{ device: 'd-aaaaaaaaaaaaaaaa', matched: 0, evaluated: 0, newestMs: null, series: [] },
})

function count(rows: CoverageRow[], devices = 1) {
  const fail = (error: unknown): void => expect.unreachable(String(error))
  const source = {
    clock: () => 1000,
    rules: () => ['works', 'silent', 'shipped-for-others', 'own-for-nobody'],
    unselected: (rule: string) => (rule === 'own-for-nobody' ? 'No device is one where false.' : undefined),
    devices: () => (devices === 0 ? [] : [{ client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }]),
    rows: () => rows,
  }
  return createCoverage(source, new Registry(), fail).refresh()
}

it('says which rules cannot fire: evaluated nowhere, or of ones own and meant for no device', async () => {
  const { cannotFire, counts } = await count([row('works', 'evaluated'), row('silent', 'unavailable')])
  expect(cannotFire).toEqual([
    { rule: 'silent', state: 'unavailable', devices: 1, why: 'silent is unavailable' },
    { rule: 'own-for-nobody', state: 'no-device', devices: 0, why: 'No device is one where false.' },
  ])
  expect(counts).toMatchObject({ evaluated: 1, unavailable: 1, 'no-series': 0 })
})

it('says nothing of that while there is no device at all', async () => {
  expect((await count([], 0)).cannotFire).toEqual([])
})
