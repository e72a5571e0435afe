import { constants } from 'node:fs'
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
  const stats = await movable(folder, name, closed)
  await (stats === 'folder' ? rmdir(folder.at(name)) : unlink(folder.at(name)))
}

/** Gives a file, link or folder another name; CONFLICT when that is taken. */
export async function renameEntry(
  from: { folder: HeldFolder; name: string },
  to: { folder: HeldFolder; name: string },
  closed: readonly ClosedFolder[],
): Promise<void> {
  const kind = await movable(from.folder, from.name, closed)
  const [source, target] = [from.folder.at(from.name), to.folder.at(to.name)]
  const taken = await lstat(target).then(
    () => true,
    (thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ENOENT') return false
      throw thrown
    },
  )
  if (taken) throw new VigiaError('CONFLICT', 'There is something of this name')
  if (kind === 'file') {
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

async function movable(
  folder: HeldFolder,
  name: string,
  closed: readonly ClosedFolder[],
): Promise<'file' | 'link' | 'folder'> {
  const stats = await lstat(folder.at(name), { bigint: true })
  refuseMove(stats, closed)
  if (stats.isDirectory()) return 'folder'
  if (stats.isSymbolicLink()) return 'link'
  if (stats.isFile()) return 'file'
  throw new VigiaError('FORBIDDEN', 'This is no ordinary file (a device, pipe or socket)')
}
