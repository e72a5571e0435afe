import { readFileSync, writeFileSync } from 'node:fs'

/** The most resident memory of the processes of an installation over a time, in megabytes. */
export type Peaks = {
  serverBeforeMb: number
  /** Above what it had before. */
  serverPeakMb: number
  agentBeforeMb: number
  agentPeakMb: number
  runnerPeakMb: number
}

const EVERY_MS = 20

/** Watches server, agent and the runner of a job from now on; the answer ends it. */
export function watchPeaks(serverPid: number): () => Peaks {
  const agentPid = childOf(serverPid, '/agent/run.ts')
  if (agentPid === undefined) throw new Error('the server has no agent')
  for (const pid of [serverPid, agentPid]) resetPeak(pid)
  const before = { server: mb(serverPid, 'VmRSS'), agent: mb(agentPid, 'VmRSS') }
  let runnerPeakMb = 0
  const look = (): void => {
    const runner = childOf(agentPid, 'act/runner/runner.ts')
    if (runner !== undefined) runnerPeakMb = Math.max(runnerPeakMb, mb(runner, 'VmHWM'))
  }
  const timer = setInterval(look, EVERY_MS)
  return () => {
    clearInterval(timer)
    return {
      serverBeforeMb: before.server,
      serverPeakMb: mb(serverPid, 'VmHWM') - before.server,
      agentBeforeMb: before.agent,
      agentPeakMb: mb(agentPid, 'VmHWM'),
      runnerPeakMb,
    }
  }
}

/** proc(5), clear_refs: 5 makes the present resident size the new peak. */
function resetPeak(pid: number): void {
  writeFileSync(`/proc/${String(pid)}/clear_refs`, '5')
}

function mb(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const text = read(pid, 'status')
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024)
}

function childOf(parent: number, command: string): number | undefined {
  return read(parent, `task/${String(parent)}/children`)
    .split(' ')
    .map(Number)
    .find((pid) => pid > 0 && read(pid, 'cmdline').includes(command))
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8')
  } catch {
    // Gone meanwhile.
    return ''
  }
}
