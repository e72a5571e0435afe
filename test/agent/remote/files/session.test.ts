import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { FILE_CHUNK_BYTES, packHead } from '../../../../contract/remote/files.ts'
import { filesSession, SECRET, sha256 } from './session-under-test.ts'

describe('a files session', () => {
  const { ask, code, download, begin, session, replies, refused, places } = filesSession()
  let folder: string
  let root: string
  beforeEach(() => {
    ;({ folder, root } = places())
  })

  it('says its roots and lists them, names as names, links as links', async () => {
    const names = ['-rf', ' ', '$(id)', 'a\nb', '<b>x', '\u202eexe.txt', 'ñandú', "'; DROP"]
    for (const name of names) writeFileSync(join(root, 'sub', name), name)
    expect((await ask({ do: 'roots' })).head).toMatchObject({ roots: [root], control: true })
    const { head } = await ask({ do: 'list', path: join(root, 'sub') })
    if (head.is !== 'list') throw new Error(JSON.stringify(head))
    expect(head.entries.map(({ name }) => name).sort()).toEqual([...names, 'deep', 'up'].sort())
    expect(head.entries.find(({ name }) => name === 'up')?.kind).toBe('link')
    for (const name of names) expect((await download(join(root, 'sub', name))).bytes.toString()).toBe(name)
  })

  it('lists a large folder in frames, and says when there was more', { timeout: 60_000 }, async () => {
    const large = join(root, 'large')
    mkdirSync(large)
    const long = 'é'.repeat(120)
    for (let index = 0; index < 5001; index++) writeFileSync(join(large, `${index}${long}`), '')
    const { head } = await ask({ do: 'list', path: large })
    if (head.is !== 'list') throw new Error(JSON.stringify(head))
    expect(head).toMatchObject({ truncated: true, more: true })
    expect(new Set(head.entries.map(({ name }) => name)).size).toBe(5000)
    expect(replies().at(-1)?.head).toMatchObject({ more: false })
  })

  it('gives a file in pieces with its checksum, also from the middle on', async () => {
    const content = randomBytes(FILE_CHUNK_BYTES * 3 + 17)
    writeFileSync(join(root, 'big'), content)
    writeFileSync(join(root, 'empty'), '')
    const whole = await download(join(root, 'big'))
    expect(whole.bytes.equals(content)).toBe(true)
    expect(whole.sha256).toBe(sha256(content))
    const rest = await download(join(root, 'big'), 40_000)
    expect(rest.bytes.equals(content.subarray(40_000))).toBe(true)
    expect(rest.sha256).toBe(sha256(content))
    expect((await download(join(root, 'empty'))).sha256).toBe(sha256(new Uint8Array()))
    expect(await code({ do: 'read', path: join(root, 'big'), offset: content.length + 1 })).toBe(
      'FILE_CHANGED',
    )
  })

  it('notices that a file changes while it is read', async () => {
    writeFileSync(join(root, 'log'), randomBytes(FILE_CHUNK_BYTES * 2))
    expect(await code({ do: 'read', path: join(root, 'log'), offset: 0 })).toBe('chunk')
    truncateSync(join(root, 'log'), FILE_CHUNK_BYTES + 5)
    expect(await code({ do: 'read', path: join(root, 'log'), offset: FILE_CHUNK_BYTES })).toBe('FILE_CHANGED')
    writeFileSync(join(root, 'log'), randomBytes(FILE_CHUNK_BYTES * 2))
    expect(await code({ do: 'read', path: join(root, 'log'), offset: 0 })).toBe('chunk')
    utimesSync(join(root, 'log'), 1, 1)
    expect(await code({ do: 'read', path: join(root, 'log'), offset: FILE_CHUNK_BYTES })).toBe('FILE_CHANGED')
  })

  it('makes folders, renames and removes files and empty folders', async () => {
    expect(await code({ do: 'make-folder', path: join(root, 'made') })).toBe('done')
    expect(statSync(join(root, 'made')).mode & 0o777).toBe(0o700)
    expect(await code({ do: 'make-folder', path: join(root, 'made') })).toBe('CONFLICT')
    expect(await code({ do: 'rename', path: join(root, 'plain'), to: join(root, 'made', 'moved') })).toBe(
      'done',
    )
    expect(
      await code({ do: 'rename', path: join(root, 'made', 'moved'), to: join(root, 'sub', 'deep') }),
    ).toBe('CONFLICT')
    expect(await code({ do: 'rename', path: join(root, 'sub'), to: join(root, 'sub', 'inside') })).toBe(
      'CONFLICT',
    )
    expect(await code({ do: 'remove', path: join(root, 'made') })).toBe('CONFLICT')
    expect(await code({ do: 'remove', path: join(root, 'made', 'moved') })).toBe('done')
    expect(await code({ do: 'remove', path: join(root, 'made') })).toBe('done')
    expect(await code({ do: 'remove', path: join(root, 'link-out') })).toBe('done')
    expect(readFileSync(join(folder, 'outside', 'secret'), 'utf8')).toBe(SECRET)
    expect(await code({ do: 'remove', path: root })).toBe('FILE_OUTSIDE')
  })

  it('changes nothing in a session that only reads', async () => {
    await session().close()
    begin({ control: false })
    const before = readdirSync(root, { recursive: true }).sort()
    for (const request of [
      { do: 'begin', path: join(root, 'x'), size: 1, sha256: 'a'.repeat(64), replace: true },
      { do: 'write', upload: '1', offset: 0 },
      { do: 'end', upload: '1' },
      { do: 'make-folder', path: join(root, 'x') },
      { do: 'remove', path: join(root, 'plain') },
      { do: 'rename', path: join(root, 'plain'), to: join(root, 'x') },
    ] as const)
      expect(await code(request)).toBe('FORBIDDEN')
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(before)
    expect((await download(join(root, 'plain'))).bytes.toString()).toBe('plain content')
  })

  it('ends at what is no request, and answers what names nothing', async () => {
    await session().request(packHead({ do: 'format', id: 1 }))
    await session().request(new Uint8Array([0, 0, 0, 200, 1]))
    await session().request(packHead({ do: 'list', id: 1, path: '' }))
    expect(refused()).toHaveLength(3)
    expect(await code({ do: 'read', path: join(root, 'nothing'), offset: 0 })).toBe('NOT_FOUND')
    expect(await code({ do: 'read', path: join(root, 'plain', 'x'), offset: 0 })).toBe('NOT_FOUND')
    expect(await code({ do: 'read', path: join(root, 'a'.repeat(300)), offset: 0 })).toBe('NOT_FOUND')
    expect(await code({ do: 'read', path: join(root, 'sub'), offset: 0 })).toBe('CONFLICT')
    expect(await code({ do: 'end', upload: '99' })).toBe('NOT_FOUND')
    for (let index = 0; index < 100; index++) void session().request(packHead({ do: 'roots', id: index }))
    expect(refused().length).toBeGreaterThan(3)
  })
})
