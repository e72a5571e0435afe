import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { restOf } from '../../../cli/work/rest.ts'

const text = fc.stringMatching(/^[a-z\n]{0,200}$/)

describe('what was not seen of an output', () => {
  it('is the end of what is kept, and how much is kept nowhere between', () => {
    fc.assert(
      fc.property(
        text,
        text,
        fc.integer({ min: 1, max: 10_000 }),
        fc.nat(12_000),
        (head, tail, middle, at) => {
          const total = head.length + middle + tail.length
          const shown = Math.min(at, total)
          const rest = restOf(`${head}\n[… ${middle} bytes left out …]\n${tail}`, total, shown)
          if (shown === 0) expect(rest.text).toContain(head)
          else {
            expect(shown + rest.leftOut + rest.text.length).toBe(total)
            expect(tail.endsWith(rest.text)).toBe(true)
          }
        },
      ),
    )
  })

  it('is all of it where nothing came live, and nothing where all did', () => {
    fc.assert(
      fc.property(text, fc.nat(200), (whole, at) => {
        const shown = Math.min(at, whole.length)
        expect(restOf(whole, whole.length, shown)).toEqual({ leftOut: 0, text: whole.slice(shown) })
      }),
    )
  })
})
