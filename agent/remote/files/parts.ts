import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { holdFolder } from './folder.ts'
import { partsOf } from './path.ts'

const DAY_MS = 86_400_000
/** An upload that was not gone on with for so long never will be. */
const PART_KEPT_MS = 7 * DAY_MS
/** So long a folder is looked for that is away, as on a disk that is not there now. */
const NOTE_KEPT_MS = 90 * DAY_MS
const PART_NAME = /^\.vigia-[0-9a-f]{32}\.part$/

/** What an upload of this content is called beside its target until all of it is there. */
export function partName(sha256: string): string {
  return `.vigia-${sha256.slice(0, 32)}.part`
}

/** Is this a part file that an agent of this user made? Nobody else's is ever written into or removed. */
export function isOwnPart(stats: Pick<BigIntStats, 'uid' | 'mode' | 'nlink' | 'isFile'>): boolean {
  const own = process.getuid?.() ?? Number(stats.uid)
  const isPrivate = process.platform === 'win32' || (Number(stats.mode) & 0o77) === 0
  return stats.isFile() && Number(stats.nlink) === 1 && Number(stats.uid) === own && isPrivate
}

/** Notes where a part file is, in the agent's own folder `dir`, so that what is left of it can be found again. */
export async function notePart(dir: string, path: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await writeFile(noteOf(dir, path), path, { mode: 0o600 })
}

/** The part file has got its name, or is gone. */
export async function forgetPart(dir: string, path: string): Promise<void> {
  await rm(noteOf(dir, path), { force: true })
}

/**
 * Removes the part files that are noted in `dir` and were not written to for a week; answers their paths. What is not
 * the agent's own stays, and no link is followed on the way to it.
 */
export async function sweepParts(dir: string, nowMs: number): Promise<string[]> {
  const swept: string[] = []
  for (const name of await readdir(dir)) {
    const note = join(dir, name)
    const path = await readFile(note, 'utf8')
    const found = await removeOld(path, nowMs)
    if (found === 'removed') swept.push(path)
    const away = found === 'away' && nowMs - (await stat(note)).mtimeMs < NOTE_KEPT_MS
    if (found !== 'kept' && !away) await rm(note, { force: true })
  }
  return swept
}

async function removeOld(path: string, nowMs: number): Promise<'removed' | 'kept' | 'gone' | 'away'> {
  const { base, parts } = partsOf(path)
  const name = parts.at(-1) ?? ''
  if (!PART_NAME.test(name)) return 'gone'
  const place = { root: { base, parts: [] }, parts }
  const folder = await holdFolder(place, parts.slice(0, -1), []).catch(() => undefined)
  if (folder === undefined) return 'away'
  try {
    const stats = await lstat(folder.at(name), { bigint: true })
    if (!isOwnPart(stats)) return 'gone'
    if (nowMs - Number(stats.mtimeMs) < PART_KEPT_MS) return 'kept'
    await unlink(folder.at(name))
    return 'removed'
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : 'kept'
  } finally {
    await folder.close()
  }
}

function noteOf(dir: string, path: string): string {
  return join(dir, createHash('sha256').update(path).digest('hex'))
}
