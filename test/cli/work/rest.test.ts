import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLines, restOf } from '../../../cli/work/rest.ts'

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

  it('counts what is told, not what was printed: a masked secret is shorter, a byte that is no text longer', () => {
    const masked = 'the key is ******\nits end\n'
    expect(restOf(masked, masked.length + 16, masked.length)).toEqual({ leftOut: 0, text: '' })
    expect(restOf(masked, masked.length + 16, 18)).toEqual({ leftOut: 0, text: 'its end\n' })
    const mended = 'a\uFFFD\uFFFDb\n'
    expect(restOf(mended, 5, 7)).toEqual({ leftOut: 0, text: 'b\n' })
    const long = `******\n[… 100 bytes left out …]\n******`
    expect(restOf(long, 140, 6)).toEqual({ leftOut: 100, text: '******' })
    expect(restOf(long, 140, 112)).toEqual({ leftOut: 0, text: '' })
  })

  it('takes no mark that the script printed itself for one of the agent', () => {
    const own = 'one\n[… 9999 bytes left out …]\ntwo\n'
    expect(restOf(own, Buffer.byteLength(own), Buffer.byteLength(own) - 4)).toEqual({
      leftOut: 0,
      text: 'two\n',
    })
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

describe('lines', () => {
  it('end as on Windows or with a return alone, wherever the output is cut', () => {
    const printed = 'one\r\ntwo\r\n\r\n10 %\r20 %\rdone\n'
    fc.assert(
      fc.property(fc.array(fc.nat(printed.length), { maxLength: 6 }), (cuts) => {
        const add = createLines()
        const ends = [...cuts.sort((a, b) => a - b), printed.length]
        const shown = ends.map((end, place) => add(printed.slice(ends[place - 1] ?? 0, end))).join('')
        expect(shown).toBe('one\ntwo\n\n10 %\n20 %\ndone\n')
      }),
    )
  })
})
