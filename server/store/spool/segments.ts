import { open, mkdir, readdir, readFile, rename, rm, truncate, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { VigiaError } from '../../../contract/errors.ts'
import { encodeFrame, type LayoutNumbers } from './frames.ts'
import type { StoredReport } from '../store.ts'

const SEGMENT = /^(\d{12})\.spool$/

type Live = { file: FileHandle; name: string; bytes: number; numbers: LayoutNumbers }

/** The files of a spool: numbered segments, of which the last is being written, and what was kept aside. */
export type Segments = ReturnType<typeof createSegments>

/** Opens nothing until the first append. A segment is closed when it passes `segmentBytes`. */
export function createSegments(directory: string, segmentBytes: number) {
  let live: Live | undefined
  let nextNumber = 1

  async function begin(): Promise<Live> {
    const name = `${String(nextNumber++).padStart(12, '0')}.spool`
    const file = await open(join(directory, name), 'ax', 0o600)
    live = { file, name, bytes: 0, numbers: new Map() }
    await syncDirectory()
    return live
  }

  async function syncDirectory(): Promise<void> {
    const handle = await open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async function close(): Promise<void> {
    const closing = live
    live = undefined
    await closing?.file.close()
  }

  /** Takes back what a failed append may have left. If even that fails, the segment is ended and its end found torn. */
  async function cutOff(segment: Live, reason: unknown): Promise<never> {
    try {
      await segment.file.truncate(segment.bytes)
    } catch (second) {
      await close()
      throw new AggregateError(
        [reason, second],
        `${String(reason)}; cutting it off failed: ${String(second)}`,
        {
          cause: reason,
        },
      )
    }
    throw reason
  }

  return {
    /** The names of all segments on disk, oldest first. */
    async list(): Promise<string[]> {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const names = (await readdir(directory)).filter((name) => SEGMENT.test(name)).sort()
      const last = SEGMENT.exec(names[names.length - 1] ?? '')?.[1]
      nextNumber = Math.max(nextNumber, Number(last ?? 0) + 1)
      return names
    },

    read: (name: string): Promise<Buffer> => readFile(join(directory, name)),
    remove: (name: string): Promise<void> => rm(join(directory, name)),
    liveName: (): string | undefined => live?.name,

    /** Cuts a torn end off. */
    truncate: (name: string, bytes: number): Promise<void> => truncate(join(directory, name), bytes),

    /** Ends the segment that is being written; the next append begins a new one. */
    rotate: close,
    close,

    /**
     * Appends batches, one frame each, and returns when they are on disk (fsync), with the bytes they took and the
     * segment's name. After a throw (DISK_FULL, DATA_UNREADABLE) nothing of them stands in the segment.
     */
    async append(
      batches: readonly (readonly StoredReport[])[],
      nowMs: number,
    ): Promise<{ name: string; bytes: number }> {
      try {
        if (live && live.bytes >= segmentBytes) await close()
        const segment = live ?? (await begin())
        const numbers = new Map(segment.numbers)
        const data = Buffer.concat(batches.map((batch) => encodeFrame(batch, numbers, nowMs)))
        try {
          await writeAll(segment.file, data, segment.bytes)
          await segment.file.datasync()
        } catch (error) {
          await cutOff(segment, error)
        }
        segment.numbers = numbers
        segment.bytes += data.length
        return { name: segment.name, bytes: data.length }
      } catch (error) {
        throw spoolError(directory, error)
      }
    },

    /** Writes bytes that cannot be used as a file of their own, durably, and says where. */
    async keepAside(name: string, bytes: Buffer): Promise<string> {
      const path = join(directory, name)
      const file = await open(`${path}.part`, 'w', 0o600)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${path}.part`, path)
      await syncDirectory()
      return path
    },
  }
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < data.length) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done)
    done += bytesWritten
  }
}

function spoolError(directory: string, thrown: unknown): VigiaError {
  const code = codeOf(thrown instanceof AggregateError ? thrown.cause : thrown)
  const words = thrown instanceof Error ? thrown.message : String(thrown)
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  return new VigiaError(
    full ? 'DISK_FULL' : 'STORE_UNAVAILABLE',
    full
      ? `The disk that holds the spool ${directory} is full: ${words}`
      : `The spool ${directory}: ${words}`,
    { cause: thrown },
  )
}

function codeOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : ''
}
