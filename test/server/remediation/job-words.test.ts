import { describe, expect, it } from 'vitest'
import type { JobResult } from '../../../contract/command.ts'
import { eventOf } from '../../../server/remediation/job-rows.ts'

const RESULT: JobResult = {
  boot: 'b',
  seq: 1,
  job: '00000000-0000-4000-8000-000000000000',
  timeMs: 1,
  outcome: 'exited',
  code: null,
  message: null,
  exitCode: null,
  durationMs: 1,
  stdoutBytes: 0,
  stderrBytes: 0,
  stdout: '',
  stderr: '',
  fields: {},
  transcript: [],
}

describe('why a job ended', () => {
  it.each<[string, Partial<JobResult>]>([
    ['exit code 7', { exitCode: 7 }],
    [
      'exit code 0; 1 process of it left running',
      { exitCode: 0, message: 'exit code 0; 1 process of it left running' },
    ],
    ['SCRIPT_LIMIT: too much memory', { code: 'SCRIPT_LIMIT', message: 'too much memory' }],
    [
      'SCRIPT_TIMEOUT: longer than 5 s',
      { outcome: 'timeout', code: 'SCRIPT_TIMEOUT', message: 'longer than 5 s' },
    ],
    [
      'COMMAND_DISABLED: switched off',
      { outcome: 'refused', code: 'COMMAND_DISABLED', message: 'switched off' },
    ],
    [
      'JOB_UNKNOWN: nobody wrote it down',
      { outcome: 'unknown', code: 'JOB_UNKNOWN', message: 'nobody wrote it down' },
    ],
    ['cancelled by the server', { outcome: 'cancelled', message: 'cancelled by the server' }],
  ])('is told with its code, where it has one: %s', (why, part) => {
    expect(eventOf({ ...RESULT, ...part }, [0])).toMatchObject({ why })
  })
})
