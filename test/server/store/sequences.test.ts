import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addSequences,
  hasSequence,
  pairsOf,
  rangesOf,
  type SequenceRanges,
} from '../../../server/store/sequences.ts'

describe('ranges of sequences', () => {
  it('hold exactly what was added, merged and in order, whatever the order', () => {
    const step = fc.tuple(fc.nat(60), fc.nat(6))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ranges: SequenceRanges = []
        const model = new Set<number>()
        for (const [from, length] of steps) {
          addSequences(ranges, from, from + length)
          for (let n = from; n <= from + length; n++) model.add(n)
        }
        for (let n = 0; n < 70; n++) expect(hasSequence(ranges, n)).toBe(model.has(n))
        const pairs = pairsOf(ranges)
        pairs.forEach(([from, to], i) => {
          expect(from).toBeLessThanOrEqual(to)
          const next = pairs[i + 1]
          if (next) expect(next[0]).toBeGreaterThan(to + 1)
        })
        expect(rangesOf(model)).toEqual(ranges)
      }),
      { numRuns: 500 },
    )
  })

  it('take one pair however long the run', () => {
    const ranges: SequenceRanges = []
    for (let n = 0; n < 100_000; n++) addSequences(ranges, n, n)
    expect(ranges).toEqual([0, 99_999])
  })
})
