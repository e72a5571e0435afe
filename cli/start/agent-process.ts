import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { PROJECT_DIR } from '../paths.ts'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000
/** A run this long counts as well: the next wait starts short again. */
const STEADY_MS = 60_000
const STOP_LIMIT_MS = 10_000

/** A child that is kept alive: started again when it ends, after a wait that doubles. */
export type KeptProcess = { pid(): number | undefined; stop(): Promise<void> }

/** How a child is started: what follows `node`, and what its environment has beside ours. */
export type NodeCommand = { args: readonly string[]; env: Readonly<Record<string, string>> }

/** Keeps the command running until `stop`, which asks with SIGTERM and insists with SIGKILL after 10 s. */
export function keepRunning({ args, env }: NodeCommand, onEnd: (text: string) => void): KeptProcess {
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let stopping = false
  let waitMs = FIRST_WAIT_MS

  const start = (): void => {
    const startedAt = performance.now()
    const started = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    })
    child = started
    started.on('error', (error) => onEnd(`cannot be started: ${error.message}`))
    started.on('exit', (code, signal) => {
      if (stopping) return
      waitMs =
        performance.now() - startedAt > STEADY_MS ? FIRST_WAIT_MS : Math.min(waitMs * 2, LONGEST_WAIT_MS)
      onEnd(`ended with ${signal ?? `exit code ${code}`}; starting again in ${Math.round(waitMs / 1000)} s`)
      timer = setTimeout(start, waitMs)
    })
  }
  start()
  return {
    pid: () => child?.pid,
    async stop() {
      stopping = true
      clearTimeout(timer)
      const running = child
      if (!running || running.exitCode !== null || running.signalCode !== null) return
      const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
      running.kill('SIGTERM')
      const insist = setTimeout(() => running.kill('SIGKILL'), STOP_LIMIT_MS)
      await ended
      clearTimeout(insist)
    },
  }
}

/** How the agent of a folder is started, and from which level on it logs. It ends with this process, however that ends. */
export async function agentCommand(agentDir: string, logLevel = 'info'): Promise<NodeCommand> {
  const { AGENT_NODE_FLAGS, AGENT_NODE_ENVIRONMENT } = await import('../../agent/node-flags.ts')
  return {
    args: [
      ...AGENT_NODE_FLAGS,
      join(PROJECT_DIR, 'agent/main.ts'),
      '--data',
      agentDir,
      '--log-level',
      logLevel,
      '--parent',
      String(process.pid),
    ],
    env: AGENT_NODE_ENVIRONMENT,
  }
}

/** Runs the agent in the foreground until it ends; signals go on to it. Answers its exit code. */
export async function runAgentProcess(agentDir: string, logLevel = 'info'): Promise<number> {
  const { args, env } = await agentCommand(agentDir, logLevel)
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
