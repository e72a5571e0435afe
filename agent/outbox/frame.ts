import { crc32 } from 'node:zlib'
import { LIMITS } from '../../contract/limits.ts'

/** What a record of the outbox is; the numbers stand in files and never change their meaning. */
export const RECORD_KINDS = { report: 1, facts: 2, result: 3 } as const
export type RecordKind = keyof typeof RECORD_KINDS
const ACK = 9

/** One durable message as it waits on disk. `hash` names the layout of a report and is empty for others. */
export type OutboxRecord = {
  kind: RecordKind
  boot: string
  seq: number
  timeMs: number
  hash: string
  payload: Buffer
}

/** What one frame of a segment says: a record, or that sequences of a boot are acknowledged. */
export type Frame =
  | { type: 'record'; record: OutboxRecord; length: number }
  | { type: 'ack'; boot: string; from: number; to: number; length: number }

/** Each segment starts with these eight bytes; the digit is the version of the format. */
export const MAGIC = Buffer.from('VIGIAOB1', 'latin1')

// A frame: length of the body (u32, little endian), CRC-32 of the body (u32), body.
// A body: kind (u8), boot (8 bytes), seq (u48), time in Unix milliseconds (u48), layout hash (8 bytes), payload.
// The body of an acknowledgement has the range's ends in place of seq and time, and no more.
const FRAME_HEAD = 8
const BODY_HEAD = 1 + 8 + 6 + 6
const HASH_BYTES = 8
const MAX_BODY = BODY_HEAD + HASH_BYTES + LIMITS.packetBytes

/** The bytes of a record's frame. */
export function encodeRecord(record: OutboxRecord): Buffer {
  const frame = bodyOf({
    kind: RECORD_KINDS[record.kind],
    boot: record.boot,
    first: record.seq,
    second: record.timeMs,
    restBytes: HASH_BYTES + record.payload.length,
  })
  if (record.hash !== '') frame.write(record.hash, FRAME_HEAD + BODY_HEAD, 'hex')
  record.payload.copy(frame, FRAME_HEAD + BODY_HEAD + HASH_BYTES)
  return sealed(frame)
}

/** The bytes of an acknowledgement's frame; both ends of the range are included. */
export function encodeAck(boot: string, from: number, to: number): Buffer {
  return sealed(bodyOf({ kind: ACK, boot, first: from, second: to, restBytes: 0 }))
}

/**
 * Reads the frame at `offset`. `torn` means that the bytes end inside it, which is a torn write at the end of a
 * segment or just the end of what was read so far; `damaged` means that length, checksum or kind are wrong.
 */
export function decodeFrame(bytes: Buffer, offset: number): Frame | 'torn' | 'damaged' {
  if (bytes.length - offset < FRAME_HEAD) return 'torn'
  const bodyLength = bytes.readUInt32LE(offset)
  if (bodyLength < BODY_HEAD || bodyLength > MAX_BODY) return 'damaged'
  const length = FRAME_HEAD + bodyLength
  if (bytes.length - offset < length) return 'torn'
  const body = bytes.subarray(offset + FRAME_HEAD, offset + length)
  if (crc32(body) !== bytes.readUInt32LE(offset + 4)) return 'damaged'
  const kind = body.readUInt8(0)
  const boot = body.toString('hex', 1, 9)
  const first = body.readUIntLE(9, 6)
  const second = body.readUIntLE(15, 6)
  if (kind === ACK) return { type: 'ack', boot, from: first, to: second, length }
  const name = kindName(kind)
  if (name === undefined || bodyLength < BODY_HEAD + HASH_BYTES) return 'damaged'
  const payload = Buffer.from(body.subarray(BODY_HEAD + HASH_BYTES))
  const hash = name === 'report' ? body.toString('hex', BODY_HEAD, BODY_HEAD + HASH_BYTES) : ''
  return {
    type: 'record',
    record: { kind: name, boot, seq: first, timeMs: second, hash, payload },
    length,
  }
}

/** Bytes that the frame of a payload takes on disk. */
export function frameBytes(payloadBytes: number): number {
  return FRAME_HEAD + BODY_HEAD + HASH_BYTES + payloadBytes
}

function bodyOf(body: {
  kind: number
  boot: string
  first: number
  second: number
  restBytes: number
}): Buffer {
  const { kind, boot, first, second, restBytes } = body
  const frame = Buffer.alloc(FRAME_HEAD + BODY_HEAD + restBytes)
  frame.writeUInt8(kind, FRAME_HEAD)
  frame.write(boot, FRAME_HEAD + 1, 'hex')
  frame.writeUIntLE(first, FRAME_HEAD + 9, 6)
  frame.writeUIntLE(second, FRAME_HEAD + 15, 6)
  return frame
}

function sealed(frame: Buffer): Buffer {
  frame.writeUInt32LE(frame.length - FRAME_HEAD, 0)
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEAD)), 4)
  return frame
}

function kindName(kind: number): RecordKind | undefined {
  if (kind === RECORD_KINDS.report) return 'report'
  if (kind === RECORD_KINDS.facts) return 'facts'
  if (kind === RECORD_KINDS.result) return 'result'
  return undefined
}
