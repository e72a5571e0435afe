import { constants, type BigIntStats } from 'node:fs'
import { link, lstat, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises'
import { VigiaError } from '../../../contract/errors.ts'
import { refuseMove, type ClosedFolder, type HeldFolder } from './folder.ts'

/** A new folder, private, of the one whose folder it stands in. CONFLICT when the name is taken. */
export async function makeFolder(folder: HeldFolder, name: string): Promise<void> {
  await mkdir(folder.at(name), { mode: 0o700 })
  if (process.getuid?.() !== 0) return
  const made = await open(folder.at(name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    // What was exchanged for it meanwhile is not given away.
    const { uid } = await made.stat()
    if (uid === 0 && (await readdir(folder.at(name))).length === 0)
      await made.chown(Number(folder.stats.uid), Number(folder.stats.gid))
  } finally {
    await made.close()
  }
}

/** Removes a file, a link itself, or an empty folder; nothing else. */
export async function removeEntry(
  folder: HeldFolder,
  name: string,
  closed: readonly ClosedFolder[],
): Promise<void> {
  const { kind } = await movable(folder, name, closed)
  await (kind === 'folder' ? rmdir(folder.at(name)) : unlink(folder.at(name)))
}

/** Gives a file, link or folder another name; CONFLICT when that is taken. */
export async function renameEntry(
  from: { folder: HeldFolder; name: string },
  to: { folder: HeldFolder; name: string },
  closed: readonly ClosedFolder[],
): Promise<void> {
  const { kind, stats } = await movable(from.folder, from.name, closed)
  const [source, target] = [from.folder.at(from.name), to.folder.at(to.name)]
  const there = await lstat(target, { bigint: true }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  const itself = there !== undefined && isRecased([from.name, stats], [to.name, there])
  if (there && !itself) throw new VigiaError('CONFLICT', 'There is something of this name')
  if (kind === 'file' && !itself) {
    try {
      // Unlike rename, this never replaces what came under the name meanwhile.
      await link(source, target)
      return await unlink(source)
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      if (code === 'EEXIST' || code === 'EXDEV') throw thrown
    }
  }
  await rename(source, target)
}

/** Is it the same thing, whose name only changes between capital and small letters, which this file system does not tell apart? */
function isRecased([name, stats]: [string, BigIntStats], [other, there]: [string, BigIntStats]): boolean {
  const same = stats.dev === there.dev && stats.ino === there.ino
  // A file of two names has both of them.
  const single = stats.isDirectory() || stats.nlink === 1n
  return same && single && name !== other && name.toLowerCase() === other.toLowerCase()
}

async function movable(
  folder: HeldFolder,
  name: string,
  closed: readonly ClosedFolder[],
): Promise<{ kind: 'file' | 'link' | 'folder'; stats: BigIntStats }> {
  const stats = await lstat(folder.at(name), { bigint: true })
  refuseMove(stats, closed)
  if (stats.isDirectory()) return { kind: 'folder', stats }
  if (stats.isSymbolicLink()) return { kind: 'link', stats }
  if (stats.isFile()) return { kind: 'file', stats }
  throw new VigiaError('FORBIDDEN', 'This is no ordinary file (a device, pipe or socket)')
}
