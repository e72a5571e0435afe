import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createInstallation, eventually } from '../support/installation.ts'

const TICKS_PER_SECOND = 100
const LIMIT_MS = 60_000

/**
 * Seconds from the start of the agent's process (field 22 of /proc/PID/stat) until GET /api/devices shows this machine
 * online with a memory and a CPU value. Each round is an installation of its own from nothing; `seconds` is the worst.
 */
export async function run(args: string[]): Promise<{ seconds: number; median: number; rounds: number }> {
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '3' } } })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number over 0')
  const all: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const seconds = await oneRound()
    all.push(seconds)
    process.stderr.write(`round ${round}: ${seconds.toFixed(2)} s\n`)
  }
  const sorted = all.toSorted((a, b) => a - b)
  return { seconds: sorted.at(-1) ?? NaN, median: sorted[Math.floor(rounds / 2)] ?? NaN, rounds }
}

async function oneRound(): Promise<number> {
  const vigia = await createInstallation()
  try {
    await vigia.start()
    return await eventually('the first device with values', LIMIT_MS, async () => {
      const { devices } = await vigia.server.call('devices', { query: {} })
      const first = devices[0]
      if (first?.online !== true || first.headline.memoryPercent === null) return undefined
      if (first.headline.cpuPercent === null) return undefined
      return Math.round(100 * ageOfAgent(join(vigia.dataDir, 'agent', 'agent.lock'))) / 100
    })
  } finally {
    await vigia.remove()
  }
}

/** How long the agent that holds the lock has been running, in seconds. */
function ageOfAgent(lock: string): number {
  const { startTicks } = JSON.parse(readFileSync(lock, 'utf8')) as { startTicks: string }
  const uptimeS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  return uptimeS - Number(startTicks) / TICKS_PER_SECOND
}
