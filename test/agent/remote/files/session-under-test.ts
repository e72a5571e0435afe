import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { createFileSession, type FileSession } from '../../../../agent/remote/files/session.ts'
import {
  FILE_CHUNK_BYTES,
  FileResponse,
  packHead,
  unpackHead,
  type FileRequest,
} from '../../../../contract/remote/files.ts'
import { FRAME_PAYLOAD } from '../../../../contract/remote/session.ts'

type Without<T> = T extends unknown ? Omit<T, 'id'> : never
type Reply = { head: FileResponse; bytes: Uint8Array }

/** What stands in files that no session may give out. */
export const SECRET = 'the secret outside'
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A suite with a fresh session for each test, over a folder with links that lead out of it. */
export function filesSession() {
  let folder: string
  let root: string
  let agent: string
  let session: FileSession
  let replies: Reply[]
  let refused: string[]
  let nextId = 0

  /** Another session, which the functions speak to from now on. */
  const begin = (options: { control?: boolean; roots?: string[] } = {}): void => {
    session = createFileSession({
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
  }

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
    begin()
  })
  afterEach(async () => {
    await session.close()
    rmSync(folder, { recursive: true, force: true })
  })

  return {
    ...{ begin, ask, code, download, start, upload },
    session: () => session,
    /** Every answer of every session of this test, as it came. */
    replies: () => replies,
    /** What the session said when it ended by itself. */
    refused: () => refused,
    /** `root` is open but for the agent's folder `agent` in it; what else lies in `folder` is outside. */
    places: () => ({ folder, root, agent }),
  }
}
