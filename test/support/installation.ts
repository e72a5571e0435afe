import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectLocal, type ServerApi } from '../../cli/server-api.ts'
import { ROOT } from './sources.ts'

export const BIN = join(ROOT, 'bin/vigia.js')
const START_LIMIT_MS = 60_000

/** What a run of the command line gave. */
export type CliRun = { code: number; stdout: string; stderr: string }

/** A whole Vigía as a newcomer has it: server and agent of this machine, started by the command line in a folder of its own. */
export type Installation = {
  readonly dataDir: string
  readonly url: string
  readonly server: ServerApi
  readonly env: NodeJS.ProcessEnv
  /** Everything that the process has printed so far. */
  output(): string
  pid(): number
  /** Runs `vigia ARGS` against it. */
  vigia(...args: string[]): CliRun
  start(): Promise<void>
  /** Ends the process with the signal and waits until it is gone; the answer is its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** Stops it and takes its folder away. */
  remove(): Promise<void>
}

/** Makes an installation on spare ports; nothing runs before `start`. */
export async function createInstallation(
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-flow-'))
  // The embedded PostgreSQL runs as another user when we are root: it must be able to get to its folder.
  chmodSync(folder, 0o755)
  const dataDir = join(folder, 'data')
  const [httpPort, mqttPort] = [await sparePort(), await sparePort()]
  const url = `http://127.0.0.1:${httpPort}`
  // A shell of the agent reads no start files of whoever runs the tests: they may wait for anything.
  const home = join(folder, 'home')
  mkdirSync(home)
  const own = { VIGIA_DATA: dataDir, VIGIA_KEYS: join(folder, 'keys'), HOME: home }
  const env = { ...process.env, ...own, ...options.env }
  const server = connectLocal({ url, dataDir })
  let child: ChildProcess | undefined
  let ended: Promise<number | null> = Promise.resolve(null)
  let text = ''

  const installation: Installation = {
    dataDir,
    url,
    server,
    env,
    output: () => text,
    pid: () => child?.pid ?? 0,
    vigia(...args) {
      const run = spawnSync(process.execPath, [BIN, ...args, '--server', url], {
        env,
        encoding: 'utf8',
        timeout: 120_000,
        cwd: folder,
      })
      return { code: run.status ?? -1, stdout: run.stdout, stderr: run.stderr }
    },
    async start() {
      const started = spawn(
        process.execPath,
        [
          BIN,
          'start',
          '--http-port',
          String(httpPort),
          '--mqtt-port',
          String(mqttPort),
          ...(options.args ?? []),
        ],
        { env, stdio: ['ignore', 'pipe', 'pipe'] },
      )
      child = started
      ended = new Promise((resolve) => started.once('exit', (code) => resolve(code)))
      started.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
      started.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
      const deadline = performance.now() + START_LIMIT_MS
      while (performance.now() < deadline) {
        if (started.exitCode !== null || started.signalCode !== null)
          throw new Error(`vigia start ended with ${started.exitCode ?? started.signalCode}:\n${text}`)
        if (await answers(url)) return
        await sleep(50)
      }
      throw new Error(`vigia start did not answer within ${START_LIMIT_MS} ms:\n${text}`)
    },
    async stop(signal = 'SIGTERM') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return ended
      child.kill(signal)
      return ended
    },
    async remove() {
      await installation.stop()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return installation
}

/** A TCP port of the loopback that nobody has at this moment. */
export async function sparePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Asks until there is an answer; fails with what was waited for when the time is over. */
export async function eventually<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + limitMs
  let last: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline)
      throw new Error(
        `${what} did not come within ${limitMs} ms${last instanceof Error ? `: ${last.message}` : ''}`,
      )
    await sleep(100)
  }
}

/** The link of the set-up, which is printed some moments after the server answers. */
export function setUpLink(site: Installation): Promise<string> {
  return eventually(
    'the link of the set-up',
    20_000,
    async () => /http:\S+\/setup#token=\S+/.exec(site.output())?.[0],
  )
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).ok
  } catch {
    // Not there yet.
    return false
  }
}
