import { spawn, type ChildProcess } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentPaths } from '../../../agent/paths.ts'
import { TrustRoot } from '../../../contract/trust/root.ts'

/** A folder in which points are armed (agent/failpoint.ts, server/observe/failpoint.ts). */
export type Trap = {
  folder: string
  arm(point: string): void
  /** Takes back what was armed and not hit. */
  disarm(point: string): void
  /** Did a process die there? Forgets it. */
  sprung(point: string): boolean
}

export function createTrap(folder: string): Trap {
  mkdirSync(folder, { recursive: true })
  const place = (point: string): string => join(folder, point)
  return {
    folder,
    arm: (point) => writeFileSync(place(point), ''),
    disarm: (point) => rmSync(place(point), { force: true }),
    sprung(point) {
      if (!existsSync(`${place(point)}.hit`)) return false
      rmSync(`${place(point)}.hit`)
      return true
    },
  }
}

/** An agent of the bench: started again as soon as it has died. */
export type Victim = {
  device: string
  trap: Trap
  start(): void
  /** kill -9 of the agent alone. */
  kill(): void
  /** As if the machine had lost its power: agent, runners and scripts at the same moment. */
  cutPower(): void
  stop(): Promise<void>
  said(): string
}

const MAIN = join(import.meta.dirname, 'agent.ts')
const RESTART_MS = 50

/** An agent on the folder of an enrolled device. */
export function createVictim(dataDir: string): Victim {
  const trap = createTrap(join(dataDir, '..', `${dataDir.split('/').at(-1)}-trap`))
  const words = join(dataDir, '..', `${dataDir.split('/').at(-1)}.log`)
  const { device } = JSON.parse(readFileSync(agentPaths(dataDir).config, 'utf8')) as { device: string }
  allowMany(agentPaths(dataDir).trust)
  let child: ChildProcess | undefined
  let stopping = false

  const start = (): void => {
    const log = openSync(words, 'a')
    child = spawn(process.execPath, ['--max-old-space-size=96', MAIN, dataDir], {
      stdio: ['ignore', 'ignore', log],
      env: { ...process.env, VIGIA_TEST_FAILPOINTS: trap.folder },
    })
    closeSync(log)
    child.once('exit', () => {
      if (!stopping) setTimeout(start, RESTART_MS)
    })
  }
  return {
    device,
    trap,
    start,
    kill: () => void child?.kill('SIGKILL'),
    cutPower() {
      for (const pid of processesOf([
        `VIGIA_TEST_FAILPOINTS=${trap.folder}`,
        `VIGIA_AGENT_DATA=${dataDir}`,
      ])) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // Gone meanwhile.
        }
      }
    },
    async stop() {
      stopping = true
      for (let tries = 0; child?.exitCode === null && child.signalCode === null && tries < 200; tries++) {
        child.kill('SIGTERM')
        await sleep(100)
      }
      child?.kill('SIGKILL')
    },
    said: () => (existsSync(words) ? readFileSync(words, 'utf8').slice(-3000) : ''),
  }
}

/** The limits of a stolen key are not what is tried here: a device of the bench takes as many orders as come. */
function allowMany(path: string): void {
  const root = TrustRoot.parse(JSON.parse(readFileSync(path, 'utf8')))
  writeFileSync(path, JSON.stringify({ ...root, limits: { perHour: 10_000, perScriptPerHour: 10_000 } }))
}

function processesOf(markers: readonly string[]): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid) || pid === process.pid) return false
      try {
        const names = readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0')
        return markers.some((marker) => names.includes(marker))
      } catch {
        return false
      }
    })
}
