import { setPriority } from 'node:os'

/** A live process of a job. Resident kilobytes, shared pages counted in each process. */
export type Member = { pid: number; residentKb: number }

/** Resident kilobytes of all, shared pages counted in each. */
export function sum(members: readonly Member[]): number {
  return members.reduce((all, { residentKb }) => all + residentKb, 0)
}

/** Sends a signal to a process, which may be gone or another user's. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (thrown) {
    const gone =
      thrown instanceof Error && 'code' in thrown && ['ESRCH', 'EPERM'].includes(String(thrown.code))
    if (!gone) throw thrown
  }
}

/** Takes the low priority of a script off a process, and whatever `more` takes off. */
export function freed(pid: number, more: () => void = () => undefined): void {
  try {
    setPriority(pid, 0)
    more()
  } catch {
    // Gone meanwhile, or this agent may not: it goes on as it is.
  }
}
