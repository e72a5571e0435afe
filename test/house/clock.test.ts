import { describe, expect, it } from 'vitest'
import { readSources } from '../support/sources.ts'

/** Folders in which time and chance are arguments. */
const PURE = ['rules', 'server/sla', 'server/incident', 'server/ticket', 'server/remediation']
const HIDDEN =
  /\bDate\.now\s*\(|\bnew Date\s*\(\s*\)|\bperformance\.now\s*\(|\bprocess\.hrtime\b|\bMath\.random\s*\(|\bsetTimeout\s*\(|\bsetInterval\s*\(/

describe('no hidden clock', () => {
  const sources = readSources(PURE)

  it('reads the pure folders', () => {
    expect(sources.length).toBeGreaterThan(25)
  })

  it('stands in none of them', () => {
    const wrong = sources.flatMap((source) =>
      source.text
        .split('\n')
        .flatMap((line, index) =>
          HIDDEN.test(line.replace(/\/\/.*|^\s*\*.*/, ''))
            ? [`${source.path}:${index + 1} ${line.trim()}`]
            : [],
        ),
    )
    expect(wrong).toEqual([])
  })

  it('would be found', () => {
    expect(HIDDEN.test('const now = Date.now()')).toBe(true)
    expect(HIDDEN.test('const now = new Date()')).toBe(true)
    expect(HIDDEN.test('const at = new Date(row.at)')).toBe(false)
  })
})
