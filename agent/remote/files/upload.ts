import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { lstat, link, open, rename, statfs, unlink, type FileHandle } from 'node:fs/promises'
import { VigiaError } from '../../../contract/errors.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { checkFile, refuseElsewhere, type HeldFolder } from './folder.ts'
import { forgetPart, isOwnPart, notePart, partName } from './parts.ts'
import { hashPart, tooLarge } from './reader.ts'

/** So much room stays free on the disk of the device. */
const RESERVE_BYTES = 128 * 1024 * 1024
const PRIVATE = 0o600
/** What file systems without hard links say of one; FAT on Windows says EISDIR (libuv, ERROR_INVALID_FUNCTION). */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR'])

/** An upload that was begun: its bytes go into a file beside the target until all of them are there. */
export type Upload = {
  /** How many bytes are there. */
  offset(): number
  /** The next bytes, in order. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Checks the whole and gives it its name; FILE_CHANGED when it is not what was announced. */
  finish(): Promise<void>
  /** Leaves what is there for another time. */
  close(): Promise<void>
}

type Target = {
  name: string
  size: number
  sha256: string
  replace: boolean
  /** Where its part file is noted, and the plain path of that file. */
  note: { dir: string; part: string }
}

/**
 * Begins an upload, or goes on with one of the very same content into the same folder. CONFLICT when the name is taken
 * and may not be replaced; DISK_FULL before anything is written. Takes the folder over.
 */
export async function beginUpload(folder: HeldFolder, target: Target): Promise<Upload> {
  let handle: FileHandle | undefined
  try {
    if (target.size > LIMITS.fileBytes) throw tooLarge(target.size)
    await checkTarget(folder, target)
    const part = partName(target.sha256)
    await notePart(target.note.dir, target.note.part)
    handle = await openPart(folder, part)
    const file = handle
    // What is gone on with is not swept away meanwhile.
    await file.utimes(new Date(), new Date())
    let at = Number((await file.stat()).size)
    if (at > target.size) {
      await file.truncate(0)
      at = 0
    }
    const { bavail, bsize } = await statfs(folder.self)
    if (bavail * bsize < target.size - at + RESERVE_BYTES)
      throw new VigiaError('DISK_FULL', 'The disk of the device has too little room for this file')
    const hash = createHash('sha256')
    await hashPart(file, hash, at)
    return {
      offset: () => at,
      async write(offset, bytes) {
        if (offset !== at) throw new VigiaError('CONFLICT', `The upload goes on at ${at}, not at ${offset}`)
        if (at + bytes.length > target.size)
          throw new VigiaError('FILE_CHANGED', 'More came than was announced')
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
          done += bytesWritten
        }
        hash.update(bytes)
        at += bytes.length
      },
      async finish() {
        if (at < target.size) throw new VigiaError('CONFLICT', `Only ${at} of ${target.size} bytes are there`)
        if (hash.copy().digest('hex') !== target.sha256) {
          await unlink(folder.at(part))
          throw new VigiaError('FILE_CHANGED', 'What came is not what was announced: the checksum differs')
        }
        const old = await checkTarget(folder, target)
        await dress(file, old, folder.stats)
        await file.sync()
        await giveName(folder, part, target, old !== undefined)
        await forgetPart(target.note.dir, target.note.part)
        await syncFolder(folder)
      },
      async close() {
        await file.close()
        await folder.close()
      },
    }
  } catch (thrown) {
    await handle?.close()
    await folder.close()
    throw thrown
  }
}

/** What has the name now, if anything; throws when it may not be replaced. */
async function checkTarget(folder: HeldFolder, target: Target): Promise<BigIntStats | undefined> {
  const old = await lstat(folder.at(target.name), { bigint: true }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  if (old === undefined) return undefined
  checkFile(old)
  if (!target.replace) throw new VigiaError('CONFLICT', 'There is a file of this name')
  return old
}

/** The part file: a new one, or one that this agent left here. Nobody else's: those are never written into. */
async function openPart(folder: HeldFolder, name: string): Promise<FileHandle> {
  const path = folder.at(name)
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  try {
    return await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
  checkFile(await lstat(path, { bigint: true }))
  await refuseElsewhere(folder, name)
  const handle = await open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
  if (isOwnPart(await handle.stat({ bigint: true }))) return handle
  await handle.close()
  throw new VigiaError('CONFLICT', 'Something else has the name of the part file')
}

/** A file that replaces another is its owner's with its mode (never set-uid); a new one belongs to whose folder it is. */
async function dress(file: FileHandle, old: BigIntStats | undefined, folder: BigIntStats): Promise<void> {
  if (process.platform === 'win32') return
  if (process.getuid?.() === 0) {
    const owner = old ?? folder
    await file.chown(Number(owner.uid), Number(owner.gid))
  }
  await file.chmod(old === undefined ? PRIVATE : Number(old.mode) & 0o777)
}

async function giveName(folder: HeldFolder, part: string, target: Target, replaces: boolean): Promise<void> {
  if (replaces) return rename(folder.at(part), folder.at(target.name))
  try {
    // Unlike rename, this never replaces what came under the name meanwhile.
    await link(folder.at(part), folder.at(target.name))
    await unlink(folder.at(part))
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === undefined || !NO_LINKS.has(code)) throw thrown
    await rename(folder.at(part), folder.at(target.name))
  }
}

/** After a power cut the name is there too. */
async function syncFolder(folder: HeldFolder): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder.self, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
