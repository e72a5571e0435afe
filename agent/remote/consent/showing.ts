import { spawn } from 'node:child_process'
import type { RemoteKind } from '../../../contract/remote/policy.ts'

/** What the person at the machine is shown of a session. */
export type ConsentRequest = {
  technician: string
  reason: string
  kind: RemoteKind
  control: boolean
  /** Six digits that the technician sees too and reads out. */
  code: string
}

/** How a program ended: its code (null: by a signal) and what it said. */
export type ShowingEnd = { code: number | null; stdout: string; stderr: string }

/**
 * What an end says: `failed` is that of no person, as of a program that crashed or lost its display; `unseen` is that of
 * one which never showed a window.
 */
export type ShowingAnswer = 'yes' | 'no' | 'failed' | 'unseen'

/** A program that shows a window to the person, and how its end is read. */
export type Showing = {
  file: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  /** Whose process it is, where the agent is root. */
  uid?: number
  gid?: number
  answer(end: ShowingEnd): ShowingAnswer | Promise<ShowingAnswer>
}

/** `ask` is a question with a yes and a no; `notice` stands until its one button is pressed. */
export type Shown = ConsentRequest & { what: 'ask' | 'notice'; timeoutS: number }

/** How one system shows something: programs in the order to try them; none when nobody is there. */
export type Way = (shown: Shown) => Promise<Showing[]>

const MOST_OUTPUT = 10_000

/** Shows it until it ends or the signal comes, which is a no. */
export function show(showing: Showing, signal: AbortSignal): Promise<ShowingAnswer> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve('no')
      return
    }
    const child = spawn(showing.file, showing.args, {
      env: showing.env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...(showing.uid === undefined ? {} : { uid: showing.uid }),
      ...(showing.gid === undefined ? {} : { gid: showing.gid }),
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk: Buffer) => {
        said[name] = (said[name] + chunk.toString()).slice(0, MOST_OUTPUT)
      })
    const stop = (): void => void child.kill('SIGTERM')
    signal.addEventListener('abort', stop)
    child.once('error', () => finish('unseen'))
    child.once('close', (code) => {
      if (signal.aborted) finish('no')
      else void Promise.resolve(showing.answer({ code, ...said })).then(finish, () => finish('failed'))
    })
    function finish(answer: ShowingAnswer): void {
      signal.removeEventListener('abort', stop)
      resolve(answer)
    }
  })
}
