import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { enrolDevice } from '../../../agent/enrol.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { agentCommand, type NodeCommand } from '../../../cli/start/agent-process.ts'
import { eventually, type Installation } from '../../support/installation.ts'
import { watchOutbox, type OutboxLedger } from './outbox-ledger.ts'

/** The client that all devices of this bench belong to. */
export const BENCH_CLIENT = 'bench'

const END_LIMIT_MS = 60_000

/** An agent process that is killed and started again. */
export type Victim = {
  name: string
  outbox: OutboxLedger
  start(): void
  /** kill -9, and until it is gone. */
  kill(): Promise<void>
  /** Asks it to end and waits; the answer is its exit code. */
  end(): Promise<number | null>
  /** What a failure is told with: does it run, what waits, and what it said last. */
  state(): string
}

/** Enrols a device of this bench; the answer is its folder. */
export async function enrolBench(vigia: Installation, name: string): Promise<string> {
  const dataDir = join(vigia.dataDir, '..', 'agents', name)
  const { token } = await vigia.server.call('createEnrolToken', { body: { client: BENCH_CLIENT } })
  await enrolDevice({
    serverUrl: vigia.url,
    token,
    dataDir,
    hostname: name,
    machineId: `${name} of the bench`,
  })
  return dataDir
}

/** The real agent, as `vigia start` runs it, with a report each second. */
export async function realAgent(vigia: Installation, name: string): Promise<Victim> {
  const dataDir = await enrolBench(vigia, name)
  const device = await deviceOf(vigia, name)
  await vigia.server.call('setPolicy', { params: { device }, body: { intervalS: 1 } })
  return victim({ vigia, name, device, dataDir, command: await agentCommand(dataDir) })
}

/** The agent's outbox and link with many reports a second. */
export async function loadAgent(vigia: Installation, name: string, perSecond: number): Promise<Victim> {
  const dataDir = await enrolBench(vigia, name)
  const main = join(import.meta.dirname, 'load-agent.ts')
  const command = { args: [main, '--data', dataDir, '--rate', String(perSecond)], env: {} }
  return victim({ vigia, name, device: await deviceOf(vigia, name), dataDir, command })
}

function victim(options: {
  vigia: Installation
  name: string
  device: string
  dataDir: string
  command: NodeCommand
}): Victim {
  const { vigia, name, device, dataDir, command } = options
  const words = join(vigia.dataDir, '..', 'words', name)
  let child: ChildProcess | undefined
  const ended = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(END_LIMIT_MS) })
    child.kill(signal)
    return ((await exit) as [number | null])[0]
  }
  const kept = join(vigia.dataDir, '..', 'kept', name)
  const outbox = watchOutbox(agentPaths(dataDir).outbox, kept, device)
  return {
    name,
    outbox,
    start() {
      mkdirSync(join(words, '..'), { recursive: true })
      const output = openSync(words, 'a')
      child = spawn(process.execPath, command.args, {
        stdio: ['ignore', 'ignore', output],
        env: { ...process.env, ...command.env },
      })
      closeSync(output)
    },
    async kill() {
      await ended('SIGKILL')
    },
    end: () =>
      ended('SIGTERM').catch((thrown: unknown) => {
        throw new Error(`${name} does not end`, { cause: thrown })
      }),
    state() {
      const said = existsSync(words) ? readFileSync(words, 'utf8').slice(-3000) : ''
      const runs = child?.exitCode === null && child.signalCode === null
      return `${name} ${runs ? 'runs' : 'has ended'}; ${outbox.waitingWords()}\n${said}`
    },
  }
}

async function deviceOf(vigia: Installation, hostname: string): Promise<string> {
  return eventually(`the device ${hostname}`, 10_000, async () => {
    const { devices } = await vigia.server.call('devices', { query: {} })
    return devices.find((device) => device.hostname === hostname)?.id
  })
}
