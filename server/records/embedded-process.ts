import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { VigiaError } from '../../contract/errors.ts'
import type { Place } from './embedded-place.ts'

const START_LIMIT_MS = 30_000
const FAST_STOP_MS = 20_000
const POLL_MS = 10
/** One segment of PostgreSQL's log: with less it stops sooner or later, and does not start. */
const LEAST_FREE_BYTES = 16 * 1024 * 1024

/**
 * Starts PostgreSQL and ends it with SIGINT (fast shutdown) as soon as standard input ends: when the server closes
 * it, and also when the server is killed, since the system then closes it. It stands in a session of its own, so
 * that Ctrl-C in a terminal ends the server first. Its exit code is PostgreSQL's.
 */
const SUPERVISOR = `
trap '' HUP INT QUIT TERM
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
( while read -r _ <&3; do :; done; kill -INT "$child" ) &
watcher=$!
exec 3<&-
wait "$child"
code=$?
kill -KILL "$watcher"
exit "$code"
`

/** A running PostgreSQL. `exited` settles with its code; `stop` ends it and waits. */
export type ServerProcess = { exited: Promise<number | null>; stop(): Promise<void> }

/** The environment of PostgreSQL's programs: nothing of ours, above all no PGDATA or PGPORT. */
export const PROGRAM_ENVIRONMENT = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' }

/** Starts PostgreSQL at its place and waits until it accepts connections. Throws RECORDS_UNAVAILABLE with its last words. */
export async function startProcess(place: Place, settings: readonly string[]): Promise<ServerProcess> {
  const database = join(place.directory, 'db')
  await endOrphan(database)
  const before = readPidFile(database)
  const log = join(place.directory, 'postgres.log')
  if (existsSync(log)) renameSync(log, `${log}.1`)
  const output = openSync(log, 'w', 0o600)
  const command = [join(place.bin, 'postgres'), '-D', database, ...settings.flatMap((each) => ['-c', each])]
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'vigia-postgres', ...command], {
    ...place.account,
    cwd: '/',
    env: PROGRAM_ENVIRONMENT,
    detached: true,
    stdio: ['pipe', output, output],
  })
  closeSync(output)
  // The pipe breaks when the supervisor ends first; `exited` says so.
  child.stdin?.on('error', () => undefined)
  let failure: Error | undefined
  let ended = false
  const exited = new Promise<number | null>((resolve) => {
    const end = (code: number | null): void => {
      ended = true
      resolve(code)
    }
    child.once('exit', end)
    child.once('error', (error) => {
      failure = error
      end(null)
    })
  })

  const deadline = performance.now() + START_LIMIT_MS
  for (;;) {
    const now = readPidFile(database)
    if (now !== undefined && now.text !== before?.text && now.ready && !ended)
      return { exited, stop: () => stop(database, exited, () => child.stdin?.end()) }
    if (ended || performance.now() > deadline) {
      child.stdin?.end()
      const full = fullDisk(place.directory)
      if (full !== undefined)
        throw new VigiaError('DISK_FULL', `PostgreSQL did not start: ${full}. ${tailOf(log)}`)
      throw new VigiaError(
        'RECORDS_UNAVAILABLE',
        `PostgreSQL did not start${failure ? ` (${failure.message})` : ''}: ${tailOf(log)}`,
      )
    }
    await sleep(POLL_MS)
  }
}

/** Says how little room a directory's disk has, when it is too little for PostgreSQL; undefined when it is enough. */
export function fullDisk(directory: string): string | undefined {
  const { bavail, bsize } = statfsSync(directory)
  const free = bavail * bsize
  if (free >= LEAST_FREE_BYTES) return undefined
  return `the disk of ${directory} has ${(free / 1024 / 1024).toFixed(0)} MB free`
}

/** The last lines that PostgreSQL wrote, in one line. */
export function tailOf(log: string): string {
  if (!existsSync(log)) return 'it wrote no log'
  const lines = readFileSync(log, 'utf8').trim().split('\n').slice(-8)
  return lines.join(' | ').slice(-1500) || 'it wrote nothing to its log'
}

async function stop(database: string, exited: Promise<unknown>, ask: () => void): Promise<void> {
  ask()
  const pid = readPidFile(database)?.pid
  const ended = await Promise.race([exited.then(() => true), sleep(FAST_STOP_MS, false, { ref: false })])
  if (ended || pid === undefined) return
  // Immediate shutdown: what is committed stays, the next start recovers from the log.
  process.kill(pid, 'SIGQUIT')
  await exited
}

/**
 * Ends a PostgreSQL that still holds the directory though its server is gone (the caller holds the lock of the
 * data directory, so nobody alive uses it), and takes away a pid file whose number belongs to another process now.
 */
async function endOrphan(database: string): Promise<void> {
  const left = readPidFile(database)
  if (left === undefined) return
  if (!isProgramOf(left.pid, database)) {
    // PostgreSQL itself sees that a pid is gone, but takes any living process of its account for a postmaster.
    if (isAlive(left.pid) && programsOf(database).length === 0) rmSync(join(database, 'postmaster.pid'))
    return
  }
  for (const [signal, limitMs] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', 5000],
  ] as const) {
    process.kill(left.pid, signal)
    const deadline = performance.now() + limitMs
    while (performance.now() < deadline) {
      if (!isProgramOf(left.pid, database)) return
      await sleep(POLL_MS)
    }
  }
  throw new VigiaError('RECORDS_UNAVAILABLE', `a PostgreSQL left running (pid ${left.pid}) does not end`)
}

/** postmaster.pid: line 1 is the pid, line 8 the state (src/include/utils/pidfile.h). */
function readPidFile(database: string): { text: string; pid: number; ready: boolean } | undefined {
  const path = join(database, 'postmaster.pid')
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n')
  const pid = Number(lines[0])
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  return { text, pid, ready: lines[7]?.trim() === 'ready' }
}

/** All of PostgreSQL's processes work in the data directory, and nothing else does. */
function isProgramOf(pid: number, database: string): boolean {
  if (process.platform !== 'linux') return isAlive(pid)
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === database && isAlive(pid)
  } catch {
    // Gone, or another account's: not ours.
    return false
  }
}

function programsOf(database: string): number[] {
  if (process.platform !== 'linux') return []
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => isProgramOf(pid, database))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
