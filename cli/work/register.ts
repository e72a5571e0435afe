import type { Command } from 'commander'
import { registerArticles } from './articles.ts'
import { registerJobs } from './jobs.ts'
import { registerRun } from './run.ts'
import { registerRuns } from './runs.ts'
import { registerScripts } from './scripts.ts'
import { registerSecret } from './secret.ts'
import { registerSwitch } from './switch.ts'
import { registerViews } from './views.ts'

/** `vigia run`, `runs`, `job`, `jobs`, `cancel`, `commands`, `views`, `secret`, `scripts`, `articles`. */
export function registerWork(program: Command): void {
  registerSwitch(program)
  registerRun(program)
  registerJobs(program)
  registerRuns(program)
  registerViews(program)
  registerSecret(program)
  registerScripts(program)
  registerArticles(program)
}
