import { describe, expect, it } from 'vitest'
import type { JobView } from '../../../contract/incident.ts'
import { endText, exitCodeOf } from '../../../cli/work/follow.ts'

const job = (state: JobView['state'], reason: string | null, exitCode: number | null = null) =>
  ({ id: 'J', script: 's', scriptVersion: 2, state, reason, exitCode }) as JobView

const FREES = { exitCodes: { '0': 'Freed' }, successCodes: [0] }

describe('the end of a job that was followed', () => {
  it.each([
    [0, job('succeeded', 'exit code 0', 0)],
    [7, job('failed', 'exit code 7', 7)],
    [1, job('failed', 'SCRIPT_LIMIT: too much')],
    [3, job('refused', 'COMMAND_DISABLED: Commands are switched off on this device')],
    [2, job('refused', 'SCRIPT_UNSUPPORTED: not made for this system')],
    [3, job('refused', 'words without a code')],
    [3, job('refused', null)],
  ])('is exit code %i, by the code of a refusal', (code, ended) => {
    expect(exitCodeOf(ended)).toBe(code)
  })

  it.each([
    ['Job J (s@2): succeeded, exit code 0 (Freed)', job('succeeded', 'exit code 0', 0)],
    [
      'Job J (s@2): succeeded, exit code 0 (Freed), 1 process of it left running',
      job('succeeded', 'exit code 0; 1 process of it left running', 0),
    ],
    ['Job J (s@2): failed, exit code 7', job('failed', 'exit code 7', 7)],
    ['Job J (s@2): failed, SCRIPT_LIMIT: too much', job('failed', 'SCRIPT_LIMIT: too much')],
    ['Job J (s@2): succeeded', job('succeeded', null)],
    [
      'Job J (s@2): succeeded, without changes, exit code 0',
      { ...job('succeeded', 'exit code 0', 0), dryRun: true },
    ],
  ])('is one line that says nothing twice: %s', (text, ended) => {
    expect(endText(ended, FREES)).toBe(text)
  })
})
