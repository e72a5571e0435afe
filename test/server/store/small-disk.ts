import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { temporaryDirectory } from './fixtures.ts'

/**
 * A suite on a disk of so many megabytes (a tmpfs). Only root may mount one: without that it is skipped with the
 * reason, and with CI=true it fails.
 */
export function suiteOnSmallDisk(title: string, megabytes: number, body: (path: () => string) => void): void {
  const reason = mountable()
  if (reason !== undefined) {
    if (process.env['CI'] === 'true') {
      describe(title, () => {
        it('has what it needs', () => {
          throw new Error(`a tmpfs cannot be mounted: ${reason}`)
        })
      })
      return
    }
    describe.skip(`${title} (skipped: a tmpfs cannot be mounted: ${reason})`, () => body(() => ''))
    return
  }
  describe(title, () => {
    let directory: ReturnType<typeof temporaryDirectory>
    beforeAll(() => {
      directory = temporaryDirectory()
      run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory.path])
    })
    afterAll(() => {
      run('umount', ['-l', directory.path])
      directory.remove()
    })
    body(() => directory.path)
  })
}

/** Puts the small disk where the path is, until `unbind`. */
export function bind(disk: string, path: string): void {
  mkdirSync(path, { recursive: true })
  run('mount', ['--bind', disk, path])
}

/** Takes the small disk away from there, whoever still uses it. */
export function unbind(path: string): void {
  spawnSync('umount', ['-l', path])
}

function mountable(): string | undefined {
  if (process.platform !== 'linux') return `no tmpfs on ${process.platform}`
  const directory = temporaryDirectory()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory.path], {
    encoding: 'utf8',
  })
  if (mounted.status === 0) spawnSync('umount', ['-l', directory.path])
  directory.remove()
  return mounted.status === 0 ? undefined : (mounted.error?.message ?? mounted.stderr.trim())
}

function run(program: string, options: string[]): void {
  const done = spawnSync(program, options, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${program} ${options.join(' ')}: ${done.stderr}`)
}
