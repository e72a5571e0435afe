import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCleaner, createMask, type Filter } from '../../../../agent/act/runner/clean.ts'

const pass = (filter: Filter, bytes: Buffer, sizes: readonly number[]): string => {
  const out: Buffer[] = []
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[n % sizes.length]!)
    out.push(filter.add(bytes.subarray(at, at + size)))
    at += size
  }
  out.push(filter.end())
  // Each part must be whole by itself.
  return out.map((part) => part.toString()).join('')
}
/** A mask takes whole characters: a cleaner stands before it. */
const maskOf = (secrets: string[]): Filter => {
  const cleaner = createCleaner()
  const mask = createMask(secrets)
  return {
    add: (chunk) => mask.add(cleaner.add(chunk)),
    end: () => Buffer.concat([mask.add(cleaner.end()), mask.end()]),
  }
}
const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 })

describe('cleaner', () => {
  it('decodes any bytes as the Encoding Standard says, whatever their chunks', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => Buffer.from(text)),
      fc.array(fc.constantFrom(0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0), {
        maxLength: 40,
      }),
    )
    fc.assert(
      fc.property(bytes, sizes, (raw, parts) => {
        const input = Buffer.from(raw)
        const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(input)
        expect(pass(createCleaner(), input, parts)).toBe(expected.replaceAll('\0', '\uFFFD'))
      }),
      { numRuns: 2000 },
    )
  })

  it('lets colours and cursor movements through', () => {
    const text = '\u001b[1;31mred\u001b[0m\r\u001b[2K\u0007'
    expect(pass(createCleaner(), Buffer.from(text), [1])).toBe(text)
  })
})

describe('mask', () => {
  it('leaves nothing of a secret, whatever the chunks and however secrets overlap', () => {
    const secret = fc.stringMatching(/^[ab€]{2,6}$/)
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.stringMatching(/^[abc€]{0,40}$/),
        sizes,
        (secrets, text, parts) => {
          const masked = pass(maskOf(secrets), Buffer.from(text), parts)
          for (const each of secrets) expect(masked).not.toContain(each)
          // What belongs to no secret stays, and the chunks make no difference.
          if (!secrets.some((each) => text.includes(each))) expect(masked).toBe(text)
          expect(masked).toBe(pass(maskOf(secrets), Buffer.from(text), []))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('finds a secret across chunk borders, inside JSON, and line by line', () => {
    const secret = 'pa"ss\nsecond line of it\n'
    const text = `x ${secret} ${JSON.stringify({ secret })} and: second line of it; pa`
    expect(pass(createMask([secret]), Buffer.from(text), [3])).toBe(
      'x ****** {"secret":"******"} and: ******; pa',
    )
  })

  it('holds back only what may be the beginning of a secret', () => {
    const mask = createMask(['hunter2'])
    expect(mask.add(Buffer.from('the prompt> ')).toString()).toBe('the prompt> ')
    expect(mask.add(Buffer.from('hunt')).toString()).toBe('')
    expect(mask.add(Buffer.from('ing')).toString()).toBe('hunting')
    expect(mask.add(Buffer.from('hunt')).toString()).toBe('')
    expect(mask.add(Buffer.from('er2!')).toString()).toBe('******!')
  })
})
