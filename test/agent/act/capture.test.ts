import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCapture, createFields } from '../../../agent/act/capture.ts'

const feed = (capture: ReturnType<typeof createCapture>, bytes: Buffer, sizes: number[]): void => {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[n % sizes.length]!)
    capture.add(bytes.subarray(at, at + size))
    at += size
  }
  capture.end()
}

describe('capture', () => {
  it('keeps head and tail of any stream whatever its chunks, and counts the middle', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z\n]{0,400}$/),
        fc.array(fc.integer({ min: 1, max: 90 })),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (text, sizes, headBytes, tailBytes) => {
          const capture = createCapture({ headBytes, tailBytes, liveChars: 50 })
          feed(capture, Buffer.from(text), sizes)
          expect(capture.bytes()).toBe(text.length)
          const kept = capture.text(1000)
          if (text.length <= headBytes + tailBytes) expect(kept).toBe(text)
          else {
            const left = text.length - headBytes - tailBytes
            expect(kept).toBe(
              `${text.slice(0, headBytes)}\n[… ${String(left)} bytes left out …]\n${text.slice(-tailBytes)}`,
            )
          }
        },
      ),
    )
  })

  it('decodes UTF-8 across chunks; live parts join to the whole, with right offsets', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 5 })),
        fc.integer({ min: 2, max: 9 }),
        (raw, sizes, most) => {
          const text = raw.replaceAll('\0', '')
          const capture = createCapture({ headBytes: 500, tailBytes: 500, liveChars: 10_000 })
          feed(capture, Buffer.from(text), sizes)
          let joined = ''
          for (let part = capture.takeLive(most); part; part = capture.takeLive(most)) {
            expect(part.offset).toBe(Buffer.byteLength(joined))
            expect(Buffer.from(part.text).toString()).toBe(part.text)
            joined += part.text
          }
          expect(joined).toBe(Buffer.from(text).toString())
        },
      ),
    )
  })

  it('replaces what is not UTF-8, and NUL', () => {
    const capture = createCapture({ headBytes: 100, tailBytes: 100, liveChars: 100 })
    feed(capture, Buffer.from([0x61, 0xff, 0x62, 0x00, 0xc3]), [1])
    expect(capture.takeLive(100)).toEqual({ offset: 0, text: 'a\uFFFDb\uFFFD\uFFFD' })
  })

  it('lets old live output go when nobody takes it, which shows as a gap', () => {
    const capture = createCapture({ headBytes: 10, tailBytes: 10, liveChars: 100 })
    for (let i = 0; i < 50; i++) capture.add(Buffer.from('0123456789'))
    const part = capture.takeLive(1000)!
    expect(part.offset).toBeGreaterThan(0)
    expect(part.offset + part.text.length).toBe(500)
  })
})

describe('fields', () => {
  it('reads VIGIA_FIELD lines and nothing else, within its bound', () => {
    const found = createFields()
    const capture = createCapture({ headBytes: 10, tailBytes: 10, liveChars: 10, onLine: found.onLine })
    feed(
      capture,
      Buffer.from(
        'VIGIA_FIELD freed_bytes=12\nx VIGIA_FIELD a=1\nVIGIA_FIELD Bad=1\r\nVIGIA_FIELD freed_bytes=13\r\nVIGIA_FIELD last=é = b',
      ),
      [3],
    )
    expect(found.fields).toEqual({ freed_bytes: '13', last: 'é = b' })
    for (let i = 0; i < 500; i++) found.onLine(`VIGIA_FIELD f${String(i)}=${'x'.repeat(500)}`)
    expect(Buffer.byteLength(JSON.stringify(found.fields))).toBeLessThan(33_000)
  })
})
