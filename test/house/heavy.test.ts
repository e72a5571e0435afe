import { matchesGlob } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALONE, LONGEST, WHOLE } from '../support/heavy.ts'
import { readSources, type Source } from '../support/sources.ts'

const suites = readSources(['test']).filter(({ path }) => path.endsWith('.test.ts'))
const HEAVY = [...WHOLE, ...ALONE, LONGEST]
const isListed = (path: string): boolean => HEAVY.some((pattern) => matchesGlob(path, pattern))

/** Whether a suite starts a whole installation, a server, a browser or a bench. */
function isHeavy({ imports, text }: Source): boolean {
  return imports.some(
    ({ to, typeOnly }) =>
      !typeOnly &&
      (to === 'server/app.ts' ||
        to === 'test/browser/console.ts' ||
        (to === 'test/support/installation.ts' && text.includes('createInstallation')) ||
        /^test\/bench\/[^/]+\.ts$/.test(to)),
  )
}

describe('suites that run last', () => {
  it('are all those that start whole installations, browsers or benches', () => {
    const heavy = suites.filter(isHeavy)
    expect(heavy.length).toBeGreaterThan(10)
    expect(heavy.map(({ path }) => path).filter((path) => !isListed(path))).toEqual([])
  })

  it('are there under the names by which they are listed', () => {
    for (const pattern of HEAVY)
      expect(
        suites.some(({ path }) => matchesGlob(path, pattern)),
        pattern,
      ).toBe(true)
  })
})
