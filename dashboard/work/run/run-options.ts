/** How a run goes, as the form has it. */
export type RunOptions = {
  waves: string
  concurrency: number
  stopFailures: number
  stopPercent: number
  offline: 'wait' | 'skip'
  expiresHours: number
  dryRun: boolean
}

/** The same as the contract's own defaults (contract/run.ts), which the page does not load since it would bring zod. */
export const DEFAULT_RUN: RunOptions = {
  waves: '1, 1%, 10%, 100%',
  concurrency: 50,
  stopFailures: 3,
  stopPercent: 10,
  offline: 'wait',
  expiresHours: 1,
  dryRun: false,
}
