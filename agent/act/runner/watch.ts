import { statfsSync } from 'node:fs'
import type { ScriptLimits } from '../../../contract/command.ts'
import { VigiaError } from '../../../contract/errors.ts'
import type { Tree } from '../tree/shape.ts'

/** Ends the watch over a job. */
export type Watch = { stop(): void }

const DISK_EVERY_MS = 100
const TREE_EVERY_MS = 250
/** Where the list of processes costs a program of its own. */
const TREE_BY_PROGRAM_EVERY_MS = 2000
/** More than this is no output but a fault. */
export const FLOOD_BYTES = 8 * 1024 * 1024 * 1024
/** Room that a running job must leave on the agent's disk, so that its end and what is measured can still be kept. */
const FLOOR_BYTES = 32 * 1024 * 1024
/** Without so much room nothing is started. */
const START_BYTES = 1024 * 1024

/** Free bytes on the disk of a folder, as far as they are for this user. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Throws DISK_FULL when there is no room to write down that a job was started and how it ended. */
export function checkRoom(folder: string, free = freeBytes(folder)): void {
  if (free < START_BYTES)
    throw new VigiaError('DISK_FULL', `Only ${String(free)} bytes are free on the disk of ${folder}`)
}

/**
 * The room that a job must leave: half of what there is where there is little, since scripts that make room need some
 * to work with.
 */
export function floorOf(freeAtStart: number): number {
  return Math.min(FLOOR_BYTES, Math.floor(freeAtStart / 2))
}

/** Which limit was passed, in words for a person; undefined while none is. */
export function passedLimit(
  limits: Pick<ScriptLimits, 'memoryMb' | 'processes'>,
  tree: Pick<Tree, 'members' | 'residentKb'>,
): string | undefined {
  const members = tree.members()
  if (members.length > limits.processes)
    return `processes: ${String(members.length)} of at most ${String(limits.processes)}`
  const mostKb = limits.memoryMb * 1024
  // The sum counts shared pages more than once; only when it is too much is it worth to ask exactly.
  if (members.reduce((sum, { residentKb }) => sum + residentKb, 0) <= mostKb) return undefined
  const usedKb = tree.residentKb(members)
  if (usedKb <= mostKb) return undefined
  return `memory: ${String(Math.ceil(usedKb / 1024))} MB of at most ${String(limits.memoryMb)} MB`
}

/** Watches what a job uses, and says once which limit it has passed. */
export function watchLimits(options: {
  limits: ScriptLimits
  tree: Tree
  folder: string
  outputBytes: () => number
  floodBytes?: number
  onLimit: (words: string) => void
}): Watch {
  const { limits, tree, folder, outputBytes, onLimit, floodBytes = FLOOD_BYTES } = options
  const floor = floorOf(freeBytes(folder))
  const timers: NodeJS.Timeout[] = []
  const stop = (): void => {
    for (const timer of timers) clearInterval(timer)
  }
  const look = (find: () => string | undefined) => (): void => {
    const words = find()
    if (words === undefined) return
    stop()
    onLimit(words)
  }
  const treeMs = process.platform === 'darwin' ? TREE_BY_PROGRAM_EVERY_MS : TREE_EVERY_MS
  timers.push(
    setInterval(
      look(() => passedLimit(limits, tree)),
      treeMs,
    ),
    setInterval(
      look(() => {
        if (outputBytes() > floodBytes) return `output: more than ${String(floodBytes)} bytes`
        const free = freeBytes(folder)
        return free < floor
          ? `disk: ${String(free)} bytes are left where the agent lies, ${String(floor)} must be`
          : undefined
      }),
      DISK_EVERY_MS,
    ),
  )
  return { stop }
}
