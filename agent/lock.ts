import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { VigiaError } from '../contract/errors.ts'
import { runnerLives } from './act/ledger.ts'
import { startedAt } from './act/started-at.ts'

/**
 * Takes an agent's data directory for this process; DATA_IN_USE names the process that has it. A lock whose
 * process is gone is taken over.
 */
export function lockAgent(path: string): { release(): void } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const mine = { pid: process.pid, startTicks: startedAt(process.pid) }
  for (let attempt = 0; attempt < 3; attempt++) {
    let fd: number
    try {
      fd = openSync(path, 'wx', 0o600)
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST'))
        throw new VigiaError('DATA_UNREADABLE', `Cannot write ${path}: ${String(thrown)}`, { cause: thrown })
      const holder = readHolder(path)
      if (holder && holder.pid !== process.pid && runnerLives(holder))
        throw new VigiaError(
          'DATA_IN_USE',
          `${dirname(path)} is held by the agent with pid ${String(holder.pid)}`,
        )
      rmSync(path, { force: true })
      continue
    }
    writeSync(fd, JSON.stringify(mine))
    closeSync(fd)
    return { release: () => rmSync(path, { force: true }) }
  }
  throw new VigiaError('DATA_IN_USE', `${dirname(path)} is being taken by another agent at this moment`)
}

function readHolder(path: string): { pid: number; startTicks: string } | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('startTicks' in value))
      return undefined
    return { pid: Number(value.pid), startTicks: String(value.startTicks) }
  } catch (thrown) {
    // Torn or just removed: nobody that lives wrote it whole.
    if (thrown instanceof SyntaxError || (thrown instanceof Error && 'code' in thrown)) return undefined
    throw thrown
  }
}
