import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { declarationFaults } from '../../../contract/parameters.ts'
import { patternWays } from '../../../contract/pattern-cost.ts'

const faultsOf = (pattern: string, maxLength = 255): number =>
  declarationFaults({
    interpreter: 'sh',
    parameters: { value: { type: 'string', pattern, maxLength, help: '' } },
  }).length

describe('a pattern of a parameter', () => {
  it.each([
    '(a+)+',
    '(a*)*b',
    '(?:a|a)*b',
    '(?:a|ab?)+',
    '([a-z]+)*x',
    '(?:a{1,5}){0,29}b',
    '(?:(?:a+,?)+;)+',
    '(?:[a-z]?[a-z]?)+',
    '(?<word>\\w+)+',
    '(?:\\d+){2,}',
    '.*.*.*x',
    '[a-z]*[a-z]*[a-z]*[a-z]*!',
  ])('is refused when a value could hold whoever checks it: %s', (pattern) => {
    expect(faultsOf(pattern)).toBe(1)
  })

  it.each([
    ['[0-9]{1,3}(?:\\.[0-9]{1,3}){3}', 255],
    ['(?:[0-9]{1,5}(?:,[0-9]{1,5}){0,29})?', 255],
    ['/[^\\u0000-\\u001f\\u007f]*', 4096],
    ['.*', 4096],
    ['.*\\.log', 4096],
    ['(?:a|b|c)x', 255],
    ['.+@.+', 255],
    ['[A-Z]:\\\\[^<>|]{1,200}', 255],
  ] as const)('is taken when it cannot, and then no value takes long: %s', (pattern, maxLength) => {
    expect(faultsOf(pattern, maxLength)).toBe(0)
    const matcher = new RegExp(`^(?:${pattern})$`, 'u')
    for (const text of ['a', '.', '1', ',1', '/', '@', 'a@', '1.', 'log.', 'C:\\']) {
      const value = `${text.repeat(Math.floor(maxLength / text.length) - 1)}\n`
      const from = performance.now()
      matcher.test(value)
      expect(performance.now() - from).toBeLessThan(500)
    }
  })

  it('says how many ways there are at the most', () => {
    expect(patternWays('abc', 100)).toBe(1)
    expect(patternWays('a{2,5}', 100)).toBe(4)
    expect(patternWays('a*|b*', 100)).toBe(202)
    expect(patternWays('a*b*', 100)).toBe(10_201)
  })
})
