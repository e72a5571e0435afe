import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context } from '../command.ts'
import { createFollower, findIncident, followMended } from './follow.ts'
import { findSite, inLab, waitForSeries } from './site.ts'

const SERVICE = 'vigia-lab'

/** Kills a small real service of this machine and follows it until the rule sees it run again. Needs no root. */
export async function labServiceCrash(context: Context): Promise<void> {
  const site = findSite(context.dataDir)
  const program = [process.execPath, fileURLToPath(new URL('./lab-service.ts', import.meta.url))]
  const definition = join(site.agentDir, 'services.d', `${SERVICE}.json`)
  const pidFile = join(site.agentDir, `${SERVICE}.pid`)
  mkdirSync(join(site.agentDir, 'services.d'), { recursive: true })
  writeFileSync(definition, JSON.stringify({ name: SERVICE, pidFile, start: program }, null, 2))
  writeFileSync(pidFile, String(startService(program)))
  const label: [string, string] = ['service', SERVICE]
  const follower = createFollower(context.out)
  try {
    const found = await inLab(
      context,
      site,
      { collectorIntervalS: { service: 1 }, reason: 'vigia lab service-crash' },
      async () => {
        await waitForSeries(context, follower, site, 'service.up', label, (value) => value === 1)
        follower.note(`service ${SERVICE} runs as process ${readPid(pidFile)} and is watched`)
        const sinceMs = Date.now()
        const killed = readPid(pidFile)
        process.kill(killed, 'SIGKILL')
        follower.note(`fault: process ${killed} killed`)
        const mended = await followMended(context.server, follower, () =>
          findIncident(context.server, site.device, label, sinceMs),
        )
        follower.note(`service ${SERVICE} runs again, as process ${readPid(pidFile)}`)
        return mended
      },
    )
    context.out.print(
      { lab: 'service-crash', device: site.device, steps: follower.steps, ...found },
      () =>
        `Mended and verified in ${follower.steps.at(-1)?.seconds ?? 0} s. See it in the console, or: vigia incident ${found.incident.id}`,
    )
  } finally {
    stopService(pidFile)
    rmSync(definition, { force: true })
    rmSync(pidFile, { force: true })
  }
}

function startService(program: readonly string[]): number {
  const [command, ...args] = program
  const child = spawn(command ?? process.execPath, args, { detached: true, stdio: 'ignore' })
  child.unref()
  return child.pid ?? 0
}

function readPid(pidFile: string): number {
  return Number(readFileSync(pidFile, 'utf8').trim())
}

function stopService(pidFile: string): void {
  try {
    process.kill(readPid(pidFile), 'SIGTERM')
  } catch (error) {
    // Already gone, or never started: both are what we want.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'ENOENT')))
      throw error
  }
}
