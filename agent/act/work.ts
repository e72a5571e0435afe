import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const PREFIX = 'work-'

/** The private folder in which the script of a job lies while it runs, and where it is started. */
export function workFolder(jobsDir: string, job: string): string {
  return join(jobsDir, `${PREFIX}${job}`)
}

/**
 * Takes the folder of a job away, where that can be done: on Windows not as long as a process that the script left behind
 * stands in it. Then sweepWork does it later.
 */
export function removeWork(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 })
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
  }
}

/** Takes the folders away that jobs left behind which do not run any more, as far as that can be done now. */
export function sweepWork(jobsDir: string, runs: (job: string) => boolean): void {
  if (!existsSync(jobsDir)) return
  for (const name of readdirSync(jobsDir))
    if (name.startsWith(PREFIX) && !runs(name.slice(PREFIX.length))) removeWork(join(jobsDir, name))
}
