import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JobResult, TranscriptPiece } from '../../../../contract/command.ts'
import { createFields } from '../../../../agent/act/runner/fields.ts'
import { createKept } from '../../../../agent/act/runner/kept.ts'
import { createOutput } from '../../../../agent/act/runner/output.ts'

const MOST = 200_000
const streamName = fc.constantFrom('stdout' as const, 'stderr' as const)

describe('kept', () => {
  it('holds the beginning and the end of any pieces in order, whole characters, and counts the rest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(streamName, fc.stringMatching(/^[a-zé€😀]{1,12}$/u)), { maxLength: 40 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 2, max: 120 }),
        (pieces, headBytes, tailBytes, mostPieces, most) => {
          const kept = createKept({ headBytes, tailBytes, mostPieces })
          for (const [stream, text] of pieces) kept.add(stream, Buffer.from(text))
          const { head, skipped, tail } = kept.excerpt(most)
          const all = pieces.map(([, text]) => text).join('')
          const [from, to] = [head, tail].map((part) => part.map(({ bytes }) => bytes.toString()).join(''))
          expect(all.startsWith(from!) && all.endsWith(to!)).toBe(true)
          expect(Buffer.byteLength(from! + to!) + skipped).toBe(Buffer.byteLength(all))
          expect(Buffer.byteLength(from! + to!)).toBeLessThanOrEqual(most)
          if (Buffer.byteLength(all) <= Math.min(most, headBytes))
            expect(skipped > 0 && mostPieces > 5).toBe(false)
          // Each byte belongs to the stream in which it came.
          const owner = pieces.flatMap(([stream, text]) =>
            Array<string>(Buffer.byteLength(text)).fill(stream),
          )
          const told = [...head, ...tail].flatMap(({ stream, bytes }) =>
            Array<string>(bytes.length).fill(stream),
          )
          const fromBytes = Buffer.byteLength(from!)
          expect(told).toEqual([...owner.slice(0, fromBytes), ...owner.slice(fromBytes + skipped)])
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('output', () => {
  it('keeps both streams in the order in which they came, apart and together', () => {
    const output = createOutput()
    for (const [stream, text] of [
      ['stdout', 'one\n'],
      ['stderr', 'oh\n'],
      ['stderr', 'dear\n'],
      ['stdout', 'two\n'],
    ] as const)
      output.add(stream, Buffer.from(text))
    output.end()
    expect(output.summary(MOST)).toEqual({
      stdout: 'one\ntwo\n',
      stderr: 'oh\ndear\n',
      stdoutBytes: 8,
      stderrBytes: 8,
      fields: {},
      transcript: [
        { stream: 'stdout', text: 'one\n', skipped: 0 },
        { stream: 'stderr', text: 'oh\ndear\n', skipped: 0 },
        { stream: 'stdout', text: 'two\n', skipped: 0 },
      ],
    })
  })

  it('live pieces join to the whole of each stream, with right offsets, whatever is taken at a time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(streamName, fc.string({ unit: 'grapheme', maxLength: 20 })), { maxLength: 30 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 4, max: 30 }),
        (pieces, most, bytes) => {
          const output = createOutput()
          const whole = { stdout: '', stderr: '' }
          for (const [stream, raw] of pieces) {
            const text = Buffer.from(raw.replaceAll('\0', '')).toString()
            output.add(stream, Buffer.from(text))
            whole[stream] += text
          }
          output.end()
          const told = { stdout: '', stderr: '' }
          while (output.waits())
            for (const { stream, offset, text } of output.takeLive(most, bytes)) {
              expect(offset).toBe(Buffer.byteLength(told[stream]))
              told[stream] += text
            }
          expect(told).toEqual(whole)
        },
      ),
    )
  })

  it('lets old live output go when nobody takes it, which shows as a gap', () => {
    const output = createOutput({ liveBytes: 100_000 })
    for (let i = 0; i < 40; i++) output.add('stdout', Buffer.alloc(10_000, 'x'))
    const parts = output.takeLive(1000, 1e9)
    expect(parts[0]!.offset).toBeGreaterThan(290_000)
    expect(
      parts.reduce((at, { offset, text }) => (expect(offset).toBe(at), at + text.length), parts[0]!.offset),
    ).toBe(400_000)
  })

  it('of live output the newest is kept, from the beginning of a line or at least of a character on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[aé€😀\n]{1,30}$/u), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 4, max: 60 }),
        (parts, mostPieces, mostBytes) => {
          const output = createOutput()
          parts.forEach((text, at) => output.add(at % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(text)))
          output.keepLive(mostPieces, mostBytes)
          const whole = { stdout: '', stderr: '' }
          parts.forEach((text, at) => (whole[at % 2 === 0 ? 'stdout' : 'stderr'] += text))
          const told = output.takeLive(1000, 1e9)
          expect(told.length).toBeLessThanOrEqual(mostPieces)
          expect(told.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(
            mostBytes,
          )
          expect(output.waits()).toBe(false)
          for (const { stream, offset, text } of told)
            expect(Buffer.from(whole[stream]).subarray(offset).toString().startsWith(text)).toBe(true)
        },
      ),
    )
    const output = createOutput()
    output.add('stdout', Buffer.from('line\n'.repeat(10_000)))
    output.keepLive(10, 1002)
    expect(output.takeLive(10, 1e9)).toEqual([
      { stream: 'stdout', offset: 49_000, text: 'line\n'.repeat(200) },
    ])
  })

  it('masks secrets everywhere, also when both streams hold parts of one', () => {
    const output = createOutput({ secrets: ['s3cr3t-value'] })
    output.add('stdout', Buffer.from('VIGIA_FIELD token=s3cr3t-'))
    output.add('stderr', Buffer.from('+ login s3cr3t-value\n'))
    output.add('stdout', Buffer.from('value\ntail s3cr3t-'))
    output.end()
    const told = output.summary(MOST)
    const live = output.takeLive(100, 1e6)
    expect(JSON.stringify([told, live])).not.toContain('s3cr3t-value')
    expect(told).toMatchObject({
      stdout: 'VIGIA_FIELD token=******\ntail s3cr3t-',
      stderr: '+ login ******\n',
      fields: { token: '******' },
    })
  })

  it('fits any output into a packet, with as many pieces as the contract takes', () => {
    const output = createOutput()
    for (let i = 0; i < 50_000; i++)
      output.add(i % 2 === 0 ? 'stdout' : 'stderr', Buffer.from([1, 0x5c, 255, 0]))
    output.end()
    const told = output.summary(MOST)
    const transcript = JobResult.shape.transcript.parse(told.transcript)
    expect(Buffer.byteLength(JSON.stringify(told))).toBeLessThan(MOST + 2000)
    expect(told).toMatchObject({ stdoutBytes: 100_000, stderrBytes: 100_000 })
    expect(transcript.length).toBeGreaterThan(100)
    const kept = transcript.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
    expect(kept + transcript.reduce((sum, { skipped }) => sum + skipped, 0)).toBe(50_000 * 8)
    expect(transcript.filter(({ skipped }) => skipped > 0)).toHaveLength(1)
    expect(TranscriptPiece.parse(transcript[0])).toMatchObject({
      stream: 'stdout',
      text: '\u0001\\\uFFFD\uFFFD',
    })
  })

  it('one line of any length costs no more than another', () => {
    const output = createOutput()
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const before = process.memoryUsage()
    for (let i = 0; i < 4096; i++) output.add('stdout', chunk)
    output.end()
    const after = process.memoryUsage()
    expect(output.summary(MOST).stdoutBytes).toBe(256 * 1024 * 1024)
    expect(after.rss - before.rss).toBeLessThan(64e6)
  })
})

describe('fields', () => {
  it('reads VIGIA_FIELD lines and nothing else, whatever the chunks, within its bound', () => {
    const text =
      'VIGIA_FIELD freed_bytes=12\nx VIGIA_FIELD a=1\nVIGIA_FIELD Bad=1\r\nVIGIA_FIELD freed_bytes=13\r\n' +
      `VIGIA_FIELD long=${'y'.repeat(5000)}\nz\nVIGIA_FIELD last=é = b`
    for (const size of [1, 3, 50, 100_000]) {
      const fields = createFields()
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at += size) fields.add(bytes.subarray(at, at + size))
      fields.end()
      expect(fields.found()).toEqual({ freed_bytes: '13', last: 'é = b' })
    }
    const many = createFields()
    for (let i = 0; i < 500; i++) many.add(Buffer.from(`VIGIA_FIELD f${String(i)}=${'x'.repeat(500)}\n`))
    expect(Buffer.byteLength(JSON.stringify(many.found()))).toBeLessThan(33_000)
  })
})
