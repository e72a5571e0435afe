import { execFileSync } from 'node:child_process'
import type { Tree } from './shape.ts'
import { freed, send, sum, type Member } from './member.ts'

/** Unix without /proc: the group, and what descends from it. */
export function groupTree(leader: number): Tree {
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
    free: (all) => all.forEach(({ pid }) => freed(pid)),
  }
}

/** The live processes of a group and what descends from it, as ps(1) tells. */
function listByPs(leader: number): Member[] {
  try {
    const columns = ['-axo', 'pid=,ppid=,pgid=,rss=,stat=']
    return treeOf(leader, execFileSync('/bin/ps', columns, { encoding: 'utf8', maxBuffer: 8 * 1024 * 1024 }))
  } catch {
    // Without ps only the group is known.
    return []
  }
}

/** Picks the tree out of the table of ps: pid, parent, group, resident kilobytes and state of each process. */
export function treeOf(leader: number, table: string): Member[] {
  const rows = table
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, group, residentKb, state = ''] = line.trim().split(/\s+/)
      return {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        residentKb: Number(residentKb),
        state,
      }
    })
    .filter(({ pid }) => Number.isInteger(pid))
  const inside = new Set(
    rows.filter(({ pid, group }) => pid === leader || group === leader).map(({ pid }) => pid),
  )
  for (let before = -1; before !== inside.size;) {
    before = inside.size
    for (const { pid, parent } of rows) if (inside.has(parent)) inside.add(pid)
  }
  return rows
    .filter(({ pid, state }) => inside.has(pid) && !state.startsWith('Z'))
    .map(({ pid, residentKb }) => ({ pid, residentKb }))
}
