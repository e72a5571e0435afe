import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ParameterValues, ScriptContent } from '../../../contract/command.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { environmentOf } from './environment.ts'
import { scriptFile, type Interpreter } from './interpreter.ts'
import type { Stream } from './kept.ts'
import { coreMark } from '../tree/linux.ts'
import type { Tree } from '../tree/shape.ts'
import { prepareTree } from '../tree/tree.ts'
import { watchLimits } from './watch.ts'
import { removeWork } from '../work.ts'

/** How the process of a script ended. */
export type ProcessEnd = {
  outcome: 'exited' | 'timeout' | 'cancelled'
  exitCode: number | null
  signal: string | null
  durationMs: number
  /** Which limit it passed, in words, where that is why it ended. */
  limit: string | null
  /** Processes that could not be ended. */
  left: number
  /** Processes that it left behind at an end of its own, and that live on. */
  daemons: number
}

export type RunningScript = {
  pid: number
  ended: Promise<ProcessEnd>
  /** Ends the whole tree: politely first, by force after the grace. */
  cancel(graceMs?: number): void
}

const GRACE_MS = 5000
const NICE = 5
/** A daemon that the script leaves behind may hold the pipes open; the output ends this long after the script. */
const LINGER_MS = 1000
/** A process that does not go even by force (in a call of the kernel that does not return) is waited for so long. */
const GIVE_UP_MS = 10_000
const LEFT_EVERY_MS = 50
const LEFT_LOOKS = 40
/** What sh(1) says of a process that wrote a larger file than it may: 128 and the number of SIGXFSZ. */
const FILE_TOO_LARGE_EXIT = 153

type Stopping = { why: 'timeout' | 'cancelled' | 'limit'; limit: string | null }

/**
 * Runs a script: its body as a private file, its values and secrets only in a clean environment, in a process group of
 * its own and at low priority. The whole tree is ended when its time is up, when it is cancelled, and when it passes a
 * limit. What it leaves behind at an end of its own lives on, freed from the limits.
 */
