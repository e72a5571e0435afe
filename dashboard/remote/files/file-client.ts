import { ERROR_CODES, VigiaError, type ErrorCode } from '../../../contract/errors.ts'
import {
  FILE_CHUNK_BYTES,
  packHead,
  unpackHead,
  type FileEntry,
  type FileRequest,
  type FileResponse,
} from '../../../contract/remote/files.ts'
import type { Channel } from '../channel.ts'

/** A request without its number, which the client gives. */
type Asked = FileRequest extends infer R ? (R extends FileRequest ? Omit<R, 'id'> : never) : never
type Answered = { head: FileResponse; bytes: Uint8Array }

/** Pieces of a file that are under way at once: enough for a slow line, few enough for the device. */
const AHEAD = 12

export type FolderList = { path: string; entries: FileEntry[]; truncated: boolean }
/** Size and time of a file, by which it is known to be the same after a break. */
export type FileState = { size: number; changedAtMs: number }

/** The files of a device, over one session. All throw a VigiaError: the device's own, or REMOTE_UNAVAILABLE at the end. */
export type FileClient = {
  roots(): Promise<{ roots: string[]; control: boolean }>
  list(path: string): Promise<FolderList>
  /** Hands on the bytes from `offset` to the end, in order; answers the SHA-256 of the whole file on the device. */
  download(
    path: string,
    offset: number,
    options: { signal: AbortSignal; piece: (bytes: Uint8Array, state: FileState) => void },
  ): Promise<string>
  /** Sends what is missing of this content there; `sent` is told how much is there. */
  upload(
    path: string,
    content: Blob,
    options: { signal: AbortSignal; sha256: string; replace: boolean; sent: (bytes: number) => void },
  ): Promise<void>
  makeFolder(path: string): Promise<void>
  remove(path: string): Promise<void>
  rename(path: string, to: string): Promise<void>
  /** No answer will come any more. */
  close(): void
}

export function createFileClient(channel: Pick<Channel, 'send' | 'listen' | 'watch' | 'state'>): FileClient {
  type Pending = { take: (answer: Answered) => boolean; fail: (error: VigiaError) => void }
  const pending = new Map<number, Pending>()
  let last = 0
  let over: VigiaError | undefined

  const end = (why: string): void => {
    over ??= new VigiaError('REMOTE_UNAVAILABLE', why)
    for (const { fail } of pending.values()) fail(over)
    pending.clear()
  }
  const stop = channel.listen({
    frame(type, payload) {
      if (type !== 'response') return
      const unpacked = unpackHead(payload)
      // The frame is proven to be the device's, whose agent makes heads of this shape.
      const head = unpacked?.head as FileResponse | undefined
      const waiting = head === undefined ? undefined : pending.get(head.id)
      if (!unpacked || head === undefined || !waiting) return
      if (head.is === 'failed') {
        pending.delete(head.id)
        waiting.fail(new VigiaError(codeOf(head.code), head.message))
      } else if (waiting.take({ head, bytes: unpacked.bytes })) pending.delete(head.id)
    },
  })

  const unwatch = channel.watch(() => {
    const { phase, message, why } = channel.state()
    if (phase === 'closed' || phase === 'refused') end(message ?? `The session is over (${why ?? phase}).`)
  })

  /** Asks; `take` says whether that was the last answer. */
  function request(asked: Asked, bytes: Uint8Array | undefined, pendingOf: Pending): void {
    if (over) {
      pendingOf.fail(over)
      return
    }
    const id = ++last
    pending.set(id, pendingOf)
    void channel.send('request', packHead({ ...asked, id }, bytes)).then((sent) => {
      if (!sent) end('The session is over.')
    })
  }
  const once = (asked: Asked, bytes?: Uint8Array): Promise<Answered> =>
    new Promise((resolve, reject) => {
      request(asked, bytes, {
        take: (answer) => {
          resolve(answer)
          return true
        },
        fail: reject,
      })
    })
  const done = async (asked: Asked): Promise<void> => void (await once(asked))

  return {
    async roots() {
      const { head } = await once({ do: 'roots' })
      if (head.is !== 'roots') throw unexpected()
      return { roots: head.roots, control: head.control }
    },
    list: (path) =>
      new Promise((resolve, reject) => {
        const entries: FileEntry[] = []
        request({ do: 'list', path }, undefined, {
          take({ head }) {
            if (head.is !== 'list') {
              reject(unexpected())
              return true
            }
            entries.push(...head.entries)
            if (!head.more) resolve({ path: head.path, entries, truncated: head.truncated })
            return !head.more
          },
          fail: reject,
        })
      }),
    async download(path, offset, { signal, piece }) {
      let asked = offset
      let size: number | undefined
      const underWay: Promise<Answered>[] = []
      const askMore = (): void => {
        // The first answer says how much there is.
        while (underWay.length < (size === undefined ? 1 : AHEAD) && (size === undefined || asked < size)) {
          const next = once({ do: 'read', path, offset: asked })
          next.catch(() => undefined)
          underWay.push(next)
          asked += FILE_CHUNK_BYTES
        }
      }
      for (;;) {
        askMore()
        const { head, bytes } = (await underWay.shift()) ?? { head: undefined, bytes: new Uint8Array() }
        signal.throwIfAborted()
        if (head?.is !== 'chunk') throw unexpected()
        if (size !== undefined && head.size !== size)
          throw new VigiaError('FILE_CHANGED', 'The file changed while it was read')
        size = head.size
        piece(bytes, { size, changedAtMs: head.changedAtMs })
        if (head.end) return head.sha256 ?? ''
      }
    },
    async upload(path, content, { signal, sha256, replace, sent }) {
      const { head } = await once({ do: 'begin', path, size: content.size, sha256, replace })
      if (head.is !== 'begun') throw unexpected()
      const { upload } = head
      const underWay: { end: number; answer: Promise<Answered> }[] = []
      let offset = head.offset
      sent(offset)
      while (offset < content.size || underWay.length > 0) {
        signal.throwIfAborted()
        if (offset < content.size && underWay.length < AHEAD) {
          const piece = content.slice(offset, offset + FILE_CHUNK_BYTES)
          const answer = once({ do: 'write', upload, offset }, new Uint8Array(await piece.arrayBuffer()))
          answer.catch(() => undefined)
          offset += piece.size
          underWay.push({ end: offset, answer })
          continue
        }
        const first = underWay.shift()
        if (!first) break
        await first.answer
        sent(first.end)
      }
      await done({ do: 'end', upload })
    },
    makeFolder: (path) => done({ do: 'make-folder', path }),
    remove: (path) => done({ do: 'remove', path }),
    rename: (path, to) => done({ do: 'rename', path, to }),
    close() {
      stop()
      unwatch()
      end('The session is over.')
    },
  }
}

function codeOf(code: string): ErrorCode {
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'INTERNAL'
}

function unexpected(): VigiaError {
  return new VigiaError('INTERNAL', 'The device answered something else than what it was asked.')
}
