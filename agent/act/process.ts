import { spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants as fsConstants, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'

/** How the process of a script ended. */
export type ProcessEnd = {
  outcome: 'exited' | 'timeout' | 'cancelled'
  exitCode: number | null
  signal: string | null
  durationMs: number
}

export type RunningScript = {
  ended: Promise<ProcessEnd>
  /** Ends the whole tree: politely first, by force after the grace. */
  cancel(graceMs?: number): void
}

type Interpreter = { file: string; arguments: readonly string[]; extension: string }

const UNIX_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const GRACE_MS = 5000
const NICE = 5
/** A daemon that the script leaves behind may hold the pipes open; the output ends this long after the script. */
const LINGER_MS = 1000

/** The program that runs a script; SCRIPT_UNSUPPORTED when this machine does not have it. */
export function findInterpreter(name: ScriptContent['interpreter']): Interpreter {
  const windows = process.platform === 'win32'
  const row: Interpreter = {
    sh: { file: 'sh', arguments: [], extension: 'sh' },
    bash: { file: 'bash', arguments: ['--noprofile', '--norc'], extension: 'sh' },
    python3: { file: windows ? 'python' : 'python3', arguments: ['-I'], extension: 'py' },
    node: { file: process.execPath, arguments: [], extension: 'js' },
    powershell: {
      file: windows ? 'powershell.exe' : 'pwsh',
      arguments: ['-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File'],
      extension: 'ps1',
    },
    batch: { file: 'cmd.exe', arguments: ['/d', '/c'], extension: 'cmd' },
  }[name]
  if (isAbsolute(row.file)) return row
  const folders = (windows ? (process.env['PATH'] ?? '') : UNIX_PATH).split(delimiter)
  const file = folders.map((folder) => join(folder, row.file)).find(isExecutable)
  if (file === undefined)
    throw new VigiaError('SCRIPT_UNSUPPORTED', `This device has no ${row.file} to run the script with`)
  return { ...row, file }
}

/**
 * Runs a script: its body as a private file, its values only in a clean environment, in a process group of its own
 * and at low priority. The whole tree is ended when its time is up or when it is cancelled.
 */
export function runScript(options: {
  script: ScriptContent
  interpreter: Interpreter
  values: ParameterValues
  job: string
  dataDir: string
  workDir: string
  onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void
}): RunningScript {
  const { script, interpreter, job, workDir } = options
  mkdirSync(workDir, { recursive: true, mode: 0o700 })
  const file = join(workDir, `script.${interpreter.extension}`)
  writeFileSync(file, script.body, { mode: 0o600 })
  const startedMs = performance.now()
  // The script inherits it. A daemon that the script restarts keeps it, so it is a little below normal and no lower.
  setPriority(NICE)
  const child = spawn(interpreter.file, [...interpreter.arguments, file], {
    cwd: workDir,
    env: environmentOf(options),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  child.stdout.on('data', (chunk: Buffer) => options.onOutput('stdout', chunk))
  child.stderr.on('data', (chunk: Buffer) => options.onOutput('stderr', chunk))

  let outcome: ProcessEnd['outcome'] = 'exited'
  let force: NodeJS.Timeout | undefined
  const stop = (why: 'timeout' | 'cancelled', graceMs: number): void => {
    if (outcome !== 'exited') return
    outcome = why
    killTree(child, job, 'SIGTERM')
    force = setTimeout(() => killTree(child, job, 'SIGKILL'), graceMs)
  }
  const limit = setTimeout(() => stop('timeout', GRACE_MS), script.timeoutS * 1000)

  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once('error', (thrown) => {
      clearTimeout(limit)
      reject(new VigiaError('SCRIPT_UNSUPPORTED', thrown.message, { cause: thrown }))
    })
    child.once('exit', (exitCode, signal) => {
      clearTimeout(limit)
      const durationMs = performance.now() - startedMs
      const linger = setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, LINGER_MS)
      const finish = (): void => {
        clearTimeout(linger)
        resolve({ outcome, exitCode, signal, durationMs })
      }
      const closed = Promise.all([child.stdout, child.stderr].map(whenClosed))
      if (outcome === 'exited') {
        void closed.then(finish)
        return
      }
      const late = setTimeout(sweep, GRACE_MS)
      void closed.then(sweep)
      // The leader is gone; what it left behind of its tree goes now.
      function sweep(): void {
        clearTimeout(late)
        clearTimeout(force)
        killTree(child, job, 'SIGKILL')
        finish()
      }
    })
  }).finally(() => rmSync(workDir, { recursive: true, force: true }))

  return { ended, cancel: (graceMs = GRACE_MS) => stop('cancelled', graceMs) }
}

function environmentOf(options: {
  values: ParameterValues
  job: string
  dataDir: string
  workDir: string
}): Record<string, string> {
  const own = process.env
  const inherited: Record<string, string> =
    process.platform === 'win32'
      ? Object.fromEntries(
          ['SystemRoot', 'SystemDrive', 'Path', 'PATHEXT', 'TEMP', 'TMP', 'ProgramData', 'ProgramFiles'].map(
            (name) => [name, own[name] ?? ''],
          ),
        )
      : { PATH: UNIX_PATH, HOME: own['HOME'] ?? '/', LANG: 'C.UTF-8' }
  return {
    ...inherited,
    VIGIA_AGENT_DATA: options.dataDir,
    VIGIA_NODE: process.execPath,
    VIGIA_JOB: options.job,
    ...Object.fromEntries(
      Object.entries(options.values).map(([name, value]) => [
        `VIGIA_PARAM_${name.toUpperCase()}`,
        String(value),
      ]),
    ),
  }
}

/** The group, and on Linux also what left the group but descends from it or carries the job in its environment. */
function killTree(child: ChildProcess, job: string, signal: NodeJS.Signals): void {
  const { pid } = child
  if (pid === undefined) return
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(pid), '/T', ...(signal === 'SIGKILL' ? ['/F'] : [])], {
      stdio: 'ignore',
      windowsHide: true,
    }).on('error', () => child.kill())
    return
  }
  const others = process.platform === 'linux' ? strays(pid, job) : []
  send(-pid, signal)
  for (const each of others) send(each, signal)
}

function strays(leader: number, job: string): number[] {
  const marker = `VIGIA_JOB=${job}`
  const parents = new Map<number, number>()
  const marked = new Set<number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const stat = readProc(pid, 'stat')
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0))
    if (readProc(pid, 'environ').split('\0').includes(marker)) marked.add(pid)
  }
  const descends = (pid: number): boolean => {
    for (let at = parents.get(pid) ?? 0, steps = 0; at > 1 && steps < 100; at = parents.get(at) ?? 0, steps++)
      if (at === leader) return true
    return false
  }
  return [...parents.keys()].filter((pid) => marked.has(pid) || descends(pid))
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'latin1')
  } catch (thrown) {
    // Gone meanwhile, or another user's.
    if (thrown instanceof Error && 'code' in thrown) return ''
    throw thrown
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (thrown) {
    if (!(
      thrown instanceof Error &&
      'code' in thrown &&
      (thrown.code === 'ESRCH' || thrown.code === 'EPERM')
    ))
      throw thrown
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, fsConstants.X_OK)
    return true
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return false
    throw thrown
  }
}

function whenClosed(stream: Readable): Promise<void> {
  if (stream.closed) return Promise.resolve()
  return new Promise((resolve) => {
    stream.once('close', () => resolve())
  })
}
