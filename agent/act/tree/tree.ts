import { groupTree } from './group.ts'
import { linuxTree } from './linux.ts'
import type { Member } from './member.ts'
import { windowsTree } from './windows.ts'

/** The processes of one job, as far as the system lets them be known. */
export type Tree = {
  /** Those that live now; zombies do not. */
  members(): Member[]
  /** Resident kilobytes of all together, shared pages counted once where the system tells; never more than the sum. */
  residentKb(members: readonly Member[]): number
  /** Asks every process to end. */
  terminate(): void
  /** Ends every process by force, also those that are being born. */
  kill(): void
  /** Lets what is left live on: a daemon that a script started is no script, and loses its limits and low priority. */
  free(members: readonly Member[]): void
}

/**
 * Before a script is started: answers with what knows its tree once it has a leader, which leads a process group of its
 * own. On Linux also what left the group, the session and its parents: whatever descends from it, or carries the job in
 * its environment or its limits. On Windows whatever was started since, whoever started it. Throws SCRIPT_UNSUPPORTED.
 */
export function prepareTree(options: { job: string; mostProcesses: number }): (leader: number) => Tree {
  if (process.platform === 'win32') return windowsTree(options.mostProcesses)
  return (leader) => (process.platform === 'linux' ? linuxTree(leader, options.job) : groupTree(leader))
}

/** What is left of a job whose runner is gone: the same tree, known by the job alone. */
export function createOrphanTree(job: string): Tree | undefined {
  return process.platform === 'linux' ? linuxTree(0, job) : undefined
}
