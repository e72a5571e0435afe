import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { VigiaError } from '../contract/errors.ts'

const Holder = z.object({
  pid: z.number().int(),
  startTicks: z.string(),
  host: z.string(),
  since: z.string(),
})

/**
 * Takes the data directory for this process, or throws DATA_IN_USE naming the process that has it. A lock left by
 * a process that is gone (its pid is free, or belongs to a later process) is taken over.
 */
export function lockDataDirectory(dataDir: string, nowMs: number): { release(): void } {
  try {
    // Under root the embedded PostgreSQL runs as another user, who must be able to pass.
    mkdirSync(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  } catch (error) {
    throw new VigiaError('DATA_UNREADABLE', `Cannot make the data directory ${dataDir}: ${String(error)}`, {
      cause: error,
    })
  }
  const path = join(dataDir, 'vigia.lock')
  const mine = {
    pid: process.pid,
    startTicks: startTicks(process.pid) ?? '',
    host: hostname(),
    since: new Date(nowMs).toISOString(),
  }
  for (let attempt = 0; attempt < 3; attempt++) {
    const file = openNew(path, dataDir)
    if (file !== undefined) {
      writeSync(file, JSON.stringify(mine))
      fsyncSync(file)
      closeSync(file)
      return { release: () => rmSync(path, { force: true }) }
    }
    const holder = readHolder(path)
    if (holder && isAlive(holder)) {
      throw new VigiaError(
        'DATA_IN_USE',
        `The data directory ${dataDir} is held by process ${holder.pid} on ${holder.host}, since ${holder.since}.`,
      )
    }
    rmSync(path, { force: true })
  }
  throw new VigiaError(
    'DATA_IN_USE',
    `The data directory ${dataDir} is being taken by another process at this moment.`,
  )
}

function openNew(path: string, dataDir: string): number | undefined {
  try {
    return openSync(path, 'wx', 0o644)
  } catch (error) {
    if (isCode(error, 'EEXIST')) return undefined
    throw new VigiaError(
      'DATA_UNREADABLE',
      `Cannot write in the data directory ${dataDir}: ${String(error)}`,
      { cause: error },
    )
  }
}

function readHolder(path: string): z.infer<typeof Holder> | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    // Torn or gone: nobody that lives wrote it whole.
    return undefined
  }
}

function isAlive(holder: z.infer<typeof Holder>): boolean {
  if (holder.pid === process.pid) return false
  const ticks = startTicks(holder.pid)
  if (ticks !== undefined) return ticks === holder.startTicks
  if (process.platform === 'linux') return false
  try {
    process.kill(holder.pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

/** Field 22 of /proc/PID/stat (proc(5)): when the process started, in clock ticks; tells a reused pid from the old one. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    // No such process, or no /proc here.
    return undefined
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
