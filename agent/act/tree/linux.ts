import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import type { Tree } from './shape.ts'
import { freed, send } from './member.ts'

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

/** Linux, as /proc tells. A leader of 0: the tree is known by its job alone. */
export function linuxTree(leader: number, job: string): Tree {
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
    free(members) {
      for (const { pid } of members)
        freed(pid, () =>
          execFileSync('prlimit', ['--pid', String(pid), '--fsize=unlimited', '--core=0:unlimited'], {
            stdio: 'ignore',
          }),
        )
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
