import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { excessOf } from '../../../rules/language/measure.ts'
import { parsePack } from '../../../rules/language/parse.ts'

const WITHIN_MS = 200

describe('a text that is no pack', () => {
  const deep = Array.from({ length: 80 }, (_, level) => `${' '.repeat(level)}a:\n`).join('')
  it.each([
    ['brackets', '['.repeat(200_000), /1:65 nested deeper than 64/],
    ['brackets that close', `a: ${'['.repeat(200_000)}${']'.repeat(200_000)}`, /1:67 nested deeper/],
    ['braces over lines', 'a:\n'.concat('{a:\n'.repeat(100_000)), /65:1 nested deeper/],
    ['dashes', '- '.repeat(200_000), /1:129 nested deeper/],
    ['question marks', '? '.repeat(200_000), /1:129 nested deeper/],
    ['indents', deep, /65:66 nested deeper/],
    ['length', `# ${'x'.repeat(1_000_000)}`, /1:1 longer than 1000000/],
    [
      'fields',
      Array.from({ length: 40_000 }, (_, n) => `a${n}: 1\n`).join(''),
      /1001:6 more than 1000 fields/,
    ],
    [
      'fields in braces',
      `{${Array.from({ length: 40_000 }, (_, n) => `a${n}`).join(', ')}}`,
      /more than 1000 fields/,
    ],
  ])('is refused at once for its %s', (_, text, told) => {
    excessOf('warm: up')
    const before = performance.now()
    const { faults } = parsePack({ file: 'p.yaml', text })
    expect(performance.now() - before).toBeLessThan(WITHIN_MS)
    expect(faults).toHaveLength(1)
    const [fault] = faults
    expect(`${fault?.line}:${fault?.column} ${fault?.message}`).toMatch(told)
    expect(fault?.file).toBe('p.yaml')
  })
})

describe('a text that may be one', () => {
  it('holds as many brackets in its texts and comments as it likes, and as many entries', () => {
    const open = '[{ - ? : '.repeat(200)
    const text = [
      `# ${open}`,
      `a: "${open}"`,
      `b: '${open}'`,
      `c: |\n${`  ${open}\n`.repeat(100)}`,
      `d: >-\n${`    ${open}\n`.repeat(100)}`,
      `e: plain [{ ${'[{'.repeat(200)}`,
      `f:\n${'  - { a: 1, b: [x, y] }\n'.repeat(3000)}`,
      `g: [${Array.from({ length: 5000 }, (_, n) => n).join(', ')}]`,
      `h:\n${'- a: 1\n  b: 2\n'.repeat(3000)}`,
    ].join('\n')
    expect(excessOf(text)).toBeUndefined()
    expect(excessOf(text.replaceAll('\n', '\r\n'))).toBeUndefined()
  })

  it('is every pack that ships, and its tests', () => {
    const folder = join(import.meta.dirname, '../../../rules/packs')
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
    expect(files.length).toBeGreaterThan(5)
    for (const name of files) expect(excessOf(readFileSync(join(folder, name), 'utf8')), name).toBeUndefined()
  })
})
