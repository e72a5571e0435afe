import { expect, it } from 'vitest'
import { exitMeaning } from '../../contract/exit-meaning.ts'

it('is what the script says; of a dry run that went well nothing, since nothing was done', () => {
  const script = { successCodes: [0, 4], exitCodes: { '0': 'Freed', '4': 'Freed some', '2': 'Refused' } }
  expect(exitMeaning(script, { exitCode: 0 })).toBe('Freed')
  expect(exitMeaning(script, { exitCode: 2, dryRun: true })).toBe('Refused')
  for (const exitCode of [0, 4]) expect(exitMeaning(script, { exitCode, dryRun: true })).toBeUndefined()
  for (const exitCode of [7, null]) expect(exitMeaning(script, { exitCode })).toBeUndefined()
})
