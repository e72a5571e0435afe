import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addRange, countInRanges, inRanges, type Ranges } from '../../../agent/outbox/ranges.ts'

describe('ranges', () => {
  it('is a set of numbers, sorted, disjoint and without neighbours', () => {
    const span = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: -2, max: 15 }))
    fc.assert(
      fc.property(fc.array(span, { maxLength: 20 }), fc.nat(60), fc.nat(60), (spans, a, b) => {
        const model = new Set<number>()
        let ranges: Ranges = []
        for (const [from, length] of spans) {
          ranges = addRange(ranges, from, from + length)
          for (let n = from; n <= from + length; n++) model.add(n)
        }
        for (let n = 0; n < 80; n++) expect(inRanges(ranges, n)).toBe(model.has(n))
        ranges.slice(1).forEach(([from], i) => expect(from).toBeGreaterThan(ranges[i]![1] + 1))
        expect(countInRanges(ranges, a, b)).toBe([...model].filter((n) => n >= a && n <= b).length)
      }),
    )
  })
})