export function runScript(options: {
  script: ScriptContent
  interpreter: Interpreter
  values: ParameterValues
  secrets: Record<string, string>
  dryRun: boolean
  job: string
  dataDir: string
  workDir: string
  onOutput: (stream: Stream, chunk: Buffer) => void
  outputBytes: () => number
  floodBytes?: number
}): RunningScript {
  const { script, interpreter, job, workDir } = options
  mkdirSync(workDir, { recursive: true, mode: 0o700 })
  const name = `script.${interpreter.extension}`
  writeFileSync(join(workDir, name), scriptFile(script.body, script.interpreter), { mode: 0o600 })
  const treeOf = prepareTree({ job, mostProcesses: script.limits.processes })
  const startedMs = performance.now()
  // The script inherits it. A daemon that the script restarts keeps it, so it is a little below normal and no lower.
  setPriority(NICE)
  const [file, ...rest] = commandLine(
    interpreter,
    { workDir, name },
    { writtenMb: script.limits.writtenMb, mark: coreMark(job) },
  )
  const child = spawn(file, rest, {
    cwd: workDir,
    env: environmentOf(options),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  child.stdout.on('data', (chunk: Buffer) => options.onOutput('stdout', chunk))
  child.stderr.on('data', (chunk: Buffer) => options.onOutput('stderr', chunk))
  const { pid } = child
  if (pid === undefined) {
    const ended = new Promise<ProcessEnd>((_, reject) => {
      child.once('error', (thrown) =>
        reject(new VigiaError('SCRIPT_UNSUPPORTED', thrown.message, { cause: thrown })),
      )
    }).finally(() => removeWork(workDir))
    return { pid: 0, ended, cancel: () => undefined }
  }

  const tree = treeOf(pid)
  let stopping: Stopping | undefined
  let force: NodeJS.Timeout | undefined
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<null>()
  const kill = (): void => {
    clearTimeout(force)
    tree.kill()
    force = setTimeout(() => giveUp(null), GIVE_UP_MS)
  }
  let forceAtMs = Infinity
  let over = false
  const stop = (why: Stopping['why'], graceMs: number, limit: string | null = null): void => {
    if (over) return
    // Whoever asks later may shorten the grace, and changes nothing else.
    const atMs = performance.now() + graceMs
    if (stopping !== undefined && atMs >= forceAtMs) return
    if (stopping === undefined && graceMs > 0) tree.terminate()
    stopping ??= { why, limit }
    forceAtMs = atMs
    clearTimeout(force)
    if (graceMs > 0) force = setTimeout(kill, graceMs)
    else kill()
  }
  const timeLimit = setTimeout(() => stop('timeout', GRACE_MS), script.timeoutS * 1000)
  const watch = watchLimits({
    limits: script.limits,
    tree,
    folder: options.dataDir,
    outputBytes: options.outputBytes,
    ...(options.floodBytes === undefined ? {} : { floodBytes: options.floodBytes }),
    onLimit: (words) => stop('limit', 0, words),
  })

  const exited = new Promise<{ exitCode: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
  const end = async (): Promise<ProcessEnd> => {
    const exit = await Promise.race([exited, gaveUp])
    clearTimeout(timeLimit)
    const durationMs = performance.now() - startedMs
    const closed = Promise.all([child.stdout, child.stderr].map(whenClosed))
    over = stopping === undefined
    if (over) {
      await Promise.race([closed, sleep(LINGER_MS, undefined, { ref: false })])
    } else {
      // The leader is gone; what it left behind of its tree goes now, as soon as it has told its last.
      if (exit !== null) {
        const graceMs = Math.max(0, forceAtMs - performance.now())
        await Promise.race([closed, sleep(graceMs, undefined, { ref: false })])
      }
      tree.kill()
    }
    const left = stopping === undefined ? 0 : await untilGone(tree)
    watch.stop()
    clearTimeout(force)
    child.stdout.destroy()
    child.stderr.destroy()
    const daemons = stopping === undefined ? letGo(tree) : 0
    const { why, limit } = stopping ?? { why: 'exited' as const, limit: null }
    const tooLarge = exit?.signal === 'SIGXFSZ' || exit?.exitCode === FILE_TOO_LARGE_EXIT
    return {
      outcome: why === 'limit' ? 'exited' : why,
      exitCode: exit?.exitCode ?? null,
      signal: exit?.signal ?? null,
      durationMs,
      limit:
        limit === null && tooLarge && !script.successCodes.includes(FILE_TOO_LARGE_EXIT)
          ? `written: a file of more than ${String(script.limits.writtenMb)} MB`
          : limit,
      left,
      daemons,
    }
  }
  // A folder that cannot go yet is no fault of the script: the agent takes it away when it starts again.
  const ended = end().finally(() => removeWork(workDir))
  return { pid, ended, cancel: (graceMs = GRACE_MS) => stop('cancelled', graceMs) }
}

/**
 * On Unix a shell sets the limit that the system itself holds a script to, and then becomes the interpreter. POSIX
 * ulimit -f counts 512 bytes; no core files, since a dump holds secrets.
 */
function commandLine(
  { file, arguments: before }: Interpreter,
  { workDir, name }: { workDir: string; name: string },
  { writtenMb, mark }: { writtenMb: number; mark: number },
): [string, ...string[]] {
  // Relative for cmd.exe, whose rules of quoting a folder's name could break.
  if (process.platform === 'win32')
    return [file, ...before, file.toLowerCase().endsWith('cmd.exe') ? name : join(workDir, name)]
  const limits = [
    'ulimit -S -c 0',
    // Where the system lets it go no higher, the job is known by its other marks alone.
    `ulimit -H -c ${String(mark)} 2>/dev/null || :`,
    `ulimit -S -f ${String(writtenMb * 2048)}`,
  ]
  const limited = `${limits.join('; ')}; exec "$@"`
  return ['/bin/sh', '-c', limited, 'vigia', file, ...before, join(workDir, name)]
}

/** How many processes are still there after a while; each look ends those that it finds. */
async function untilGone(tree: Tree): Promise<number> {
  for (let look = 0; ; look++) {
    const left = tree.members().length
    if (left === 0 || look >= LEFT_LOOKS) return left
    tree.kill()
    await sleep(LEFT_EVERY_MS)
  }
}

/** Frees what the script left running; answers how many there are. */
function letGo(tree: Tree): number {
  const daemons = tree.members()
  tree.free(daemons)
  return daemons.length
}

function whenClosed(stream: Readable): Promise<void> {
  if (stream.closed) return Promise.resolve()
  return new Promise((resolve) => {
    stream.once('close', () => resolve())
  })
}
