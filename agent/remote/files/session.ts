import { lstat, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { VigiaError, asVigiaError, type ErrorCode } from '../../../contract/errors.ts'
import { FileRequest, packHead, unpackHead, type FileResponse } from '../../../contract/remote/files.ts'
import { makeFolder, removeEntry, renameEntry } from './change.ts'
import { holdFolder, openToRead, type ClosedFolder, type HeldFolder } from './folder.ts'
import { listFolder } from './list.ts'
import { outside, partsOf, pathOf, placeIn, type Place } from './path.ts'
import { partName } from './parts.ts'
import { readFrom, type FileReader } from './reader.ts'
import { beginUpload, type Upload } from './upload.ts'

/** Requests that wait; a page asks for a few chunks ahead and no more. */
const MOST_WAITING = 64
/** Files that are held open for reading, and uploads that are under way. */
const MOST_OPEN = 4

/** A files session: answers requests one after the other, inside the roots. */
export type FileSession = {
  /** One request as it came in a frame; resolves when its answer has been sent. Never rejects. */
  request(payload: Uint8Array): Promise<void>
  close(): Promise<void>
}

const CHANGES: readonly FileRequest['do'][] = ['begin', 'write', 'end', 'make-folder', 'remove', 'rename']

/**
 * Serves files under `roots`. Without `control` nothing is changed. `closedFolders` stay closed inside the roots too:
 * the agent's own. Faults are answers (`failed`, with a code); what is no request ends the session by `refuse`.
 */
export function createFileSession(options: {
  roots: readonly string[]
  control: boolean
  closedFolders: readonly string[]
  /** The agent's folder of notes where part files of uploads are. */
  partNotes: string
  respond: (payload: Uint8Array) => Promise<void>
  refuse: (message: string) => void
}): FileSession {
  const { roots, control } = options
  const readers = new Map<string, FileReader>()
  const uploads = new Map<string, Upload>()
  let uploadsBegun = 0
  let waiting = 0
  let tail = Promise.resolve()
  let closed: Promise<ClosedFolder[]> | undefined

  const answer = (response: FileResponse, bytes?: Uint8Array): Promise<void> =>
    options.respond(packHead(response, bytes))

  async function serve(request: FileRequest, bytes: Uint8Array): Promise<void> {
    const { id } = request
    if (!control && CHANGES.includes(request.do))
      throw new VigiaError('FORBIDDEN', 'This session may read and not change anything')
    switch (request.do) {
      case 'roots':
        return answer({ is: 'roots', id, roots: roots.map((root) => plain(root)), control })
      case 'list':
        return list(id, request.path)
      case 'read':
        return read(id, request.path, request.offset)
      case 'begin': {
        if (uploads.size >= MOST_OPEN) throw new VigiaError('CONFLICT', 'Too many uploads at once')
        const { folder, name, place } = await parentOf(request.path)
        const part = pathOf({ ...place, parts: [...place.parts.slice(0, -1), partName(request.sha256)] })
        const upload = await beginUpload(folder, { ...request, name, note: { dir: options.partNotes, part } })
        const key = String(++uploadsBegun)
        uploads.set(key, upload)
        return answer({ is: 'begun', id, upload: key, offset: upload.offset() })
      }
      case 'write':
        await uploadOf(request.upload).write(request.offset, bytes)
        return answer({ is: 'done', id })
      case 'end': {
        const upload = uploadOf(request.upload)
        uploads.delete(request.upload)
        await closing(() => upload.finish(), upload)
        return answer({ is: 'done', id })
      }
      case 'make-folder': {
        const { folder, name } = await parentOf(request.path)
        await closing(() => makeFolder(folder, name), folder)
        return answer({ is: 'done', id })
      }
      case 'remove': {
        const { folder, name } = await parentOf(request.path)
        await closing(async () => removeEntry(folder, name, await closedFolders()), folder)
        return answer({ is: 'done', id })
      }
      case 'rename': {
        const from = await parentOf(request.path)
        await closing(async () => {
          const to = await parentOf(request.to)
          await closing(async () => renameEntry(from, to, await closedFolders()), to.folder)
        }, from.folder)
        return answer({ is: 'done', id })
      }
      default:
        request satisfies never
    }
  }

  async function list(id: number, path: string): Promise<void> {
    const place = placeIn(roots, path)
    const folder = await holdFolder(place, place.parts, await closedFolders())
    const { pages, truncated } = await closing(() => listFolder(folder), folder)
    const last = pages.length - 1
    for (const [index, entries] of pages.entries())
      await answer({ is: 'list', id, path: pathOf(place), entries, truncated, more: index < last })
  }

  async function read(id: number, path: string, offset: number): Promise<void> {
    let reader = readers.get(path)
    readers.delete(path)
    if (reader && reader.offset() !== offset) {
      await reader.close()
      reader = undefined
    }
    reader ??= await openReader(path, offset)
    try {
      const { bytes, ...head } = await reader.next()
      if (head.end) await reader.close()
      else readers.set(path, reader)
      await answer({ is: 'chunk', id, ...head }, bytes)
    } catch (thrown) {
      await reader.close()
      throw thrown
    }
    if (readers.size <= MOST_OPEN) return
    const [oldest] = readers
    if (!oldest) return
    readers.delete(oldest[0])
    await oldest[1].close()
  }

  async function openReader(path: string, offset: number): Promise<FileReader> {
    const { folder, name } = await parentOf(path)
    const handle = await closing(() => openToRead(folder, name), folder)
    return readFrom(handle, offset)
  }

  /** The folder that a path's last name stands in, held; never above a root. */
  async function parentOf(path: string): Promise<{ folder: HeldFolder; name: string; place: Place }> {
    const place = placeIn(roots, path)
    const name = place.parts.at(-1)
    if (name === undefined) throw outside('This is the top of what this device allows')
    const folder = await holdFolder(place, place.parts.slice(0, -1), await closedFolders())
    return { folder, name, place }
  }

  function uploadOf(key: string): Upload {
    const upload = uploads.get(key)
    if (!upload) throw new VigiaError('NOT_FOUND', 'There is no such upload in this session')
    return upload
  }

  function closedFolders(): Promise<ClosedFolder[]> {
    closed ??= Promise.all(options.closedFolders.map(closedBy)).then((all) => all.flat())
    return closed
  }

  async function handle(payload: Uint8Array): Promise<void> {
    const unpacked = unpackHead(payload)
    const request = FileRequest.safeParse(unpacked?.head)
    if (!unpacked || !request.success) {
      options.refuse('What came is no request of a files session')
      return
    }
    try {
      await serve(request.data, unpacked.bytes)
    } catch (thrown) {
      const { code, message } = fileFault(thrown)
      await answer({ is: 'failed', id: request.data.id, code, message: message.slice(0, 300) })
    }
  }

  return {
    request(payload) {
      if (waiting >= MOST_WAITING) {
        options.refuse('Too many requests at once')
        return Promise.resolve()
      }
      waiting += 1
      tail = tail.then(() => handle(payload)).finally(() => (waiting -= 1))
      return tail
    },
    async close() {
      await tail
      const all = [...readers.values(), ...uploads.values()]
      readers.clear()
      uploads.clear()
      await Promise.all(all.map((each) => each.close()))
    },
  }
}

/**
 * What stays closed so that a folder does: the folder itself, wherever links lead, and, only against being moved away or
 * removed, a link that names it and every folder that it lies in.
 */
async function closedBy(path: string): Promise<ClosedFolder[]> {
  const real = await realpath(path)
  const { dev, ino } = await stat(real, { bigint: true })
  const fixed: ClosedFolder[] = []
  for (const start of new Set([path, real]))
    for (let at = start; at !== dirname(at); at = dirname(at)) {
      const link = await lstat(at, { bigint: true })
      if (link.dev !== dev || link.ino !== ino) fixed.push({ dev: link.dev, ino: link.ino, fixed: true })
    }
  return [{ dev, ino }, ...fixed]
}

/** Runs the work and closes what it used, however it ends. */
async function closing<T>(work: () => Promise<T>, used: { close(): Promise<void> }): Promise<T> {
  try {
    return await work()
  } finally {
    await used.close()
  }
}

function plain(root: string): string {
  return pathOf({ root: partsOf(root), parts: [] })
}

const OF_SYSTEM: Partial<Record<string, [ErrorCode, string]>> = {
  ENOENT: ['NOT_FOUND', 'There is no such file or folder'],
  ENOTDIR: ['NOT_FOUND', 'There is no such folder'],
  ENAMETOOLONG: ['NOT_FOUND', 'The name is too long for this system'],
  EINVAL: ['CONFLICT', 'The system cannot do this with these names'],
  EACCES: ['FORBIDDEN', 'The system does not allow it'],
  EPERM: ['FORBIDDEN', 'The system does not allow it'],
  EROFS: ['FORBIDDEN', 'The disk cannot be written to'],
  EEXIST: ['CONFLICT', 'There is something of this name'],
  ENOTEMPTY: ['CONFLICT', 'The folder is not empty'],
  EISDIR: ['CONFLICT', 'This is a folder'],
  EBUSY: ['CONFLICT', 'Something uses it'],
  ETXTBSY: ['CONFLICT', 'It is a program that runs'],
  EXDEV: ['CONFLICT', 'It cannot be moved to another disk'],
  ELOOP: ['FILE_OUTSIDE', 'This is a link; links are not followed'],
  ENOSPC: ['DISK_FULL', 'The disk of the device is full'],
  EDQUOT: ['DISK_FULL', 'The disk of the device is full for this user'],
  EFBIG: ['FILE_TOO_LARGE', 'The file is larger than this disk takes'],
}

/** A fault of the system in the words of the table; its own text could name paths that nobody asked for. */
function fileFault(thrown: unknown): VigiaError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  const [ours, message] = OF_SYSTEM[code] ?? []
  if (thrown instanceof VigiaError || ours === undefined || message === undefined) return asVigiaError(thrown)
  return new VigiaError(ours, message, { cause: thrown })
}
