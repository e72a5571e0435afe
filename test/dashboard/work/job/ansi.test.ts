import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { styled as rendered, styledPieces } from '../../../../dashboard/work/job/ansi.ts'

const styled = (output: string) => rendered(output).spans
const text = (output: string): string =>
  styled(output)
    .map((piece) => piece.text)
    .join('')

describe('output with its colours', () => {
  it('names colours and weights, and ends them', () => {
    expect(styled('a \x1b[1;31mred\x1b[0m b \x1b[92;44mx\x1b[39my')).toEqual([
      { text: 'a ', classes: '' },
      { text: 'red', classes: 'sgr-strong sgr-f1' },
      { text: ' b ', classes: '' },
      { text: 'x', classes: 'sgr-f10 sgr-b4' },
      { text: 'y', classes: 'sgr-b4' },
    ])
    expect(styled('\x1b[7mi\x1b[27m')).toEqual([{ text: 'i', classes: 'sgr-f0 sgr-b7' }])
  })

  it('brings 256 and true colours to sixteen', () => {
    expect(styled('\x1b[38;5;196mr')).toEqual([{ text: 'r', classes: 'sgr-f9' }])
    expect(styled('\x1b[38;2;0;160;0mg')).toEqual([{ text: 'g', classes: 'sgr-f2' }])
    expect(styled('\x1b[38:5:4mb')).toEqual([{ text: 'b', classes: 'sgr-f4' }])
  })

  it('leaves out what moves a cursor, sets a title or asks the terminal', () => {
    expect(text('\x1b[2J\x1b[10;5Ha\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\x1b(Bd\x1b[?25l')).toBe('abcd')
  })

  it('shows a line that was written over as it stood last', () => {
    expect(text('10 %\r20 %\r100 %\ndone')).toBe('100 %\ndone')
    expect(text('abc\rX')).toBe('Xbc')
    expect(text('abd\bc\x07')).toBe('abc')
    expect(text('line\r\nnext\r\n')).toBe('line\nnext\n')
  })

  it('erases a line, or the rest of it, as programs do that show how far they are', () => {
    expect(text('downloading 10 %\r\x1b[Kdone\n')).toBe('done\n')
    expect(text('one two\r\x1b[2Kthree')).toBe('three')
    expect(text('abc\x1b[1K')).toBe('abc')
    expect(text('a\x0eb\x0fc')).toBe('abc')
  })

  it('carries a colour from piece to piece, not over a gap, and renders no piece twice', () => {
    const pieces = ['\x1b[31mred', 'still red\x1b[0m', 'plain \x1b[32mgreen', 'after a gap'].map(
      (each, at) => ({
        text: each,
        skipped: at === 3 ? 7 : 0,
      }),
    )
    const spans = styledPieces(pieces)
    expect(spans.map((each) => each.map(({ classes }) => classes))).toEqual([
      ['sgr-f1'],
      ['sgr-f1'],
      ['', 'sgr-f2'],
      [''],
    ])
    expect(styledPieces(pieces).every((each, at) => each === spans[at])).toBe(true)
    expect(styledPieces(pieces.slice(1))[0]).toEqual([{ text: 'still red', classes: '' }])
  })

  it('keeps every text without escapes as it is, and never gives a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (output) => {
        const plain = output.replace(/[\x00-\x08\x0b-\x1f]/g, '')
        expect(text(plain)).toBe(plain)

        expect(text(output)).not.toMatch(/[\x00-\x08\x0b-\x1f]/)
      }),
    )
  })
})
