import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeReport } from '../../../agent/link/encode.ts'
import { decodeReport } from '../stub-server.ts'

const of = (values: number[]) => ({
  hash: 'ab'.repeat(8),
  boot: 'cd'.repeat(8),
  seq: 123_456,
  timeMs: 1.79e12,
  values,
})
const decode = (values: number[]) => decodeReport(Buffer.from(encodeReport(of(values))))

describe('encodeReport', () => {
  it('gives integers back exactly, others to six significant digits, and what is not finite as nil', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double({ min: -1e15, max: 1e15 }), fc.maxSafeInteger())), (values) => {
        const back = decode(values).values
        expect(back).toHaveLength(values.length)
        values.forEach((value, i) => {
          const got = back[i]!
          if (Number.isNaN(value)) expect(got).toBeNull()
          else if (Number.isInteger(value)) expect(got === value).toBe(true)
          else if (Math.abs(value) >= 1e6) expect(Math.abs(got - value)).toBeLessThanOrEqual(0.5)
          else if (Math.abs(value) > 1e-30)
            expect(Number(got.toPrecision(6))).toBe(Number(value.toPrecision(6)))
        })
      }),
    )
    expect(decode([NaN, Infinity, 0]).values).toEqual([null, null, 0])
  })

  it('takes at most 650 bytes for 80 series like those of a real machine', () => {
    const values = Array.from({ length: 80 }, (_, i) =>
      i % 8 === 0 ? 16_777_216_000 + i : i % 4 === 0 ? i : (i + 1) / 7,
    )
    expect(encodeReport(of(values)).length).toBeLessThanOrEqual(650)
  })
})
