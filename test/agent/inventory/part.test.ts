import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitDocument, withoutEmpty } from '../../../agent/inventory/part.ts'

const size = (document: object): number => Buffer.byteLength(JSON.stringify(document))

describe('a document', () => {
  it('that fits stays as it is', () => {
    const document = { a: [1, 2, 3], b: 'text' }
    expect(fitDocument(document, 1000)).toEqual(document)
  })

  it('loses entries of its longest list until it fits, and says how many', () => {
    const installed = Array.from({ length: 5000 }, (_, i) => [`package-${String(i)}`, '1.0'])
    const document = { count: 5000, pending: ['x'], installed }
    const fitted = fitDocument(document, 20_000) as {
      count: number
      installed: unknown[]
      pending: unknown[]
      cut: { installed: number }
    }
    expect(size(fitted)).toBeLessThanOrEqual(20_000)
    expect(fitted.installed.length + fitted.cut.installed).toBe(5000)
    expect(fitted.installed.length).toBeGreaterThan(500)
    expect([fitted.count, fitted.pending]).toEqual([5000, ['x']])
  })

  it('always fits, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ maxLength: 10 }),
          fc.oneof(fc.string({ maxLength: 400 }), fc.array(fc.string({ maxLength: 200 }))),
          { maxKeys: 6 },
        ),
        fc.integer({ min: 200, max: 2000 }),
        (document, maxBytes) => {
          expect(size(fitDocument(document, maxBytes))).toBeLessThanOrEqual(maxBytes)
        },
      ),
    )
  })

  it('has no field that was left empty', () => {
    expect(withoutEmpty({ a: '', b: '-', c: 0, d: null, e: -1, f: [], g: 'x', h: false, i: 3 })).toEqual({
      g: 'x',
      h: false,
      i: 3,
    })
    expect(withoutEmpty({ a: '', b: 0 })).toBeUndefined()
  })
})
