import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownJobObject } from '../windows/job-object.ts'

const GRACE_MS = 1500
const STEP_MS = 50

/**
 * Ends the shell with this pid and everything in its session (setsid(2)), jobs in the background too: by SIGHUP, as a
 * terminal that is closed does, then by SIGKILL. What made itself a session of its own, as a service does, stays.
 * On macOS only the shell's group is known; on Windows all that this process has started is ended by force. Resolves when
 * nothing is left that can be ended.
 */
export async function endGroup(pid: number): Promise<void> {
  if (process.platform === 'win32') {
    const job = ownJobObject()
    job.kill()
    const last = performance.now() + GRACE_MS
    while (job.processes().length > 0 && performance.now() < last) await sleep(STEP_MS)
    return
  }
  const members = (): number[] => (process.platform === 'linux' ? sessionOf(pid) : lives(-pid) ? [-pid] : [])
  for (const each of members()) signal(each, 'SIGHUP')
  const polite = performance.now() + GRACE_MS
  while (members().length > 0 && performance.now() < polite) await sleep(STEP_MS)
  for (const each of members()) signal(each, 'SIGKILL')
  const last = performance.now() + GRACE_MS
  while (members().length > 0 && performance.now() < last) await sleep(STEP_MS)
}

/** proc(5), stat: field 6 is the session; a process in state Z is over. */
function sessionOf(leader: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    const [state, , , session] = statOf(name)
    return session === String(leader) && state !== 'Z' && state !== 'X' ? [pid] : []
  })
}

function statOf(name: string): string[] {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch (thrown) {
    // Gone meanwhile.
    if (thrown instanceof Error && 'code' in thrown) return []
    throw thrown
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
  }
}
