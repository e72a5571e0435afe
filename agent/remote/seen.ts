import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import { diskFault, syncDirectory } from '../outbox/writer.ts'

/** Every session that was accepted on this device, one empty file each, on the disk before it begins. */
export type SeenSessions = {
  has(session: string): boolean
  /** Throws COMMAND_REPLAYED when it stands there already, DISK_FULL when it cannot be written. */
  add(session: string): void
}

/** A request is bound to a challenge that is minutes or days old at most; by then nothing can pass as it any more. */
const KEPT = 2000

/** The last `kept` sessions stay known. */
export function openSeen(dir: string, kept = KEPT): SeenSessions {
  const pathOf = (session: string): string => join(dir, session)
  return {
    has: (session) => existsSync(pathOf(session)),
    add(session) {
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      let fd: number
      try {
        fd = openSync(pathOf(session), 'wx', 0o600)
      } catch (thrown) {
        if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')
          throw new VigiaError('COMMAND_REPLAYED', 'The session was opened before', { cause: thrown })
        throw diskFault(pathOf(session), thrown)
      }
      try {
        putLast(dir, fd)
        fsyncSync(fd)
        syncDirectory(dir)
      } catch (thrown) {
        throw diskFault(pathOf(session), thrown)
      } finally {
        closeSync(fd)
      }
      for (const { name } of byAge(dir).slice(0, -kept)) rmSync(join(dir, name), { force: true })
    },
  }
}

/** Its age is its place in the order, also when the clock was set back: what was accepted last is forgotten last. */
function putLast(dir: string, fd: number): void {
  const newest = byAge(dir).at(-1)
  const { mtimeMs } = fstatSync(fd)
  if (newest === undefined || newest.ms <= mtimeMs) return
  const afterS = (newest.ms + 1) / 1000
  futimesSync(fd, afterS, afterS)
}

function byAge(dir: string): { name: string; ms: number }[] {
  return readdirSync(dir)
    .map((name) => ({ name, ms: statSync(join(dir, name)).mtimeMs }))
    .sort((a, b) => a.ms - b.ms)
}
