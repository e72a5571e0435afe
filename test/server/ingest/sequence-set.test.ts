import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSequenceSet, toRanges } from '../../../server/ingest/sequence-set.ts'

describe('sequence set', () => {
  it('holds exactly what was added, as sorted disjoint ranges', () => {
    const step = fc.tuple(fc.nat(60), fc.nat(4))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const set = createSequenceSet(1000)
        const model = new Set<number>()
        for (const [from, more] of steps) {
          set.addRange(from, from + more)
          for (let seq = from; seq <= from + more; seq++) model.add(seq)
          for (let seq = 0; seq < 70; seq++) expect(set.has(seq)).toBe(model.has(seq))
        }
        expect(set.ranges()).toEqual(toRanges([...model]))
      }),
    )
  })

  it('forgets the lowest range first and never takes an unseen one for seen', () => {
    const set = createSequenceSet(3)
    for (const seq of [1, 3, 5, 7]) set.add(seq)
    expect(set.ranges()).toEqual([
      [3, 3],
      [5, 5],
      [7, 7],
    ])
    expect([1, 2, 4, 6, 8].some((seq) => set.has(seq))).toBe(false)
  })

  it('keeps a life of a boot as one range', () => {
    const set = createSequenceSet(8)
    for (let seq = 0; seq < 100_000; seq++) set.add(seq)
    expect(set.ranges()).toEqual([[0, 99_999]])
  })
})
