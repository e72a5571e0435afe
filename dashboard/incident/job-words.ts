import type { en } from '../language/en.ts'
import type { JobState } from '../../contract/command.ts'

export type { JobState }

/** The states of a job that have words of their own; the type holds the list to the contract. */
export const JOB_WORDS: readonly (JobState & keyof typeof en.job)[] = [
  'pending',
  'sent',
  'running',
  'succeeded',
  'verified',
  'failed',
  'refused',
  'cancelled',
  'expired',
  'unknown',
]
