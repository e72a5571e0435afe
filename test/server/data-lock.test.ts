import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VigiaError } from '../../contract/errors.ts'
import { lockDataDirectory } from '../../server/data-lock.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const MODULE = new URL('../../server/data-lock.ts', import.meta.url).href

function holder(): Promise<{ pid: number; kill: () => Promise<void> }> {
  const code = `import { lockDataDirectory } from ${JSON.stringify(MODULE)}; lockDataDirectory(${JSON.stringify(folder)}, 0); console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return new Promise((resolve) =>
    child.stdout.once('data', () => resolve({ pid: child.pid!, kill: () => (child.kill('SIGKILL'), ended) })),
  )
}

describe('the lock of the data directory', () => {
  it('is refused to a second server with a message that says who holds it', async () => {
    const first = await holder()
    try {
      lockDataDirectory(folder, 0)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(VigiaError)
      expect((error as VigiaError).code).toBe('DATA_IN_USE')
      expect((error as VigiaError).message).toContain(`process ${first.pid}`)
    } finally {
      await first.kill()
    }
  })

  it('is taken over from a process that was killed', async () => {
    await (await holder()).kill()
    const lock = lockDataDirectory(folder, 0)
    lock.release()
    lockDataDirectory(folder, 0).release()
  })

  it('is taken over from a process whose number another has now', () => {
    writeFileSync(
      join(folder, 'vigia.lock'),
      JSON.stringify({ pid: process.ppid, startTicks: '1', host: 'h', since: 's' }),
    )
    lockDataDirectory(folder, 0).release()
  })
})
