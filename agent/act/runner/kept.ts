import { wholeCharacters } from './clean.ts'

export type Stream = 'stdout' | 'stderr'
export type Piece = { stream: Stream; bytes: Buffer }

/** The beginning and the end of what came, in order, and how much between them was let go. */
export type Excerpt = { head: Piece[]; skipped: number; tail: Piece[] }

export type Kept = {
  /** Takes whole characters of UTF-8. */
  add(stream: Stream, bytes: Buffer): void
  /** Bytes that came. */
  total(): number
  /** At most `most` bytes, half from the beginning and half from the end where it is not all; whole characters. */
  excerpt(most: number): Excerpt
}

/** Pieces that follow each other in one stream become one, as far as they stay small. */
export const JOINED_BYTES = 4096

/**
 * Keeps pieces of any number with bounded memory: `headBytes` of the beginning and `tailBytes` of the end, and in each
 * at most `mostPieces`.
 */
export function createKept(options: { headBytes: number; tailBytes: number; mostPieces: number }): Kept {
  const { headBytes, tailBytes, mostPieces } = options
  const head: Piece[] = []
  const tail: Piece[] = []
  let headUsed = 0
  let tailUsed = 0
  let headOpen = true
  let total = 0

  const addHead = (stream: Stream, bytes: Buffer): Buffer => {
    if (!headOpen) return bytes
    const room = headBytes - headUsed
    const taken = bytes.length <= room ? bytes.length : wholeCharacters(bytes.subarray(0, room))
    if (taken > 0) {
      join(head, { stream, bytes: bytes.subarray(0, taken) })
      headUsed += taken
    }
    headOpen = taken === bytes.length && head.length < mostPieces
    return bytes.subarray(taken)
  }
  const addTail = (stream: Stream, bytes: Buffer): void => {
    const last = bytes.subarray(Math.max(0, bytes.length - tailBytes))
    join(tail, { stream, bytes: last })
    tailUsed += last.length
    while (tailUsed > tailBytes || tail.length > mostPieces) {
      const oldest = tail[0]
      if (!oldest) break
      const size = oldest.bytes.length
      const over = tail.length > mostPieces ? size : Math.min(size, tailUsed - tailBytes)
      if (over === size) tail.shift()
      else oldest.bytes = oldest.bytes.subarray(over)
      tailUsed -= over
    }
  }

  return {
    add(stream, bytes) {
      if (bytes.length === 0) return
      total += bytes.length
      const rest = addHead(stream, bytes)
      if (rest.length > 0) addTail(stream, rest)
    },
    total: () => total,
    excerpt(most) {
      const gap = total - headUsed - tailUsed
      if (gap === 0 && total <= most) return { head: joined([...head, ...tail]), skipped: 0, tail: [] }
      const half = Math.floor(most / 2)
      const all = gap === 0 ? [...head, ...tail] : undefined
      const from = takeFirst(all ?? head, half)
      const to = takeLast(all ?? tail, half)
      return { head: joined(from), skipped: total - lengthOf(from) - lengthOf(to), tail: joined(to) }
    },
  }
}

function join(pieces: Piece[], next: Piece): void {
  const last = pieces.at(-1)
  if (last?.stream === next.stream && last.bytes.length + next.bytes.length <= JOINED_BYTES)
    last.bytes = Buffer.concat([last.bytes, next.bytes])
  else pieces.push({ ...next })
}

/** Neighbours of one stream as one piece. */
function joined(pieces: readonly Piece[]): Piece[] {
  const runs: { stream: Stream; parts: Buffer[] }[] = []
  for (const { stream, bytes } of pieces) {
    const last = runs.at(-1)
    if (last?.stream === stream) last.parts.push(bytes)
    else runs.push({ stream, parts: [bytes] })
  }
  return runs.map(({ stream, parts }) => ({ stream, bytes: Buffer.concat(parts) }))
}

function takeFirst(pieces: readonly Piece[], most: number): Piece[] {
  const taken: Piece[] = []
  let room = most
  for (const { stream, bytes } of pieces) {
    if (bytes.length > room) {
      const cut = bytes.subarray(0, room)
      const whole = cut.subarray(0, wholeCharacters(cut))
      if (whole.length > 0) taken.push({ stream, bytes: whole })
      return taken
    }
    taken.push({ stream, bytes })
    room -= bytes.length
  }
  return taken
}

function takeLast(pieces: readonly Piece[], most: number): Piece[] {
  const taken: Piece[] = []
  let room = most
  for (const { stream, bytes } of pieces.toReversed()) {
    if (room === 0) break
    const part = fromCharacter(bytes.subarray(Math.max(0, bytes.length - room)))
    if (part.length > 0) taken.unshift({ stream, bytes: part })
    if (bytes.length > room) break
    room -= bytes.length
  }
  return taken
}

/** Without the rest of a character that was cut in two. */
export function fromCharacter(bytes: Buffer): Buffer {
  let at = 0
  while (at < 3 && at < bytes.length && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return bytes.subarray(at)
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
