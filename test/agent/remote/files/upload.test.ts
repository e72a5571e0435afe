import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { sweepParts } from '../../../../agent/remote/files/parts.ts'
import { FILE_CHUNK_BYTES } from '../../../../contract/remote/files.ts'
import { filesSession, SECRET, sha256 } from './session-under-test.ts'

const isRoot = process.getuid?.() === 0

describe('a files session', () => {
  const { ask, code, start, upload, begin, session, places } = filesSession()
  let folder: string
  let root: string
  let agent: string
  beforeEach(() => {
    ;({ folder, root, agent } = places())
  })

  it('takes an upload, private and whole, and never replaces unasked', async () => {
    const content = randomBytes(100_000)
    const path = join(root, 'sub', 'new file')
    expect(await upload(path, content)).toBe('done')
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(root, 'sub')).filter((name) => name.endsWith('.part'))).toEqual([])
    expect(await upload(path, Buffer.from('other'))).toBe('CONFLICT')
    execFileSync('chmod', ['4755', path])
    expect(await upload(path, Buffer.from('other'), true)).toBe('done')
    expect(readFileSync(path, 'utf8')).toBe('other')
    // The mode stays, but nothing that came from outside is set-uid.
    expect(statSync(path).mode & 0o7777).toBe(0o755)
  })

  it('goes on with an upload of the same content after a broken session', async () => {
    const content = randomBytes(FILE_CHUNK_BYTES * 3)
    const path = join(root, 'sub', 'resumed')
    const begun = await start(path, content)
    if (begun.is !== 'begun') throw new Error(JSON.stringify(begun))
    await ask({ do: 'write', upload: begun.upload, offset: 0 }, content.subarray(0, FILE_CHUNK_BYTES))
    await session().close()
    expect(existsSync(path)).toBe(false)
    expect(readdirSync(join(agent, 'remote-parts'))).toHaveLength(1)
    begin()
    expect(await start(path, content)).toMatchObject({ is: 'begun', offset: FILE_CHUNK_BYTES })
    await session().close()
    begin()
    expect(await upload(path, content)).toBe('done')
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(readdirSync(join(agent, 'remote-parts'))).toEqual([])
  })

  it('leaves what never went on to be swept away, but not while it is gone on with', async () => {
    const notes = join(agent, 'remote-parts')
    const content = randomBytes(FILE_CHUNK_BYTES * 2)
    const path = join(root, 'sub', 'left')
    const begun = await start(path, content)
    if (begun.is !== 'begun') throw new Error(JSON.stringify(begun))
    await ask({ do: 'write', upload: begun.upload, offset: 0 }, content.subarray(0, 100))
    await session().close()
    const part = join(root, 'sub', `.vigia-${sha256(content).slice(0, 32)}.part`)
    utimesSync(part, 1, 1)
    begin()
    expect(await start(path, content)).toMatchObject({ is: 'begun', offset: 100 })
    expect(await sweepParts(notes, Date.now())).toEqual([])
    await session().close()
    utimesSync(part, 1, 1)
    expect(await sweepParts(notes, Date.now())).toEqual([part])
    expect(existsSync(part)).toBe(false)
  })

  it('refuses content that is not what was announced, and keeps nothing of it', async () => {
    const content = randomBytes(1000)
    const path = join(root, 'wrong')
    const begun = await start(path, content)
    if (begun.is !== 'begun') throw new Error(JSON.stringify(begun))
    const { upload: key } = begun
    expect(await code({ do: 'end', upload: key })).toBe('CONFLICT')
    const again = await start(path, content)
    if (again.is !== 'begun') throw new Error(JSON.stringify(again))
    expect((await ask({ do: 'write', upload: again.upload, offset: 5 }, content)).head).toMatchObject({
      code: 'CONFLICT',
    })
    await ask({ do: 'write', upload: again.upload, offset: 0 }, randomBytes(1000))
    expect((await ask({ do: 'write', upload: again.upload, offset: 1000 }, content)).head).toMatchObject({
      code: 'FILE_CHANGED',
    })
    expect(await code({ do: 'end', upload: again.upload })).toBe('FILE_CHANGED')
    expect(readdirSync(root).filter((name) => name.includes('wrong') || name.includes('.part'))).toEqual([])
  })

  it.each(['EPERM', 'EISDIR'])('takes its name where there are no hard links (%s)', async (code) => {
    const { link } = promises
    promises.link = () => Promise.reject(Object.assign(new Error(code), { code }))
    syncBuiltinESMExports()
    try {
      expect(await upload(join(root, 'unlinked'), Buffer.from('x'))).toBe('done')
      expect(readFileSync(join(root, 'unlinked'), 'utf8')).toBe('x')
      expect(readdirSync(root).filter((name) => name.endsWith('.part'))).toEqual([])
    } finally {
      promises.link = link
      syncBuiltinESMExports()
    }
  })

  it('writes into nobody else’s part file', async () => {
    const content = randomBytes(100)
    const part = `.vigia-${sha256(content).slice(0, 32)}.part`
    symlinkSync(join(folder, 'outside', 'secret'), join(root, part))
    expect(await upload(join(root, 'x'), content)).toBe('FILE_OUTSIDE')
    rmSync(join(root, part))
    linkSync(join(folder, 'outside', 'secret'), join(root, part))
    expect(await upload(join(root, 'x'), content)).toBe('CONFLICT')
    expect(readFileSync(join(folder, 'outside', 'secret'), 'utf8')).toBe(SECRET)
  })

  it('has limits of size and of room', async () => {
    const announce = {
      do: 'begin',
      path: join(root, 'huge'),
      sha256: sha256(Buffer.from('')),
      replace: false,
    } as const
    expect(await code({ ...announce, size: 4 * 1024 ** 3 + 1 })).toBe('FILE_TOO_LARGE')
    const file = join(root, 'sparse')
    writeFileSync(file, '')
    truncateSync(file, 4 * 1024 ** 3 + 1)
    expect(await code({ do: 'read', path: file, offset: 0 })).toBe('FILE_TOO_LARGE')
  })

  it.runIf(isRoot)('writes nothing where the disk has too little room', async () => {
    const disk = join(root, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk])
    try {
      expect(await upload(join(disk, 'x'), randomBytes(1000))).toBe('DISK_FULL')
      expect(await code({ do: 'rename', path: join(root, 'plain'), to: join(disk, 'plain') })).toBe(
        'CONFLICT',
      )
    } finally {
      execFileSync('umount', [disk])
    }
  })
})
