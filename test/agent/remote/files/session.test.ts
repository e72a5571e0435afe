import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sweepParts } from '../../../../agent/remote/files/parts.ts'
import { createFileSession, type FileSession } from '../../../../agent/remote/files/session.ts'
import { FRAME_PAYLOAD } from '../../../../contract/remote/session.ts'
import {
  FILE_CHUNK_BYTES,
  FileResponse,
  packHead,
  unpackHead,
  type FileRequest,
} from '../../../../contract/remote/files.ts'

type Without<T> = T extends unknown ? Omit<T, 'id'> : never
type Reply = { head: FileResponse; bytes: Uint8Array }

const SECRET = 'the secret outside'
const isRoot = process.getuid?.() === 0
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('a files session', () => {
  let folder: string
  let root: string
  let agent: string
  let session: FileSession
  let replies: Reply[]
  let refused: string[]
  let nextId = 0

  const begin = (options: { control?: boolean; roots?: string[] } = {}): FileSession =>
    createFileSession({
      roots: options.roots ?? [root],
      control: options.control ?? true,
      closedFolders: [agent],
      partNotes: join(agent, 'remote-parts'),
      respond: async (payload) => {
        expect(payload.length).toBeLessThanOrEqual(FRAME_PAYLOAD)
        const { head, bytes } = unpackHead(payload)!
        replies.push({ head: FileResponse.parse(head), bytes: Uint8Array.from(bytes) })
      },
      refuse: (message) => refused.push(message),
    })

  const ask = async (request: Without<FileRequest>, bytes?: Uint8Array): Promise<Reply> => {
    const id = ++nextId
    const from = replies.length
    await session.request(packHead({ ...request, id }, bytes))
    const mine = replies.slice(from)
    expect(mine.map(({ head }) => head.id)).toEqual(mine.map(() => id))
    const [first, ...rest] = mine
    if (first?.head.is === 'list')
      for (const { head } of rest) if (head.is === 'list') first.head.entries.push(...head.entries)
    return first!
  }
  const code = async (request: Without<FileRequest>): Promise<string> => {
    const { head } = await ask(request)
    return head.is === 'failed' ? head.code : head.is
  }
  const download = async (path: string, from = 0): Promise<{ bytes: Buffer; sha256: string | null }> => {
    const pieces: Uint8Array[] = []
    for (let offset = from; ;) {
      const { head, bytes } = await ask({ do: 'read', path, offset })
      if (head.is !== 'chunk') throw new Error(JSON.stringify(head))
      expect(head.offset).toBe(offset)
      pieces.push(bytes)
      offset += bytes.length
      if (head.end) return { bytes: Buffer.concat(pieces), sha256: head.sha256 }
    }
  }
  const start = async (path: string, content: Uint8Array, replace = false): Promise<Reply['head']> =>
    (await ask({ do: 'begin', path, size: content.length, sha256: sha256(content), replace })).head
  const upload = async (path: string, content: Uint8Array, replace = false): Promise<string> => {
    const begun = await start(path, content, replace)
    if (begun.is !== 'begun') return begun.is === 'failed' ? begun.code : begun.is
    for (let offset = begun.offset; offset < content.length; offset += FILE_CHUNK_BYTES) {
      const { head } = await ask(
        { do: 'write', upload: begun.upload, offset },
        content.subarray(offset, offset + FILE_CHUNK_BYTES),
      )
      if (head.is !== 'done') return JSON.stringify(head)
    }
    return code({ do: 'end', upload: begun.upload })
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-files-'))
    root = join(folder, 'open')
    agent = join(root, 'agent')
    for (const each of [root, agent, join(root, 'sub'), join(folder, 'outside')])
      mkdirSync(each, { recursive: true })
    writeFileSync(join(folder, 'outside', 'secret'), SECRET)
    writeFileSync(join(folder, 'outside', 'only outside'), '')
    writeFileSync(join(agent, 'key.pem'), SECRET)
    writeFileSync(join(root, 'plain'), 'plain content')
    writeFileSync(join(root, 'sub', 'deep'), 'deep content')
    symlinkSync(join(folder, 'outside'), join(root, 'way-out'))
    symlinkSync(join(folder, 'outside', 'secret'), join(root, 'link-out'))
    symlinkSync('sub', join(root, 'link-in'))
    symlinkSync('../../outside', join(root, 'sub', 'up'))
    replies = []
    refused = []
    session = begin()
  })
  afterEach(async () => {
    await session.close()
    rmSync(folder, { recursive: true, force: true })
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
    expect(replies.at(-1)?.head).toMatchObject({ more: false })
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
    await session.close()
    expect(existsSync(path)).toBe(false)
    expect(readdirSync(join(agent, 'remote-parts'))).toHaveLength(1)
    session = begin()
    expect(await start(path, content)).toMatchObject({ is: 'begun', offset: FILE_CHUNK_BYTES })
    await session.close()
    session = begin()
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
    await session.close()
    const part = join(root, 'sub', `.vigia-${sha256(content).slice(0, 32)}.part`)
    utimesSync(part, 1, 1)
    session = begin()
    expect(await start(path, content)).toMatchObject({ is: 'begun', offset: 100 })
    expect(await sweepParts(notes, Date.now())).toEqual([])
    await session.close()
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
    await session.close()
    session = begin({ control: false })
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
    await session.close()
    session = begin({ roots: [join(root, 'way-out')] })
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
    await session.close()
    session = begin({ roots: ['/'] })
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
    session = begin()
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

  it('ends at what is no request, and answers what names nothing', async () => {
    await session.request(packHead({ do: 'format', id: 1 }))
    await session.request(new Uint8Array([0, 0, 0, 200, 1]))
    await session.request(packHead({ do: 'list', id: 1, path: '' }))
    expect(refused).toHaveLength(3)
    expect(await code({ do: 'read', path: join(root, 'nothing'), offset: 0 })).toBe('NOT_FOUND')
    expect(await code({ do: 'read', path: join(root, 'plain', 'x'), offset: 0 })).toBe('NOT_FOUND')
    expect(await code({ do: 'read', path: join(root, 'a'.repeat(300)), offset: 0 })).toBe('NOT_FOUND')
    expect(await code({ do: 'read', path: join(root, 'sub'), offset: 0 })).toBe('CONFLICT')
    expect(await code({ do: 'end', upload: '99' })).toBe('NOT_FOUND')
    for (let index = 0; index < 100; index++) void session.request(packHead({ do: 'roots', id: index }))
    expect(refused.length).toBeGreaterThan(3)
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
        replies.length = 0
        if (act === 'read') await code({ do: 'read', path, offset: 0 })
        else if (act === 'upload') await upload(path, Buffer.from('x'), true)
        else if (act === 'rename') await code({ do: 'rename', path: join(root, 'plain'), to: path })
        else await code({ do: act, path })
        for (const { head, bytes } of replies) {
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
