import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { JobResult } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'
import { failpoint } from '../failpoint.ts'
import { writeWhole } from '../outbox/layouts.ts'
import { diskFault, syncDirectory } from '../outbox/writer.ts'
import type { Moment } from './moment.ts'
import { startedAt } from './started-at.ts'

/** What became of a job, without the place that it gets in the outbox. */
export type JobEnd = Omit<JobResult, 'boot' | 'seq'>

/**
 * One job that was started on this device. `startTicks` tells its runner from a later process of the same pid; `boot` and
 * `runningMs` say when in the life of the machine that was, whatever its clock is set to (moment.ts).
 */
export type LedgerEntry = {
  job: string
  sequence: number
  scriptDigest: string
  startedAtMs: number
  boot: string
  runningMs: number
  pid: number
  startTicks: string
  finished: boolean
}

const NAME = /^([0-9a-f-]{36})\.json$/
const KEPT = 500
/** The start of the machine in an entry that does not say it; no machine's is called so. */
const UNKNOWN = 'unknown'
/** Orders of this time are counted against the limits of the trust root, and not forgotten before. */
const COUNTED_MS = 3_600_000

/** Every job that this device has started, the oldest first. A file that cannot be read counts as a started job. */
export function readLedger(dir: string): LedgerEntry[] {
  if (!existsSync(dir)) return []
  const entries = readdirSync(dir).flatMap((name) => {
    const job = NAME.exec(name)?.[1]
    return job === undefined ? [] : [readEntry(dir, job)]
  })
  return entries.sort((a, b) => a.sequence - b.sequence)
}

/**
 * Writes that a job is about to run, on the disk before this returns. Throws COMMAND_REPLAYED when the job stands
 * there already (the file is created, never overwritten) and DISK_FULL when it cannot be written.
 */
export function writeStarted(dir: string, entry: LedgerEntry): void {
  const path = entryPath(dir, entry.job)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  let fd: number
  try {
    fd = openSync(path, 'wx', 0o600)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')
      throw new VigiaError('COMMAND_REPLAYED', 'The job was started before', { cause: thrown })
    throw diskFault(path, thrown)
  }
  try {
    failpoint('runner-started-created')
    writeSync(fd, JSON.stringify(entry))
    fsyncSync(fd)
    syncDirectory(dir)
  } catch (thrown) {
    rmSync(path, { force: true })
    throw diskFault(path, thrown)
  } finally {
    closeSync(fd)
  }
}

/** Keeps the end of a job on the disk until the agent has handed it to the outbox. */
export function writeEnd(dir: string, end: JobEnd): void {
  writeWhole(endPath(dir, end.job), JSON.stringify(end))
  syncDirectory(dir)
}

/** The end of a job that waits to be handed to the outbox. */
export function readEnd(dir: string, job: string): JobEnd | undefined {
  try {
    return JSON.parse(readFileSync(endPath(dir, job), 'utf8')) as JobEnd
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    throw thrown
  }
}

/** The end of a job is safe in the outbox: the job stays in the ledger, so that it never runs again. */
export function markFinished(dir: string, job: string, now: Moment): void {
  writeWhole(entryPath(dir, job), JSON.stringify({ ...readEntry(dir, job), finished: true }))
  rmSync(endPath(dir, job), { force: true })
  const finished = readLedger(dir).filter((entry) => entry.finished)
  // The newest stay: the sequence of the last keeps all those before from coming again.
  for (const old of finished.slice(0, Math.max(0, finished.length - KEPT)))
    if (!isRecent(old, now)) rmSync(entryPath(dir, old.job), { force: true })
}

/**
 * The orders that were accepted within an hour: by the clock on the wall, ahead of it as well, or by how long the machine
 * has run since, which nobody sets.
 */
export function recentOrders(ledger: readonly LedgerEntry[], now: Moment): LedgerEntry[] {
  return ledger.filter((entry) => isRecent(entry, now))
}

function isRecent({ startedAtMs, boot, runningMs }: LedgerEntry, now: Moment): boolean {
  const sinceMs = now.runningMs - runningMs
  return (
    Math.abs(startedAtMs - now.nowMs) < COUNTED_MS ||
    (boot === now.boot && sinceMs >= 0 && sinceMs < COUNTED_MS)
  )
}

/** Whether the job was ever started here. */
export function isInLedger(dir: string, job: string): boolean {
  return existsSync(entryPath(dir, job))
}

/** Whether the process that ran the job is still the same one and alive. */
export function runnerLives(entry: Pick<LedgerEntry, 'pid' | 'startTicks'>): boolean {
  if (entry.pid <= 0) return false
  try {
    process.kill(entry.pid, 0)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM')) return false
  }
  return startedAt(entry.pid) === entry.startTicks
}

function readEntry(dir: string, job: string): LedgerEntry {
  try {
    return { ...unreadable(job), ...(JSON.parse(readFileSync(entryPath(dir, job), 'utf8')) as LedgerEntry) }
  } catch (thrown) {
    // Torn by a power cut just before the process would have run: it may have run all the same.
    if (thrown instanceof SyntaxError) return unreadable(job)
    throw thrown
  }
}

function unreadable(job: string): LedgerEntry {
  return {
    job,
    sequence: 0,
    scriptDigest: '',
    startedAtMs: 0,
    boot: UNKNOWN,
    runningMs: 0,
    pid: 0,
    startTicks: '',
    finished: false,
  }
}

function entryPath(dir: string, job: string): string {
  return join(dir, `${job}.json`)
}

function endPath(dir: string, job: string): string {
  return join(dir, `${job}.end`)
}
