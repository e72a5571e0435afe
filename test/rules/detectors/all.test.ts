import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { RuleSpec } from '../../../contract/rules.ts'
import { DETECTORS } from '../../../rules/detectors/all.ts'

it('lists each detector file once, under its own name, which is a field of a rule', () => {
  const files = readdirSync(new URL('../../../rules/detectors/', import.meta.url)).filter(
    (name) => name !== 'all.ts',
  )
  expect(DETECTORS.map(({ name }) => `${name}.ts`).toSorted()).toEqual(files.toSorted())
  for (const { name } of DETECTORS) expect(Object.keys(RuleSpec.shape)).toContain(name)
})
