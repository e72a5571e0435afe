import { createHash, type Hash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { VigiaError } from '../../../contract/errors.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { FILE_CHUNK_BYTES } from '../../../contract/remote/files.ts'

const HASH_PIECE_BYTES = 1024 * 1024

/** A piece of a file; `sha256` of the whole comes with the last one. */
export type Chunk = {
  bytes: Uint8Array
  offset: number
  size: number
  changedAtMs: number
  sha256: string | null
  end: boolean
}

/** A file that is being read from somewhere to its end, with the checksum of all of it. */
export type FileReader = {
  /** Where the next piece begins. */
  offset(): number
  next(): Promise<Chunk>
  close(): Promise<void>
}

/**
 * Reads a file from this offset; what lies before it goes into the checksum too. FILE_TOO_LARGE by the limit,
 * FILE_CHANGED when the file is shorter than that or changes while it is read. Takes the handle over.
 */
export async function readFrom(handle: FileHandle, offset: number): Promise<FileReader> {
  try {
    const first = await handle.stat({ bigint: true })
    const size = Number(first.size)
    if (size > LIMITS.fileBytes) throw tooLarge(size)
    if (offset > size) throw changed()
    const hash = createHash('sha256')
    await hashPart(handle, hash, offset)
    let at = offset
    return {
      offset: () => at,
      async next() {
        const bytes = new Uint8Array(Math.min(FILE_CHUNK_BYTES, size - at))
        const filled = await fill(handle, bytes, at)
        const now = await handle.stat({ bigint: true })
        if (!filled || !sameContent(first, now)) throw changed()
        hash.update(bytes)
        const from = at
        at += bytes.length
        const end = at === size
        return {
          bytes,
          offset: from,
          size,
          changedAtMs: Number(first.mtimeMs),
          sha256: end ? hash.copy().digest('hex') : null,
          end,
        }
      },
      close: () => handle.close(),
    }
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

/** Adds the first `length` bytes of a file to a checksum; FILE_CHANGED when there are fewer. */
export async function hashPart(handle: FileHandle, hash: Hash, length: number): Promise<void> {
  for (let at = 0; at < length; at += HASH_PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(HASH_PIECE_BYTES, length - at))
    if (!(await fill(handle, piece, at))) throw changed()
    hash.update(piece)
  }
}

/** FILE_TOO_LARGE in words. */
export function tooLarge(size: number): VigiaError {
  return new VigiaError(
    'FILE_TOO_LARGE',
    `The file has ${size} bytes; at most ${LIMITS.fileBytes} are carried`,
  )
}

async function fill(handle: FileHandle, bytes: Uint8Array, from: number): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at)
    if (bytesRead === 0) return false
    at += bytesRead
  }
  return true
}

function sameContent(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs
}

function changed(): VigiaError {
  return new VigiaError('FILE_CHANGED', 'The file changed while it was read')
}
