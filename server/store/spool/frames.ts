import { crc32 } from 'node:zlib'
import { pack, unpack } from 'msgpackr'
import * as z from 'zod'
import { VigiaError } from '../../../contract/errors.ts'
import { Layout } from '../../../contract/report.ts'
import type { StoredReport } from '../store.ts'

/**
 * A frame: magic `VSP1`, length of the payload, CRC-32 over all that follows it, number of reports (each 32 bits,
 * little endian), time of spooling (float64, Unix milliseconds), payload. The payload is MessagePack: the layouts that
 * this segment has not had yet, by number, and the reports that refer to them.
 */
const MAGIC = 0x31505356
const HEADER_BYTES = 24
const CRC_FROM = 12
/** No batch comes near this; a longer length is damage. */
const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024

/** A frame as found in a segment. */
export type Frame = { offset: number; bytes: number; reports: number; spooledAtMs: number; payload: Buffer }

/**
 * A stretch of a segment in which no frame can be read. `torn` is the end of a segment that was being written when the
 * power went: a frame that is not all there, or nothing but zeros. It was never acknowledged.
 */
export type Damage = { offset: number; bytes: number; torn: boolean }

/** Numbers the layouts of one segment while it is written. */
export type LayoutNumbers = Map<string, number>

const Payload = z.object({
  layouts: z.array(z.tuple([z.number().int(), Layout])),
  reports: z.array(
    z.tuple([
      z.string(),
      z.string(),
      z.string(),
      z.number(),
      z.number(),
      z.number().int(),
      z.instanceof(Uint8Array),
    ]),
  ),
})

const layoutTexts = new WeakMap<Layout, string>()

/** One batch as a frame. Layouts that are new to the segment are added to `numbers`. */
export function encodeFrame(
  reports: readonly StoredReport[],
  numbers: LayoutNumbers,
  spooledAtMs: number,
): Buffer {
  const layouts: [number, Layout][] = []
  const rows = reports.map(({ client, device, boot, seq, timeMs, layout, values }) => {
    const text = layoutTexts.get(layout) ?? JSON.stringify(layout)
    layoutTexts.set(layout, text)
    let number = numbers.get(text)
    if (number === undefined) {
      number = numbers.size
      numbers.set(text, number)
      layouts.push([number, layout])
    }
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    return [client, device, boot, seq, timeMs, number, bytes]
  })
  const payload = pack({ layouts, reports: rows })
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length)
  frame.writeUInt32LE(MAGIC, 0)
  frame.writeUInt32LE(payload.length, 4)
  frame.writeUInt32LE(reports.length, 12)
  frame.writeDoubleLE(spooledAtMs, 16)
  payload.copy(frame, HEADER_BYTES)
  frame.writeUInt32LE(crc32(frame.subarray(CRC_FROM)), 8)
  return frame
}

/** The reports of a frame. `layouts` holds what earlier frames of the segment brought and gets what this one brings. */
export function decodeFrame(frame: Frame, layouts: Map<number, Layout>): StoredReport[] {
  const parsed = Payload.safeParse(unpack(frame.payload))
  if (!parsed.success)
    throw new VigiaError('DATA_UNREADABLE', `a frame of the spool: ${parsed.error.message}`)
  for (const [number, layout] of parsed.data.layouts) layouts.set(number, layout)
  return parsed.data.reports.map(([client, device, boot, seq, timeMs, number, bytes]) => {
    const layout = layouts.get(number)
    if (!layout)
      throw new VigiaError('DATA_UNREADABLE', `a frame of the spool needs layout ${number}, which is lost`)
    const values = new Float64Array(bytes.byteLength / 8)
    new Uint8Array(values.buffer).set(bytes)
    return { client, device, boot, seq, timeMs, layout, values }
  })
}

/** Every frame of a segment, and every stretch that is none: after damage the search goes on at the next frame. */
export function scanFrames(segment: Buffer): { frames: Frame[]; damages: Damage[] } {
  const frames: Frame[] = []
  const damages: Damage[] = []
  let offset = 0
  while (offset < segment.length) {
    const frame = frameAt(segment, offset)
    if (frame) {
      frames.push(frame)
      offset += frame.bytes
      continue
    }
    const next = nextFrame(segment, offset + 1)
    const end = next ?? segment.length
    damages.push({ offset, bytes: end - offset, torn: next === undefined && isTorn(segment, offset) })
    offset = end
  }
  return { frames, damages }
}

function frameAt(segment: Buffer, offset: number): Frame | undefined {
  if (offset + HEADER_BYTES > segment.length || segment.readUInt32LE(offset) !== MAGIC) return undefined
  const length = segment.readUInt32LE(offset + 4)
  const end = offset + HEADER_BYTES + length
  if (length > MAX_PAYLOAD_BYTES || end > segment.length) return undefined
  if (crc32(segment.subarray(offset + CRC_FROM, end)) !== segment.readUInt32LE(offset + 8)) return undefined
  return {
    offset,
    bytes: end - offset,
    reports: segment.readUInt32LE(offset + 12),
    spooledAtMs: segment.readDoubleLE(offset + 16),
    payload: segment.subarray(offset + HEADER_BYTES, end),
  }
}

function isTorn(segment: Buffer, offset: number): boolean {
  if (segment.length - offset < HEADER_BYTES) return true
  if (segment.subarray(offset).every((byte) => byte === 0)) return true
  const length = segment.readUInt32LE(offset + 4)
  return segment.readUInt32LE(offset) === MAGIC && offset + HEADER_BYTES + length > segment.length
}

function nextFrame(segment: Buffer, from: number): number | undefined {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(MAGIC)
  for (let at = segment.indexOf(magic, from); at !== -1; at = segment.indexOf(magic, at + 1)) {
    if (frameAt(segment, at)) return at
  }
  return undefined
}
