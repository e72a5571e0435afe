import type { TranscriptPiece } from '../../../contract/command.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { createCleaner, createMask, wholeCharacters } from './clean.ts'
import { createFields } from './fields.ts'
import {
  createKept,
  fromCharacter,
  JOINED_BYTES,
  type Excerpt,
  type Kept,
  type Piece,
  type Stream,
} from './kept.ts'
import type { JobEnd } from '../ledger.ts'

/** A piece of live output; `offset` counts the UTF-8 bytes of its stream, so that a gap shows. */
export type LivePiece = { stream: Stream; offset: number; text: string }

/** Everything that a script prints: kept in part, counted in whole, handed on live as far as someone takes it. */
export type Output = {
  /** Bytes as they came, in the order in which they came. */
  add(stream: Stream, chunk: Buffer): void
  end(): void
  /** Bytes that the script wrote, on both streams. */
  bytes(): number
  /** Does live output wait to be taken? */
  waits(): boolean
  /** Lets the oldest live output go until at most so many pieces and bytes of text wait. */
  keepLive(mostPieces: number, mostBytes: number): void
  /**
   * The oldest live output that nobody has taken yet, at most so many pieces and bytes in all; each piece counts
   * `pieceBytes` beside its text.
   */
  takeLive(mostPieces: number, mostBytes: number, pieceBytes?: number): LivePiece[]
  /** What is told at the end: as much of it as fits into `most` bytes of JSON. */
  summary(
    most: number,
  ): Pick<JobEnd, 'stdout' | 'stderr' | 'stdoutBytes' | 'stderrBytes' | 'fields' | 'transcript'>
}

const NOTHING = Buffer.alloc(0)
const LIVE_BYTES = 128 * 1024
const MOST_LIVE_PIECES = 256
const MOST_PIECES = 900
const NEWLINE = 10

/**
 * Takes both streams of a script with bounded memory, whatever they hold. `secrets` are masked in all that it hands on.
 * Live output that nobody takes is let go, the oldest first, which shows as a gap in the offsets.
 */
export function createOutput(options: { secrets?: readonly string[]; liveBytes?: number } = {}): Output {
  const { secrets = [], liveBytes = LIVE_BYTES } = options
  const fields = createFields()
  const both = createKept({ headBytes: 64 * 1024, tailBytes: 64 * 1024, mostPieces: MOST_PIECES })
  const lanes = {
    stdout: lane(secrets, 64 * 1024),
    stderr: lane(secrets, 32 * 1024),
  }
  const live: (Piece & { offset: number })[] = []
  let liveUsed = 0

  const offer = (stream: Stream, bytes: Buffer): void => {
    const offset = lanes[stream].kept.total()
    const last = live.at(-1)
    if (last?.stream === stream && last.bytes.length + bytes.length <= JOINED_BYTES)
      last.bytes = Buffer.concat([last.bytes, bytes])
    else live.push({ stream, offset, bytes })
    liveUsed += bytes.length
    keepLive(MOST_LIVE_PIECES, liveBytes)
  }
  const keepLive = (mostPieces: number, mostBytes: number): void => {
    while (liveUsed > mostBytes || live.length > mostPieces) {
      const oldest = live[0]
      if (!oldest) break
      const size = oldest.bytes.length
      const rest = live.length > mostPieces ? NOTHING : newest(oldest.bytes, size - (liveUsed - mostBytes))
      liveUsed -= size - rest.length
      oldest.offset += size - rest.length
      oldest.bytes = rest
      if (rest.length === 0) live.shift()
    }
  }
  const hand = (stream: Stream, bytes: Buffer): void => {
    if (bytes.length === 0) return
    offer(stream, bytes)
    lanes[stream].kept.add(stream, bytes)
    both.add(stream, bytes)
    if (stream === 'stdout') fields.add(bytes)
  }

  return {
    add(stream, chunk) {
      const { cleaner, mask } = lanes[stream]
      lanes[stream].bytes += chunk.length
      hand(stream, mask.add(cleaner.add(chunk)))
    },
    end() {
      for (const stream of ['stdout', 'stderr'] as const) {
        const { cleaner, mask } = lanes[stream]
        hand(stream, mask.add(cleaner.end()))
        hand(stream, mask.end())
      }
      fields.end()
    },
    bytes: () => lanes.stdout.bytes + lanes.stderr.bytes,
    waits: () => live.length > 0,
    keepLive,
    takeLive(mostPieces, mostBytes, pieceBytes = 0) {
      const taken: LivePiece[] = []
      let room = mostBytes
      while (taken.length < mostPieces && room > pieceBytes) {
        const next = live[0]
        if (!next) break
        const size = Math.min(next.bytes.length, room - pieceBytes, LIMITS.outputChunkBytes)
        const cut = size === next.bytes.length ? size : wholeCharacters(next.bytes.subarray(0, size))
        if (cut === 0) break
        taken.push({
          stream: next.stream,
          offset: next.offset,
          text: next.bytes.toString('utf8', 0, cut),
        })
        room -= cut + pieceBytes
        liveUsed -= cut
        if (cut === next.bytes.length) live.shift()
        else {
          next.bytes = next.bytes.subarray(cut)
          next.offset += cut
        }
      }
      return taken
    },
    summary(most) {
      const told = {
        stdoutBytes: lanes.stdout.bytes,
        stderrBytes: lanes.stderr.bytes,
        fields: fields.found(),
      }
      for (let share = most; ; share = Math.floor(share * 0.8)) {
        const texts = {
          stdout: textOf(lanes.stdout.kept.excerpt(Math.floor(share / 3))),
          stderr: textOf(lanes.stderr.kept.excerpt(Math.floor(share / 6))),
          transcript: transcriptOf(both.excerpt(Math.floor(share / 2))),
        }
        if (share < 1024 || Buffer.byteLength(JSON.stringify(texts)) <= most) return { ...told, ...texts }
      }
    },
  }
}

function lane(
  secrets: readonly string[],
  keepBytes: number,
): {
  cleaner: ReturnType<typeof createCleaner>
  mask: ReturnType<typeof createMask>
  kept: Kept
  bytes: number
} {
  return {
    cleaner: createCleaner(),
    mask: createMask(secrets),
    kept: createKept({ headBytes: keepBytes, tailBytes: keepBytes, mostPieces: MOST_PIECES }),
    bytes: 0,
  }
}

/** At most `most` bytes of the end, from the beginning of a line on where one is near. */
function newest(bytes: Buffer, most: number): Buffer {
  if (most <= 0) return NOTHING
  const rest = bytes.subarray(bytes.length - most)
  const line = rest.indexOf(NEWLINE) + 1
  return line > 0 && line <= JOINED_BYTES && line < rest.length ? rest.subarray(line) : fromCharacter(rest)
}

function textOf({ head, skipped, tail }: Excerpt): string {
  const [from, to] = [head, tail].map((pieces) => pieces.map(({ bytes }) => bytes.toString()).join(''))
  return skipped === 0 ? `${from}${to}` : `${from}\n[… ${String(skipped)} bytes left out …]\n${to}`
}

function transcriptOf({ head, skipped, tail }: Excerpt): TranscriptPiece[] {
  const plain = ({ stream, bytes }: Piece): TranscriptPiece => ({
    stream,
    text: bytes.toString(),
    skipped: 0,
  })
  const after = tail.map(plain)
  const first = after[0] ?? (skipped > 0 ? { stream: 'stdout' as const, text: '', skipped: 0 } : undefined)
  if (!first) return head.map(plain)
  return [...head.map(plain), { ...first, skipped }, ...after.slice(1)]
}
