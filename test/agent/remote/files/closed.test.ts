import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { filesSession, SECRET } from './session-under-test.ts'

describe('a files session', () => {
  const { ask, code, upload, begin, session, replies, places } = filesSession()
  let folder: string
  let root: string
  let agent: string
  beforeEach(() => {
    ;({ folder, root, agent } = places())
  })

  it('follows no link, neither on the way nor at the end', async () => {
    for (const [path, to] of [
      ['way-out/secret', 'way-out/x'],
      ['link-out', 'link-out/x'],
      ['link-in/deep', 'link-in/x'],
      ['sub/up/secret', 'sub/up/x'],
    ] as const) {
      expect(await code({ do: 'read', path: join(root, path), offset: 0 })).toBe('FILE_OUTSIDE')
      expect(await code({ do: 'list', path: join(root, path) })).toBe('FILE_OUTSIDE')
      expect(await upload(join(root, to), Buffer.from('x'))).toBe('FILE_OUTSIDE')
      expect(await code({ do: 'make-folder', path: join(root, to) })).toBe('FILE_OUTSIDE')
      expect(await code({ do: 'rename', path: join(root, 'plain'), to: join(root, to) })).toBe('FILE_OUTSIDE')
    }
    expect(await upload(join(root, 'link-out'), Buffer.from('x'), true)).toBe('FILE_OUTSIDE')
    expect(readdirSync(join(folder, 'outside'))).toEqual(['only outside', 'secret'])
    expect(readFileSync(join(folder, 'outside', 'secret'), 'utf8')).toBe(SECRET)
    // A root of the policy that is a link is none.
    await session().close()
    begin({ roots: [join(root, 'way-out')] })
    expect(await code({ do: 'list', path: join(root, 'way-out') })).toBe('FILE_OUTSIDE')
  })

  it('opens no device, pipe or socket, and no view of the kernel', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')])
    const server = await new Promise<Server>((resolve) => {
      const made = createServer().listen(join(root, 'socket'), () => resolve(made))
    })
    for (const name of ['pipe', 'socket']) {
      expect(await code({ do: 'read', path: join(root, name), offset: 0 })).toBe('FORBIDDEN')
      expect(await upload(join(root, name), Buffer.from('x'), true)).toBe('FORBIDDEN')
      expect(await code({ do: 'remove', path: join(root, name) })).toBe('FORBIDDEN')
    }
    await new Promise((resolve) => server.close(resolve))
    await session().close()
    begin({ roots: ['/'] })
    for (const path of ['/dev/null', '/dev/zero', `/proc/${process.pid}/environ`, '/proc/1/cmdline'])
      expect(await code({ do: 'read', path, offset: 0 })).toBe('FORBIDDEN')
    expect(await code({ do: 'list', path: '/proc' })).toBe('FORBIDDEN')
    expect(await code({ do: 'list', path: '/proc/self/root' })).toBe('FILE_OUTSIDE')
  })

  it('keeps the agent’s own folder closed, whatever leads there', async () => {
    expect(await code({ do: 'read', path: join(agent, 'key.pem'), offset: 0 })).toBe('FORBIDDEN')
    expect(await code({ do: 'list', path: agent })).toBe('FORBIDDEN')
    expect(await upload(join(agent, 'trust.json'), Buffer.from('x'), true)).toBe('FORBIDDEN')
    expect(await code({ do: 'rename', path: agent, to: join(root, 'elsewhere') })).toBe('FORBIDDEN')
    expect(await code({ do: 'rename', path: join(root, 'sub'), to: join(agent, 'sub') })).toBe('FORBIDDEN')
    // Also when somebody moves it meanwhile.
    renameSync(agent, join(root, 'moved'))
    expect(await code({ do: 'read', path: join(root, 'moved', 'key.pem'), offset: 0 })).toBe('FORBIDDEN')
  })

  it('keeps it where it is, and closed where it really lies when its path is a link', async () => {
    const home = join(root, 'home')
    mkdirSync(join(home, 'deep'), { recursive: true })
    renameSync(agent, join(home, 'deep', 'agent'))
    symlinkSync(join(home, 'deep', 'agent'), agent)
    begin()
    expect(await code({ do: 'read', path: join(home, 'deep', 'agent', 'key.pem'), offset: 0 })).toBe(
      'FORBIDDEN',
    )
    for (const path of [home, join(home, 'deep'), agent])
      expect(await code({ do: 'rename', path, to: join(root, 'elsewhere') })).toBe('FORBIDDEN')
    expect(await code({ do: 'remove', path: agent })).toBe('FORBIDDEN')
    // What only stands beside it is as free as ever.
    expect(await code({ do: 'make-folder', path: join(home, 'deep', 'beside') })).toBe('done')
    expect(await code({ do: 'rename', path: join(home, 'deep', 'beside'), to: join(home, 'beside') })).toBe(
      'done',
    )
  })

  it('gives out nothing from outside, whatever is asked for', { timeout: 60_000 }, async () => {
    const step = fc.constantFrom(
      '..',
      '.',
      '',
      'sub',
      'up',
      'way-out',
      'link-in',
      'link-out',
      'secret',
      'agent',
      'deep',
    )
    const what = fc.constantFrom('read', 'list', 'upload', 'remove', 'rename', 'make-folder')
    await fc.assert(
      fc.asyncProperty(what, fc.array(step, { maxLength: 6 }), fc.boolean(), async (act, steps, inside) => {
        const path = (inside ? `${root}/` : `${folder}/`) + steps.join('/')
        replies().length = 0
        if (act === 'read') await code({ do: 'read', path, offset: 0 })
        else if (act === 'upload') await upload(path, Buffer.from('x'), true)
        else if (act === 'rename') await code({ do: 'rename', path: join(root, 'plain'), to: path })
        else await code({ do: act, path })
        for (const { head, bytes } of replies()) {
          expect(Buffer.from(bytes).toString()).not.toContain(SECRET)
          if (head.is === 'list') expect(head.entries.map(({ name }) => name)).not.toContain('only outside')
        }
        expect(readdirSync(join(folder, 'outside'))).toEqual(['only outside', 'secret'])
        expect(readFileSync(join(folder, 'outside', 'secret'), 'utf8')).toBe(SECRET)
        expect(readFileSync(join(agent, 'key.pem'), 'utf8')).toBe(SECRET)
      }),
      { numRuns: 400 },
    )
  })

  it.runIf(process.platform === 'linux')(
    'cannot be led outside by who exchanges a folder for a link meanwhile',
    { timeout: 60_000 },
    async () => {
      writeFileSync(join(root, 'sub', 'secret'), 'inside')
      const swap = new Worker(
        `const fs = require('node:fs'); const { workerData: [a, b, link] } = require('node:worker_threads')
         for (;;) { fs.renameSync(a, b); fs.symlinkSync(link, a); fs.unlinkSync(a); fs.renameSync(b, a) }`,
        { eval: true, workerData: [join(root, 'sub'), join(root, 'hidden'), join(folder, 'outside')] },
      )
      const seen = new Map<string, number>()
      try {
        for (let round = 0; round < 3000; round++) {
          const { head, bytes } = await ask({ do: 'read', path: join(root, 'sub', 'secret'), offset: 0 })
          const text = head.is === 'failed' ? head.code : Buffer.from(bytes).toString()
          seen.set(text, (seen.get(text) ?? 0) + 1)
        }
      } finally {
        await swap.terminate()
      }
      expect([...seen.keys()]).not.toContain(SECRET)
      // Each of the three states was met, else this has proven nothing.
      expect([...seen.keys()].sort()).toEqual(['FILE_OUTSIDE', 'NOT_FOUND', 'inside'])
    },
  )
})
