import { groupTree } from './group.ts'
import { linuxTree } from './linux.ts'
import type { Tree } from './shape.ts'
import { windowsTree } from './windows.ts'

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
