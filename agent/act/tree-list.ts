import { execFileSync } from 'node:child_process'
import type { Member } from './tree.ts'

/** The live processes of a group and what descends from it, as ps(1) tells. */
export function listByPs(leader: number): Member[] {
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
