import type { JobOutput } from '../../contract/command.ts'
import { LIMITS } from '../../contract/limits.ts'

type Listener = (output: JobOutput) => void

/** Live output of jobs: what was printed so far for who comes late, and what comes for who is there. */
export type JobOutputs = {
  /** A piece came; one that came before is left out. */
  emit(output: JobOutput): void
  /**
   * Tells what is kept of a job after the piece `after`, and then each piece as it comes, in order and without a piece
   * between the two; the answer ends it.
   */
  follow(job: string, listener: Listener, after?: number): () => void
  /** The job is over: what it printed is in its result, and is kept here only a moment longer. */
  ended(job: string): void
  listeners(): number
  /** Bytes that are kept, of all jobs. */
  bytes(): number
}

type Ring = { pieces: JobOutput[]; bytes: number; last: number; forget: NodeJS.Timeout | undefined }

const ALL_BYTES = 32 * 1024 * 1024
const MOST_PIECES = 1024
/** Beside its text, about. */
const PIECE_BYTES = 200
const AFTER_END_MS = 60_000

/**
 * Keeps the newest output of each job, at most `jobBytes` a job and `allBytes` in all: the job that has printed nothing
 * for longest goes first. What is let go shows as a gap in the offsets. `onFault` hears of listeners that throw.
 */
export function createJobOutputs(
  onFault: (error: unknown) => void,
  { jobBytes = LIMITS.jobOutputBytes, allBytes = ALL_BYTES, afterEndMs = AFTER_END_MS } = {},
): JobOutputs {
  /** In the order in which they printed last. */
  const rings = new Map<string, Ring>()
  const followers = new Map<string, Set<Listener>>()
  let total = 0
  let listening = 0

  const drop = (ring: Ring): void => {
    const oldest = ring.pieces.shift()
    if (!oldest) return
    const size = sizeOf(oldest)
    ring.bytes -= size
    total -= size
  }
  const forget = (job: string): void => {
    const ring = rings.get(job)
    if (!ring) return
    clearTimeout(ring.forget)
    rings.delete(job)
    total -= ring.bytes
  }
  const keep = (output: JobOutput): boolean => {
    const { job, at } = output
    const ring: Ring = rings.get(job) ?? { pieces: [], bytes: 0, last: -1, forget: undefined }
    // An older agent counts nothing: every piece is 0.
    if (at > 0 && at <= ring.last) return false
    rings.delete(job)
    rings.set(job, ring)
    ring.last = at
    ring.pieces.push(output)
    ring.bytes += sizeOf(output)
    total += sizeOf(output)
    while (ring.bytes > jobBytes || ring.pieces.length > MOST_PIECES) drop(ring)
    for (const oldest of rings.keys()) {
      if (total <= allBytes || oldest === job) break
      forget(oldest)
    }
    return true
  }
  const tell = (listener: Listener, output: JobOutput): void => {
    try {
      listener(output)
    } catch (error) {
      onFault(error)
    }
  }

  return {
    emit(output) {
      if (keep(output)) for (const listener of followers.get(output.job) ?? []) tell(listener, output)
    },
    follow(job, listener, after = -1) {
      for (const output of rings.get(job)?.pieces ?? [])
        if (output.at > after || after < 0) tell(listener, output)
      const all = followers.get(job) ?? new Set()
      followers.set(job, all.add(listener))
      listening += 1
      return () => {
        if (!all.delete(listener)) return
        listening -= 1
        if (all.size === 0 && followers.get(job) === all) followers.delete(job)
      }
    },
    ended(job) {
      const ring = rings.get(job)
      if (ring) ring.forget ??= setTimeout(() => forget(job), afterEndMs).unref()
    },
    listeners: () => listening,
    bytes: () => total,
  }
}

function sizeOf({ text }: JobOutput): number {
  return PIECE_BYTES + Buffer.byteLength(text)
}
