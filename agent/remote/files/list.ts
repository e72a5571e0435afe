import type { Dirent } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { LIMITS } from '../../../contract/limits.ts'
import type { FileEntry } from '../../../contract/remote/files.ts'
import type { HeldFolder } from './folder.ts'

const AT_ONCE = 32
/** Room for entries in one frame, which also has a head with the path. */
const PAGE_BYTES = 24 * 1024

/** What is in a folder, in pages that each fit a frame; at most LIMITS.filesPerFolder entries, the first that the system names. */
export async function listFolder(folder: HeldFolder): Promise<{ pages: FileEntry[][]; truncated: boolean }> {
  const names: string[] = []
  let truncated = false
  const directory = await opendir(folder.self, { bufferSize: 256 })
  for await (const { name } of directory as AsyncIterable<Dirent>) {
    if (names.length === LIMITS.filesPerFolder) {
      truncated = true
      break
    }
    names.push(name)
  }
  const entries: FileEntry[] = []
  for (let at = 0; at < names.length; at += AT_ONCE)
    entries.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map((name) => entryOf(folder, name)))))
  return { pages: inPages(entries), truncated }
}

/** A name that is not UTF-8 cannot be asked for: it is listed, as something that cannot be opened. */
async function entryOf(folder: HeldFolder, name: string): Promise<FileEntry> {
  try {
    const stats = await lstat(folder.at(name))
    const kind = stats.isFile()
      ? 'file'
      : stats.isDirectory()
        ? 'folder'
        : stats.isSymbolicLink()
          ? 'link'
          : 'other'
    return {
      name,
      kind,
      size: stats.size,
      changedAtMs: Math.round(stats.mtimeMs),
      mode: stats.mode & 0o7777,
    }
  } catch {
    return { name, kind: 'other', size: 0, changedAtMs: 0, mode: 0 }
  }
}

function inPages(entries: readonly FileEntry[]): FileEntry[][] {
  const pages: FileEntry[][] = [[]]
  let bytes = 0
  for (const entry of entries) {
    const length = Buffer.byteLength(JSON.stringify(entry)) + 1
    if (bytes + length > PAGE_BYTES) {
      pages.push([])
      bytes = 0
    }
    pages.at(-1)?.push(entry)
    bytes += length
  }
  return pages
}
