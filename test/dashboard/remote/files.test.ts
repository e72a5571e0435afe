import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileSession } from '../../../agent/remote/files/session.ts'
import { FILE_CHUNK_BYTES } from '../../../contract/remote/files.ts'
import type { ChannelListener } from '../../../dashboard/remote/channel.ts'
import { createFileClient, type FileClient } from '../../../dashboard/remote/files/file-client.ts'
import { crumbsOf, nameFault, pathIn, rootOf } from '../../../dashboard/remote/files/folder-path.ts'
import { createSha256 } from '../../../dashboard/remote/files/sha256.ts'
import { createTransfers, type Transfer, type Transfers } from '../../../dashboard/remote/files/transfers.ts'

describe('the checksum of the console', () => {
  it('is SHA-256, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 }), (pieces) => {
        const hash = createSha256()
        for (const piece of pieces) {
          hash.hex()
          hash.update(piece)
        }
        expect(hash.hex()).toBe(createHash('sha256').update(Buffer.concat(pieces)).digest('hex'))
      }),
    )
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000_003]) {
      const bytes = randomBytes(length)
      const hash = createSha256()
      hash.update(bytes)
      expect(hash.hex()).toBe(createHash('sha256').update(bytes).digest('hex'))
    }
  })
})

describe('paths in the console', () => {
  it('are those of the device’s system', () => {
    expect(pathIn('/', 'a')).toBe('/a')
    expect(pathIn('/srv', 'a b')).toBe('/srv/a b')
    expect(pathIn('C:\\Data', 'x')).toBe('C:\\Data\\x')
    expect(crumbsOf('/srv', '/srv/a/b').map(({ path }) => path)).toEqual(['/srv', '/srv/a', '/srv/a/b'])
    expect(crumbsOf('/', '/a').map(({ name, path }) => [name, path])).toEqual([
      ['/', '/'],
      ['a', '/a'],
    ])
    expect(crumbsOf('C:\\', 'C:\\x\\y').map(({ path }) => path)).toEqual(['C:\\', 'C:\\x', 'C:\\x\\y'])
    expect(rootOf(['/', '/srv'], '/srv/a')).toBe('/srv')
    expect(rootOf(['/srv'], '/srvx')).toBeUndefined()
    expect(nameFault('/srv', '..')).toBe('empty')
    expect(nameFault('/srv', 'a/b')).toBe('stroke')
    expect(nameFault('C:\\', 'a\\b')).toBe('stroke')
    expect(nameFault('/srv', 'a\\b')).toBeUndefined()
  })
})

describe('transfers over a session of a real agent', () => {
  let root: string
  let saved: Map<string, Buffer>
  let transfers: Transfers
  let saving: Promise<void>[]

  /** A session and its client; it breaks after so many answers. */
  const connect = (breakAfter = Infinity): FileClient & { broke: () => boolean } => {
    let listener: ChannelListener | undefined
    let answers = 0
    let broken = false
    let changed = (): void => undefined
    const session = createFileSession({
      roots: [root],
      control: true,
      closedFolders: [],
      partNotes: join(root, 'remote-parts'),
      respond: async (payload) => {
        if (broken) return
        if (++answers > breakAfter) {
          broken = true
          void session.close()
          changed()
          return
        }
        await listener?.frame('response', payload)
      },
      refuse: (message) => {
        throw new Error(message)
      },
    })
    const client = createFileClient({
      send: async (_, payload) => {
        if (!broken) void session.request(payload)
        return !broken
      },
      state: () => ({
        phase: broken ? 'closed' : 'open',
        code: null,
        why: broken ? 'connection-lost' : null,
        message: null,
        interrupted: false,
        dropped: 0,
      }),
      watch: (given) => {
        changed = given
        return () => undefined
      },
      listen: (given) => {
        listener = given
        return () => (listener = undefined)
      },
    })
    return { ...client, broke: () => broken }
  }
  const only = (): Transfer => transfers.all()[0]!
  const until = async (state: Transfer['state']): Promise<Transfer> => {
    await expect.poll(() => only()?.state, { timeout: 15_000 }).toBe(state)
    return only()
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'vigia-transfers-'))
    saved = new Map()
    saving = []
    transfers = createTransfers({
      save: (content, name) => {
        saving.push(content.arrayBuffer().then((bytes) => void saved.set(name, Buffer.from(bytes))))
      },
      changed: () => undefined,
    })
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('downloads, and goes on where the broken session stopped', async () => {
    const content = randomBytes(FILE_CHUNK_BYTES * 200 + 1234)
    writeFileSync(join(root, 'big.bin'), content)
    const first = connect(40)
    transfers.use(first)
    transfers.download(join(root, 'big.bin'), 'big.bin', content.length)
    const paused = await until('paused')
    expect(first.broke()).toBe(true)
    expect(paused.bytes).toBe(FILE_CHUNK_BYTES * 40)
    transfers.use(undefined)
    transfers.use(connect())
    const done = await until('done')
    expect(done.sha256).toBe(createHash('sha256').update(content).digest('hex'))
    await Promise.all(saving)
    expect(saved.get('big.bin')?.equals(content)).toBe(true)
  })

  it('does not put parts of two files together', async () => {
    writeFileSync(join(root, 'log'), randomBytes(FILE_CHUNK_BYTES * 60))
    transfers.use(connect(20))
    transfers.download(join(root, 'log'), 'log', 1)
    await until('paused')
    const other = randomBytes(FILE_CHUNK_BYTES * 60)
    writeFileSync(join(root, 'log'), other)
    transfers.use(connect())
    expect((await until('failed')).error?.code).toBe('FILE_CHANGED')
    expect(saved.size).toBe(0)
    transfers.again(only().id)
    await until('done')
    await Promise.all(saving)
    expect(saved.get('log')?.equals(other)).toBe(true)
  })

  it('uploads, goes on after a break, and replaces only when told', async () => {
    const content = randomBytes(FILE_CHUNK_BYTES * 100 + 7)
    const file = new File([content], 'new.bin')
    transfers.use(connect(30))
    transfers.upload(join(root, 'new.bin'), file)
    await until('paused')
    expect(readdirSync(root).map((name) => statSync(join(root, name)).size)[0]).toBeGreaterThan(0)
    const second = connect()
    let begun = -1
    transfers.use({
      ...second,
      upload: (path, blob, options) =>
        second.upload(path, blob, {
          ...options,
          sent: (bytes) => {
            if (begun < 0) begun = bytes
            options.sent(bytes)
          },
        }),
    })
    await until('done')
    expect(begun).toBeGreaterThan(FILE_CHUNK_BYTES * 20)
    expect(readFileSync(join(root, 'new.bin')).equals(content)).toBe(true)
    transfers.drop(only().id)
    transfers.upload(join(root, 'new.bin'), new File(['other'], 'new.bin'))
    await until('exists')
    expect(readFileSync(join(root, 'new.bin')).equals(content)).toBe(true)
    transfers.replace(only().id)
    await until('done')
    expect(readFileSync(join(root, 'new.bin'), 'utf8')).toBe('other')
  })

  it('says what the device refused', async () => {
    const client = connect()
    await expect(client.list('/etc')).rejects.toMatchObject({ code: 'FILE_OUTSIDE' })
    await expect(client.remove(join(root, 'nothing'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    client.close()
    await expect(client.roots()).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE' })
  })
})
