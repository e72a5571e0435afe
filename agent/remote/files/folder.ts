import { constants, existsSync, type BigIntStats } from 'node:fs'
import { lstat, open, realpath, statfs, type FileHandle } from 'node:fs/promises'
import { join, win32 } from 'node:path'
import { VigiaError } from '../../../contract/errors.ts'
import { outside, type Place } from './path.ts'

/** open(2): a handle on a place in the tree that reads and opens nothing. The same on every processor that Node has. */
const O_PATH = 0o10000000
const HAS_HANDLES = process.platform === 'linux' && existsSync('/proc/self/fd')

/** statfs(2): file systems that are views of the kernel. Reading them can block, change things or show secrets. */
const KERNEL_VIEWS = new Set<number>(
  Object.values({
    proc: 0x9fa0,
    sys: 0x62656572,
    devpts: 0x1cd1,
    cgroup: 0x27e0eb,
    cgroup2: 0x63677270,
    debug: 0x64626720,
    trace: 0x74726163,
    security: 0x73636673,
    bpf: 0xcafe4a11,
    efivars: 0xde5e81e4,
    binfmt: 0x42494e4d,
    pstore: 0x6165676c,
    mqueue: 0x19800202,
    fusectl: 0x65735543,
  }),
)

const IS_WINDOWS = process.platform === 'win32'

/** A folder that is held: names in it are reached through it, whatever becomes of the path that led here. */
export type HeldFolder = {
  /** A path for the file system's calls, good while the folder is held. The name is one name. */
  at(name: string): string
  /** The folder itself, in the same way. */
  self: string
  stats: BigIntStats
  close(): Promise<void>
}

/** Identity of a folder that stays closed, whatever path leads to it; or that is only not moved and not removed. */
export type ClosedFolder = Pick<BigIntStats, 'dev' | 'ino'> & { fixed?: true }

/**
 * Walks from the top of the file system to a folder, name by name, and follows no link on the way. On Linux each step
 * starts from the handle of the one before (as openat(2) with O_NOFOLLOW), so that nobody can exchange a folder for a
 * link in between. Elsewhere each step is looked at before it is used, which somebody who is quick could get around; on
 * Windows a step may lead nowhere else either, as one does into which another disk is mounted.
 */
export async function holdFolder(
  place: Place,
  parts: readonly string[],
  closed: readonly ClosedFolder[],
): Promise<HeldFolder> {
  const names = [...place.root.parts, ...parts]
  return HAS_HANDLES ? walkByHandles(names, closed) : walkByPaths(place.root.base, names, closed)
}

async function walkByHandles(names: readonly string[], closed: readonly ClosedFolder[]): Promise<HeldFolder> {
  let handle = await open('/', O_PATH)
  try {
    let stats = await handle.stat({ bigint: true })
    for (const name of names) {
      const next = await open(`/proc/self/fd/${handle.fd}/${name}`, O_PATH | constants.O_NOFOLLOW)
      await handle.close()
      handle = next
      stats = await handle.stat({ bigint: true })
      checkStep(stats, closed)
    }
    const self = `/proc/self/fd/${handle.fd}`
    await refuseKernelView(self)
    const held = handle
    return { at: (name) => `${self}/${name}`, self, stats, close: () => held.close() }
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

async function walkByPaths(
  base: string,
  names: readonly string[],
  closed: readonly ClosedFolder[],
): Promise<HeldFolder> {
  let self = base
  let stats = await lstat(self, { bigint: true })
  let real = IS_WINDOWS ? await realpath(base) : base
  for (const name of names) {
    self = join(self, name)
    stats = await lstat(self, { bigint: true })
    checkStep(stats, closed)
    if (IS_WINDOWS) real = await realOf(self, real, name)
  }
  return { at: (name) => join(self, name), self, stats, close: () => Promise.resolve() }
}

/**
 * On Windows: FILE_OUTSIDE when this name of a folder stands for what lies elsewhere. Node's lstat(2) knows as links only
 * what looks like one made by its users: not a junction that names its volume by a GUID, which anybody can make.
 */
export async function refuseElsewhere(folder: HeldFolder, name: string): Promise<void> {
  if (IS_WINDOWS) await realOf(folder.at(name), await realpath(folder.self), name)
}

/** Where it really is, which must be in `parent` under this name in any case, or where that is a short one, another. */
async function realOf(path: string, parent: string, name: string): Promise<string> {
  const real = await realpath(path)
  const [folder, own] = [win32.dirname(real), win32.basename(real)]
  const named = own.toLowerCase() === name.toLowerCase() || name.includes('~')
  if (folder === parent && named) return real
  throw outside('A link is on the way; links are not followed')
}

function checkStep(stats: BigIntStats, closed: readonly ClosedFolder[]): void {
  if (stats.isSymbolicLink()) throw outside('A link is on the way; links are not followed')
  if (!stats.isDirectory()) throw new VigiaError('NOT_FOUND', 'There is no such folder')
  refuseClosed(stats, closed)
}

/** FORBIDDEN for a folder that stays closed. */
function refuseClosed(stats: BigIntStats, closed: readonly ClosedFolder[]): void {
  if (closed.some(({ dev, ino, fixed }) => !fixed && dev === stats.dev && ino === stats.ino))
    throw new VigiaError('FORBIDDEN', 'This folder belongs to the agent and stays closed')
}

/** FORBIDDEN for what stays closed, and for what leads to it: moved away, it would leave its path to another. */
export function refuseMove(stats: BigIntStats, closed: readonly ClosedFolder[]): void {
  refuseClosed(stats, closed)
  if (closed.some(({ dev, ino }) => dev === stats.dev && ino === stats.ino))
    throw new VigiaError('FORBIDDEN', "The agent's own folder lies in it: it stays where it is")
}

/** A file opened to be read. FILE_OUTSIDE for a link; FORBIDDEN for what is no ordinary file, which is not opened. */
export async function openToRead(folder: HeldFolder, name: string): Promise<FileHandle> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  if (!HAS_HANDLES) {
    const before = await lstat(folder.at(name), { bigint: true })
    checkFile(before)
    await refuseElsewhere(folder, name)
    const handle = await open(folder.at(name), flags)
    const after = await handle.stat({ bigint: true })
    if (after.isFile() && after.ino === before.ino && after.dev === before.dev) return handle
    await handle.close()
    throw new VigiaError('FILE_CHANGED', 'The file was exchanged while it was opened')
  }
  const held = await open(folder.at(name), O_PATH | constants.O_NOFOLLOW)
  try {
    checkFile(await held.stat({ bigint: true }))
    await refuseKernelView(`/proc/self/fd/${held.fd}`)
    return await open(`/proc/self/fd/${held.fd}`, constants.O_RDONLY | constants.O_NONBLOCK)
  } finally {
    await held.close()
  }
}

/** Throws unless this is an ordinary file. */
export function checkFile(stats: BigIntStats): void {
  if (stats.isSymbolicLink()) throw outside('This is a link; links are not followed')
  if (stats.isDirectory()) throw new VigiaError('CONFLICT', 'This is a folder')
  if (!stats.isFile())
    throw new VigiaError('FORBIDDEN', 'This is no ordinary file (a device, pipe or socket)')
}

async function refuseKernelView(path: string): Promise<void> {
  const { type } = await statfs(path)
  if (KERNEL_VIEWS.has(type))
    throw new VigiaError('FORBIDDEN', 'This is a view of the kernel, not files on a disk')
}
