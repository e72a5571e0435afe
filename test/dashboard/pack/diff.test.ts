import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffLines, hunks } from '../../../dashboard/pack/diff.ts'

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 20 }).map((lines) => lines.join('\n'))

describe('the comparison of two texts', () => {
  it('tells both texts whole, in their order', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after)
        const side = (left: 'gone' | 'come'): string =>
          lines
            .filter(({ kind }) => kind !== left)
            .map((line) => line.text)
            .join('\n')
        expect(side('come')).toBe(before)
        expect(side('gone')).toBe(after)
      }),
    )
  })

  it('names one changed line as gone and come, and leaves far lines out', () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index}`)
    const lines = diffLines(before.join('\n'), before.with(10, 'other').join('\n'))
    expect(lines.filter(({ kind }) => kind !== 'same').map(({ text }) => text)).toEqual(['line 10', 'other'])
    expect(hunks(lines).filter((line) => line !== null)).toHaveLength(6)
    expect(hunks(lines).filter((line) => line === null)).toHaveLength(2)
  })

  it('shows nothing where nothing changed', () => {
    expect(hunks(diffLines('a\nb\nc', 'a\nb\nc'))).toEqual([])
  })
})
