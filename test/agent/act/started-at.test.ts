import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { startedAt } from '../../../agent/act/started-at.ts'

describe('when a process started', () => {
  it('stays what it is as long as it lives, and is nothing once it is gone', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    const pid = child.pid!
    const first = startedAt(pid)
    expect(first).toMatch(/^\d+$/)
    expect(startedAt(pid)).toBe(first)
    expect(startedAt(process.pid)).not.toBe(first)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(startedAt(pid)).toBe('')
  })

  it('is told by ps where there is no /proc, to the second', () => {
    expect(startedAt(process.pid, 'darwin')).toMatch(/^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}$/)
    expect(startedAt(2 ** 22 + 1, 'darwin')).toBe('')
  })
})
