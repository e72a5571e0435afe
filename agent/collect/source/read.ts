import { closeSync, openSync, readdirSync, readlinkSync, readSync, statfsSync, statSync } from 'node:fs'

/** What statfs(2) says, in blocks and inodes. */
export type FileSystemStat = {
  bsize: number
  blocks: number
  bfree: number
  bavail: number
  files: number
  ffree: number
}

/** Size in bytes, modification time in Unix milliseconds, and inode of a file. */
export type FileStat = { size: number; mtimeMs: number; ino: number; isFile: () => boolean }

/**
 * Reads small files below a root (`/`, or a folder of recorded files in tests) into one buffer that is used again
 * and again. Files under /proc and /sys lie in memory, so reading them synchronously waits for nothing. Whatever
 * cannot be read, for any reason, is undefined.
 */
export type Reader = {
  /** The file as text, at most `maxBytes` (1 MiB unless told). */
  text(path: string, maxBytes?: number): string | undefined
  /** One number that stands alone in a file, as in /sys. */
  number(path: string): number | undefined
  /** Bytes from an offset; a view that holds until the next read. */
  bytes(path: string, offset: number, length: number): Buffer | undefined
  /** Names in a folder, sorted by code point. */
  list(path: string): string[] | undefined
  link(path: string): string | undefined
  stat(path: string): FileStat | undefined
  exists(path: string): boolean
  /** The path on this machine's file system. */
  real(path: string): string
}

const DEFAULT_MAX_BYTES = 1024 * 1024
const FIRST_BYTES = 16 * 1024
/** A buffer that grew beyond this for one large file is not kept for the small ones. */
const KEPT_BYTES = 256 * 1024

/** Makes a reader below a root folder. */
export function createReader(root: string): Reader {
  const prefix = root.replace(/\/+$/, '')
  let buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)

  /** Fills the buffer from `offset`; the number of bytes, or -1 when the file cannot be read. */
  const fill = (path: string, offset: number | null, maxBytes: number): number => {
    let file: number
    try {
      file = openSync(prefix + path, 'r')
    } catch {
      return -1
    }
    try {
      if (buffer.length > KEPT_BYTES) buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
      let used = 0
      while (used < maxBytes) {
        if (used === buffer.length) buffer = Buffer.concat([buffer], Math.min(buffer.length * 2, maxBytes))
        const want = Math.min(buffer.length, maxBytes) - used
        const got = readSync(file, buffer, used, want, offset === null ? null : offset + used)
        if (got === 0) break
        used += got
      }
      return used
    } catch {
      return -1
    } finally {
      closeSync(file)
    }
  }

  const text = (path: string, maxBytes = DEFAULT_MAX_BYTES): string | undefined => {
    const length = fill(path, null, maxBytes)
    return length < 0 ? undefined : buffer.toString('utf8', 0, length)
  }

  const stat = (path: string): FileStat | undefined => {
    try {
      return statSync(prefix + path, { throwIfNoEntry: false })
    } catch {
      return undefined
    }
  }

  return {
    text,
    number(path) {
      const read = text(path, 64)?.trim()
      if (read === undefined || read === '') return undefined
      const value = Number(read)
      return Number.isFinite(value) ? value : undefined
    },
    bytes(path, offset, length) {
      const got = fill(path, offset, length)
      return got < 0 ? undefined : buffer.subarray(0, got)
    },
    list(path) {
      try {
        return readdirSync(prefix + path).sort()
      } catch {
        return undefined
      }
    },
    link(path) {
      try {
        return readlinkSync(prefix + path)
      } catch {
        return undefined
      }
    },
    stat,
    exists: (path) => stat(path) !== undefined,
    real: (path) => prefix + path,
  }
}

/** statfs(2) of a path; undefined when it cannot be asked. */
export function statFileSystem(path: string): FileSystemStat | undefined {
  try {
    return statfsSync(path)
  } catch {
    return undefined
  }
}
