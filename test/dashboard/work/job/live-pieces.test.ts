import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grown, type LivePiece } from '../../../../dashboard/work/job/live-pieces.ts'

const bytes = (text: string): number => Buffer.byteLength(text)
const textOf = (pieces: readonly LivePiece[]): string => pieces.map(({ text }) => text).join('')

describe('output that grows on a page', () => {
  it('holds everything in order, counts what it lets go, and no piece comes again under another id', () => {
    const part = fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      text: fc.stringMatching(/^[ab€\n]{1,40}$/).map((text) => text.repeat(400)),
      skipped: fc.constantFrom(0, 0, 0, 9),
    })
    fc.assert(
      fc.property(fc.array(part, { maxLength: 120 }), fc.integer({ min: 1, max: 9 }), (parts, each) => {
        let pieces: readonly LivePiece[] = []
        const seen = new Map<number, string>()
        for (let at = 0; at < parts.length; at += each) {
          pieces = grown(pieces, parts.slice(at, at + each))
          for (const { id, stream } of pieces) {
            expect(seen.get(id) ?? stream).toBe(stream)
            seen.set(id, stream)
          }
        }
        const whole = parts.map(({ text }) => text).join('')
        const skipped = parts.reduce((sum, piece) => sum + piece.skipped, 0)
        expect(whole.endsWith(textOf(pieces))).toBe(true)
        expect(pieces.reduce((sum, piece) => sum + piece.skipped + bytes(piece.text), 0)).toBe(
          bytes(whole) + skipped,
        )
        expect(textOf(pieces).length).toBeLessThanOrEqual(400_000)
      }),
      { numRuns: 60 },
    )
  })

  it('what is closed is not touched again, so that only the end is drawn anew', () => {
    let pieces: readonly LivePiece[] = []
    for (let line = 0; line < 2000; line++)
      pieces = grown(pieces, [{ stream: 'stdout', text: `line ${line}\n`, skipped: 0 }])
    const more = grown(pieces, [{ stream: 'stdout', text: 'one more\n', skipped: 0 }])
    expect(pieces.length).toBeGreaterThan(1)
    expect(more.slice(0, pieces.length - 1).every((piece, at) => piece === pieces[at])).toBe(true)
  })

  it('lines of both streams in turn are held to a number that a page can draw', () => {
    let pieces: readonly LivePiece[] = []
    for (let line = 0; line < 9000; line++)
      pieces = grown(pieces, [{ stream: line % 2 === 0 ? 'stdout' : 'stderr', text: 'x\n', skipped: 0 }])
    expect(pieces.length).toBeLessThanOrEqual(4000)
    expect(pieces[0]?.skipped).toBe(18_000 - 2 * pieces.length)
  })
})
