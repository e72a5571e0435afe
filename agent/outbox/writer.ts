import { closeSync, fdatasync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import { MAGIC } from './frame.ts'

/** How bytes reach the disk; given to the outbox so that a test can fill the disk at will. */
export type Disk = { write(fd: number, bytes: Buffer, position: number): number }
export const realDisk: Disk = {
  write: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
}

/** The active segment's file. */
export type Writer = {
  bytes(): number
  /** Adds whole bytes or nothing. Throws DISK_FULL when there is no room, INTERNAL for another fault of the disk. */
  append(bytes: Buffer): void
  /** Resolves when everything that was appended before is on the disk. */
  settled(): Promise<void>
  close(): void
}

/**
 * Opens a segment for appending after `bytes` whole bytes; what follows them is cut off. Appends that come within
 * `syncMs` of each other share one fdatasync: that is the window in which a power cut may lose them (a kill of
 * the process loses nothing that was appended).
 */
export function openWriter(options: { path: string; bytes: number; syncMs: number; disk: Disk }): Writer {
  const { path, syncMs, disk } = options
  const fd = guarded(path, () => openSync(path, options.bytes === 0 ? 'w' : 'r+', 0o600))
  let end = options.bytes
  let group: { done: Promise<void>; resolve: () => void; reject: (fault: VigiaError) => void } | undefined
  let timer: NodeJS.Timeout | undefined
  let syncing = Promise.resolve()

  const put = (bytes: Buffer): void => {
    try {
      let done = 0
      while (done < bytes.length) {
        const count = disk.write(fd, bytes.subarray(done), end + done)
        if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
        done += count
      }
      end += bytes.length
    } catch (thrown) {
      ftruncateSync(fd, end)
      throw diskFault(path, thrown)
    }
  }

  const flush = (): void => {
    const mine = group
    group = undefined
    clearTimeout(timer)
    timer = undefined
    if (!mine) return
    syncing = syncing.then(
      () =>
        new Promise((resolve) => {
          fdatasync(fd, (fault) => {
            if (fault) mine.reject(diskFault(path, fault))
            else mine.resolve()
            resolve()
          })
        }),
    )
  }

  try {
    guarded(path, () => ftruncateSync(fd, end))
    if (end === 0) {
      put(MAGIC)
      guarded(path, () => fsyncSync(fd))
      syncDirectory(dirname(path))
    }
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }

  return {
    bytes: () => end,
    append(bytes) {
      put(bytes)
      if (group) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      promise.catch(() => undefined)
      group = { done: promise, resolve, reject }
      timer = setTimeout(flush, syncMs)
    },
    settled: () => group?.done ?? syncing,
    close() {
      const mine = group
      group = undefined
      clearTimeout(timer)
      if (mine) {
        try {
          fdatasyncSync(fd)
          mine.resolve()
        } catch (thrown) {
          mine.reject(diskFault(path, thrown))
        }
      }
      void syncing.then(() => closeSync(fd))
    },
  }
}

/** Makes the creation and deletion of files in a directory durable; systems that cannot do so are left alone. */
export function syncDirectory(dir: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(dir, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** DISK_FULL when the system says that there is no room, INTERNAL otherwise; the path stands in the message. */
export function diskFault(path: string, thrown: unknown): VigiaError {
  if (thrown instanceof VigiaError) return thrown
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new VigiaError('DISK_FULL', `The disk of ${path} is full: ${message}`, { cause: thrown })
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new VigiaError('DATA_UNREADABLE', `Cannot write ${path}: ${message}`, { cause: thrown })
  return new VigiaError('INTERNAL', `Cannot write ${path}: ${message}`, { cause: thrown })
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw diskFault(path, thrown)
  }
}
