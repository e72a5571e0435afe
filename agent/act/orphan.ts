import { readLedger, runnerLives } from './ledger.ts'
import { createOrphanTree } from './tree/tree.ts'
import { removeWork, workFolder } from './work.ts'

/** Ends a job whose runner was started by an agent before this one; false where there is none such that still runs. */
export function cancelOrphan(jobsDir: string, job: string): boolean {
  const entry = readLedger(jobsDir).find((each) => each.job === job && !each.finished)
  if (!entry || !runnerLives(entry)) return false
  process.kill(entry.pid, 'SIGTERM')
  return true
}

/** Ends what a job left running whose runner is gone and told no end, and takes its folder away. */
export function clearOrphan(jobsDir: string, job: string): void {
  createOrphanTree(job)?.kill()
  removeWork(workFolder(jobsDir, job))
}
