import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createdAt } from '../windows/kernel32.ts'

/**
 * When a process started, as the system counts it: by this it is told from a later one with the same number. Ticks since
 * the start of the machine on Linux (proc(5), field 22 of stat), the time of its creation on Windows, the second on
 * macOS (ps(1)). Empty where there is no such process, or it cannot be known.
 */
export function startedAt(pid: number, platform: NodeJS.Platform = process.platform): string {
  try {
    if (platform === 'win32') return createdAt(pid)?.toString() ?? ''
    if (platform === 'darwin')
      return execFileSync('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        env: { LC_ALL: 'C' },
      }).trim()
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch (thrown) {
    // Gone meanwhile.
    if (thrown instanceof Error && ('code' in thrown || 'status' in thrown)) return ''
    throw thrown
  }
}
