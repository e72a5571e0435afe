import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePattern } from '../../../rules/language/pattern.ts'

const letter = fc.constantFrom('a', 'b', 'c', '/', '-', 'é', '😀')
const source: fc.Arbitrary<string> = fc.letrec<{ any: string; one: string }>((tie) => ({
  one: fc.oneof(
    letter,
    fc.constantFrom(
      '.',
      '[ab]',
      '[^a]',
      '^',
      '$',
      '[a-c\\]]',
      '\\w',
      '\\D',
      '\\/',
      '\\u0061',
      '\\p{L}',
      '\\x62',
    ),
  ),
  any: fc.oneof(
    { depthSize: 'small' },
    tie('one'),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('any'), fc.constantFrom('*', '+', '?', '*?', '{2}', '{0,2}', '{1,}'))
      .map(([a, sign]) => `(${a})${sign}`),
  ),
})).any

describe('a pattern', () => {
  it('matches what the engine of the language matches', () => {
    fc.assert(
      fc.property(source, fc.array(letter, { maxLength: 8 }), (text, letters) => {
        const subject = letters.join('')
        expect(compilePattern(text)(subject)).toBe(new RegExp(`^(?:${text})$`, 'u').test(subject))
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['(a+)+', '(a|a)*', '(?:a*)*b', '(.*)*x', '(a|aa)+', '(a?){25}a{25}'])(
    'takes no longer for %s and a text made for it',
    (text) => {
      const matches = compilePattern(text)
      const startMs = performance.now()
      expect(matches(`${'a'.repeat(2000)}!`)).toBe(false)
      expect(performance.now() - startMs).toBeLessThan(2000)
    },
  )

  it.each(['(', '[a', 'a{2', '(?=a)b', '(?<!a)b', '(a)\\1', 'a\\b', '(((a{1000}){1000}){1000})', 'a{1001}'])(
    'refuses %s with a message',
    (text) => {
      expect(() => compilePattern(text)).toThrow(SyntaxError)
    },
  )
})
