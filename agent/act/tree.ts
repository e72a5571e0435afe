import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { windowsProgram } from '../windows.ts'
import { listByPs } from './tree-list.ts'

/** A live process of a job. Resident kilobytes, shared pages counted in each process. */
export type Member = { pid: number; residentKb: number }

/** The processes of one job, as far as the system lets them be known. */
export type Tree = {
  /** Those that live now; zombies do not. */
  members(): Member[]
  /** Resident kilobytes of all together, shared pages counted once where the system tells; never more than the sum. */
  residentKb(members: readonly Member[]): number
  /** Asks every process to end. */
  terminate(): void
  /** Ends every process by force, also those that are being born. */
  kill(): void
}

/** Pages of other processes that were looked at are trusted for so many looks; then all are looked at anew. */
const LOOKS = 20
const STOP_ROUNDS = 10

/**
 * The hard limit of core files, in blocks of 512 bytes, by which a process is known to be of a job: it is inherited over
 * fork and execve (setrlimit(2)), also by what sheds its parents, its session and its environment.
 */
export function coreMark(job: string): number {
  return parseInt(job.replaceAll('-', '').slice(-10), 16)
}

/**
 * The tree of a script that leads a process group of its own. On Linux also what left the group, the session and its
 * parents: whatever descends from it, or carries the job in its environment or its limits.
 */
export function createTree(leader: number, job: string): Tree {
  if (process.platform === 'win32') return windowsTree(leader)
  return process.platform === 'linux' ? linuxTree(leader, job) : groupTree(leader)
}

/** What is left of a job whose runner is gone: the same tree, known by the job alone. */
export function createOrphanTree(job: string): Tree | undefined {
  return process.platform === 'linux' ? linuxTree(0, job) : undefined
}

function linuxTree(leader: number, job: string): Tree {
  const marker = Buffer.from(`VIGIA_JOB=${job}\0`)
  const limit = new RegExp(`^Max core file size +\\d+ +${String(coreMark(job) * 512)} `, 'm')
  /** Start time by process, since a number may come again. */
  const known = new Map<number, string>()
  const others = new Set<number>()
  let looks = 0

  const look = (anew: boolean): number[] => {
    if (anew || looks++ % LOOKS === 0) others.clear()
    const fresh = new Map<number, Stat>()
    const alive: number[] = []
    for (const name of readdirSync('/proc')) {
      const pid = Number(name)
      if (!Number.isInteger(pid) || pid === process.pid || others.has(pid)) continue
      const stat = readStat(pid)
      if (!stat || stat.dead) continue
      if (known.get(pid) === stat.start) alive.push(pid)
      else fresh.set(pid, stat)
    }
    const join = (pid: number, stat: Stat): void => {
      known.set(pid, stat.start)
      alive.push(pid)
      fresh.delete(pid)
    }
    for (const [pid, stat] of fresh)
      if ((leader > 0 && [pid, stat.group, stat.session].includes(leader)) || isMarked(pid, marker, limit))
        join(pid, stat)
    for (let before = -1; before !== alive.length;) {
      before = alive.length
      for (const [pid, stat] of fresh) if (known.has(stat.parent)) join(pid, stat)
    }
    for (const pid of fresh.keys()) others.add(pid)
    for (const pid of known.keys()) if (!alive.includes(pid)) known.delete(pid)
    return alive
  }
  const each = (signal: NodeJS.Signals, pids: readonly number[]): void => {
    for (const pid of pids) send(pid, signal)
  }

  return {
    members: () => look(false).map((pid) => ({ pid, residentKb: residentOf(pid) })),
    residentKb: (members) =>
      members.reduce((sum, { pid, residentKb }) => sum + (sharedOnce(pid) ?? residentKb), 0),
    terminate: () => each('SIGTERM', look(true)),
    kill() {
      // Stopped first: what forks faster than it is killed would get away.
      const stopped = new Set<number>()
      for (let round = 0; round < STOP_ROUNDS; round++) {
        const fresh = look(true).filter((pid) => !stopped.has(pid))
        if (fresh.length === 0) break
        each('SIGSTOP', fresh)
        for (const pid of fresh) stopped.add(pid)
      }
      each('SIGKILL', look(true))
    },
  }
}

type Stat = { parent: number; group: number; session: number; start: string; dead: boolean }

/** proc(5), stat: state, ppid, pgrp, session are fields 3 to 6, start time is field 22. */
function readStat(pid: number): Stat | undefined {
  const text = readProc(pid, 'stat').toString('latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, group, session] = fields
  if (state === undefined || session === undefined) return undefined
  return {
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    start: fields[19] ?? '',
    dead: state === 'Z' || state === 'X',
  }
}

function isMarked(pid: number, marker: Buffer, limit: RegExp): boolean {
  const environment = readProc(pid, 'environ')
  const at = environment.indexOf(marker)
  if (at === 0 || (at > 0 && environment[at - 1] === 0)) return true
  return limit.test(readProc(pid, 'limits').toString('latin1'))
}

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, 'status').toString('latin1'))?.[1] ?? 0)
}

function sharedOnce(pid: number): number | undefined {
  const found = /^Pss:\s+(\d+) kB/m.exec(readProc(pid, 'smaps_rollup').toString('latin1'))?.[1]
  return found === undefined ? undefined : Number(found)
}

function readProc(pid: number, file: string): Buffer {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`)
  } catch (thrown) {
    // Gone meanwhile, or another user's.
    if (thrown instanceof Error && 'code' in thrown) return Buffer.alloc(0)
    throw thrown
  }
}

/** Unix without /proc: the group, and what descends from it. */
function groupTree(leader: number): Tree {
  const members = (): Member[] => listByPs(leader)
  const each = (signal: NodeJS.Signals): void => {
    const all = members()
    send(-leader, signal)
    for (const { pid } of all) send(pid, signal)
  }
  return {
    members,
    residentKb: sum,
    terminate: () => each('SIGTERM'),
    kill: () => each('SIGKILL'),
  }
}

/** Windows: taskkill follows the parents. What the tree uses cannot be had cheaply, so only its leader is watched for. */
function windowsTree(leader: number): Tree {
  const end = (...force: string[]): void => {
    const words = ['/pid', String(leader), '/T', ...force]
    spawn(windowsProgram('taskkill.exe'), words, { stdio: 'ignore', windowsHide: true }).on('error', () =>
      send(leader, 'SIGKILL'),
    )
  }
  return { members: () => [], residentKb: sum, terminate: () => end(), kill: () => end('/F') }
}

function sum(members: readonly Member[]): number {
  return members.reduce((all, { residentKb }) => all + residentKb, 0)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (thrown) {
    const gone =
      thrown instanceof Error && 'code' in thrown && ['ESRCH', 'EPERM'].includes(String(thrown.code))
    if (!gone) throw thrown
  }
}
