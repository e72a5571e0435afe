import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFrameScanner, type FrameFault } from '../../../server/broker/frame-scanner.ts'

const CONNECT = Buffer.from([0x10, 0])

/** Scans the bytes in pieces of these sizes. */
function scan(
  bytes: Uint8Array,
  sizes: readonly number[],
  maxBytes: number,
): { fault?: FrameFault; frames: number } {
  const scanner = createFrameScanner(() => maxBytes)
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    const fault = scanner.scan(bytes.subarray(at, at + size))
    if (fault !== undefined) return { fault, frames: scanner.frames() }
    at += size
  }
  return { frames: scanner.frames() }
}

function frame(type: number, length: number): Buffer {
  const head = [type]
  let left = length
  do {
    head.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
    left >>= 7
  } while (left > 0)
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 0x10)])
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })

describe('frame scanner', () => {
  it('counts frames however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 6 }), sizes, (lengths, cuts) => {
        const stream = Buffer.concat([CONNECT, ...lengths.map((length) => frame(0x30, length))])
        expect(scan(stream, cuts, 30_000)).toEqual({ frames: lengths.length + 1 })
      }),
    )
  })

  it('finds a frame over the limit at its header, to the byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30_000 }), sizes, (limit, cuts) => {
        const head = frame(0x10, 0)
        const exact = frame(0x30, limit - (limit < 130 ? 2 : limit < 16387 ? 3 : 4))
        if (exact.length === limit) {
          expect(scan(Buffer.concat([head, exact]), cuts, limit).fault).toBeUndefined()
          expect(scan(Buffer.concat([head, exact]), cuts, limit - 1).fault).toBe('too-long')
        }
      }),
    )
    expect(scan(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x32]), [1], 4096).fault).toBe('too-long')
  })

  it('refuses a first packet that is not CONNECT and a length of five bytes', () => {
    expect(scan(Buffer.from([0x30, 0]), [1], 100).fault).toBe('not-connect')
    expect(scan(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01]), [1], 2 ** 40).fault).toBe('bad-length')
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), sizes, (bytes, cuts) => void scan(bytes, cuts, 64)),
    )
  })
})
