import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MAGIC, decodeFrame, type Frame } from './frame.ts'

/** Consecutive sequences of one boot in a segment; both ends are included. */
export type Run = { boot: string; from: number; to: number }

/** What is known of a segment file without its payloads. `bytes` is the length of what is whole. */
export type Segment = {
  id: number
  path: string
  bytes: number
  runs: Run[]
  newestMs: number
  hashes: Set<string>
}

const NAME = /^(\d{12})\.seg$/

/** The path of a segment; names sort in the order in which segments were made. */
export function segmentPath(dir: string, id: number): string {
  return join(dir, `${String(id).padStart(12, '0')}.seg`)
}

/** The number in a segment's file name; undefined for other files. */
export function segmentId(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Takes a record's place into account. */
export function noteRecord(
  segment: Segment,
  record: { boot: string; seq: number; timeMs: number; hash: string },
): void {
  const last = segment.runs.at(-1)
  if (last && last.boot === record.boot && last.to + 1 === record.seq) last.to = record.seq
  else segment.runs.push({ boot: record.boot, from: record.seq, to: record.seq })
  segment.newestMs = Math.max(segment.newestMs, record.timeMs)
  if (record.hash !== '') segment.hashes.add(record.hash)
}

/**
 * Reads a whole segment and says what is in it. `lostBytes` is what follows the last whole frame: a torn write,
 * or damage. `onAck` gets the acknowledgements that the segment holds.
 */
export function scanSegment(
  path: string,
  id: number,
  onAck: (boot: string, from: number, to: number) => void,
): { segment: Segment; lostBytes: number } {
  const size = statSync(path).size
  const bytes = readAt(path, 0, size)
  const segment: Segment = { id, path, bytes: 0, runs: [], newestMs: 0, hashes: new Set() }
  if (bytes.length < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    return { segment, lostBytes: bytes.length }
  let offset = MAGIC.length
  for (;;) {
    const frame = decodeFrame(bytes, offset)
    if (frame === 'torn' || frame === 'damaged') break
    if (frame.type === 'ack') onAck(frame.boot, frame.from, frame.to)
    else noteRecord(segment, frame.record)
    offset += frame.length
  }
  segment.bytes = offset
  return { segment, lostBytes: size - offset }
}

/** The frames of a segment from `offset` on, about `wantBytes` of them and at least one where there is one. */
export function readFrames(
  segment: Segment,
  offset: number,
  wantBytes: number,
): { frames: Frame[]; damaged: boolean } {
  const left = segment.bytes - offset
  for (let want = Math.min(wantBytes, left); ; want = Math.min(want * 4, left)) {
    const bytes = readAt(segment.path, offset, want)
    const frames: Frame[] = []
    let at = 0
    let end: Frame | 'torn' | 'damaged' = 'torn'
    while (at < bytes.length) {
      end = decodeFrame(bytes, at)
      if (end === 'torn' || end === 'damaged') break
      frames.push(end)
      at += end.length
    }
    if (frames.length > 0 || left <= 0) return { frames, damaged: false }
    if (end === 'damaged' || want >= left) return { frames, damaged: true }
  }
}

function readAt(path: string, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  const fd = openSync(path, 'r')
  try {
    let filled = 0
    while (filled < length) {
      const count = readSync(fd, bytes, filled, length - filled, offset + filled)
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  } finally {
    closeSync(fd)
  }
}
