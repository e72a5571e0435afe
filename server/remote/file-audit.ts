import { TO_DEVICE, type Direction, type FrameType } from '../../contract/remote/session.ts'
import { FileRequest, FileResponse, unpackHead } from '../../contract/remote/files.ts'

/** Something that was done to files of a device, for the audit chain. */
export type FileDeed = {
  action:
    | 'file.list'
    | 'file.read'
    | 'file.write'
    | 'file.make-folder'
    | 'file.remove'
    | 'file.rename'
    | 'file.refuse'
  detail: Record<string, string | number | boolean | null>
}

/** Follows one files session as it goes by. */
export type FileAudit = {
  /** A frame of either side; the answer is what has been done by it. What cannot be read is none. */
  frame(direction: Direction, type: FrameType, payload: Uint8Array): FileDeed[]
  /** The session is over: what was only half done. */
  end(): FileDeed[]
}

type Read = { from: number; bytes: number; size: number }
type Write = { path: string; size: number; sha256: string; from: number; bytes: number; replace: boolean }

/** Requests, reads and uploads that are followed at once; a page asks for a few and waits. */
const MOST = 256

/**
 * Reads the heads of requests and answers. A deed counts once the device says that it was done: the answers are the
 * device's word, and the requests the technician's, both proven to each other but not to the server. `flood` is called
 * when more is asked at once than is followed: nothing may be done unseen.
 */
export function createFileAudit(flood: () => void): FileAudit {
  /** By id, in order: a device answers one after the other, so that an id that is used again hides nothing. */
  const asked = new Map<number, FileRequest[]>()
  let open = 0
  const reads = new Map<string, Read>()
  const writes = new Map<string, Write>()

  const partRead = (path: string, read: Read): FileDeed => ({
    action: 'file.read',
    detail: { path, ...read, sha256: null, whole: false },
  })
  const partWritten = ({ path, size, sha256, from, bytes }: Write): FileDeed => ({
    action: 'file.write',
    detail: { path, size, sha256, from, bytes, whole: false },
  })

  function request(head: unknown, bytes: number): void {
    const parsed = FileRequest.safeParse(head)
    if (!parsed.success) return
    if (open >= MOST) return flood()
    open += 1
    asked.set(parsed.data.id, [...(asked.get(parsed.data.id) ?? []), parsed.data])
    if (parsed.data.do !== 'write') return
    const write = writes.get(parsed.data.upload)
    if (write) write.bytes += bytes
  }

  function response(head: unknown, length: number): FileDeed[] {
    const parsed = FileResponse.safeParse(head)
    if (!parsed.success) return []
    const answer = parsed.data
    const [about, ...later] = asked.get(answer.id) ?? []
    if (about === undefined) return []
    if (answer.is !== 'list' || !answer.more) {
      open -= 1
      if (later.length > 0) asked.set(answer.id, later)
      else asked.delete(answer.id)
    }
    switch (answer.is) {
      case 'roots':
        return []
      case 'list':
        return answer.more ? [] : [{ action: 'file.list', detail: { path: answer.path } }]
      case 'chunk':
        return about.do === 'read' ? chunk(about.path, answer, length) : []
      case 'begun': {
        if (about.do !== 'begin' || writes.size >= MOST) return []
        const { path, size, sha256, replace } = about
        writes.set(answer.upload, { path, size, sha256, from: answer.offset, bytes: 0, replace })
        return []
      }
      case 'done':
        return done(about)
      case 'failed':
        return failed(about, answer.code)
      default:
        answer satisfies never
        return []
    }
  }

  function chunk(path: string, answer: Extract<FileResponse, { is: 'chunk' }>, length: number): FileDeed[] {
    const { size, sha256 } = answer
    const known = reads.get(path)
    const goesOn = known !== undefined && known.from + known.bytes === answer.offset
    const read = goesOn ? known : { from: answer.offset, bytes: 0, size }
    const deeds = known === undefined || goesOn ? [] : [partRead(path, known)]
    read.bytes += length
    reads.delete(path)
    if (answer.end)
      deeds.push({ action: 'file.read', detail: { path, ...read, sha256, whole: read.from === 0 } })
    else reads.set(path, read)
    if (reads.size > MOST) {
      const [oldest] = reads
      if (oldest) {
        reads.delete(oldest[0])
        deeds.push(partRead(...oldest))
      }
    }
    return deeds
  }

  function done(about: FileRequest): FileDeed[] {
    switch (about.do) {
      case 'make-folder':
      case 'remove':
        return [{ action: `file.${about.do}`, detail: { path: about.path } }]
      case 'rename':
        return [{ action: 'file.rename', detail: { path: about.path, to: about.to } }]
      case 'end': {
        const write = writes.get(about.upload)
        writes.delete(about.upload)
        return write ? [{ action: 'file.write', detail: { ...write, whole: true } }] : []
      }
      default:
        return []
    }
  }

  function failed(about: FileRequest, code: string): FileDeed[] {
    const write = about.do === 'end' || about.do === 'write' ? writes.get(about.upload) : undefined
    if (about.do === 'end') writes.delete(about.upload)
    const path = 'path' in about ? about.path : (write?.path ?? null)
    return [{ action: 'file.refuse', detail: { do: about.do, path, code: code.slice(0, 60) } }]
  }

  return {
    frame(direction, type, payload) {
      if (type !== (direction === TO_DEVICE ? 'request' : 'response')) return []
      const unpacked = unpackHead(payload)
      if (unpacked === undefined) return []
      if (direction !== TO_DEVICE) return response(unpacked.head, unpacked.bytes.length)
      request(unpacked.head, unpacked.bytes.length)
      return []
    },
    end() {
      const half = [
        ...[...reads].map((each) => partRead(...each)),
        ...[...writes.values()].map((each) => partWritten(each)),
        ...[...asked.values()].flat().flatMap(unanswered),
      ]
      asked.clear()
      open = 0
      reads.clear()
      writes.clear()
      return half
    },
  }
}

/** A change that was asked for and of which the device said nothing any more: it may have been done. */
function unanswered(request: FileRequest): FileDeed[] {
  switch (request.do) {
    case 'make-folder':
    case 'remove':
      return [{ action: `file.${request.do}`, detail: { path: request.path, answered: false } }]
    case 'rename':
      return [{ action: 'file.rename', detail: { path: request.path, to: request.to, answered: false } }]
    default:
      return []
  }
}
