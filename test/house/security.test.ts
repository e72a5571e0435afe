import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/sources.ts'

const text = readFileSync(join(ROOT, 'docs/security.md'), 'utf8')
const claims = [...text.matchAll(/`(test\/[a-z0-9/.-]+\.ts)`:\s+"([^"]+)"/g)].map(([, file, title]) => ({
  file: file!,
  title: title!,
}))

describe('docs/security.md', () => {
  it('names at least forty tests, each in the form that is checked', () => {
    expect(claims.length).toBeGreaterThanOrEqual(40)
    // All but the one that names this file.
    expect(text.match(/`test\/[a-z0-9/.-]+\.ts`/g)).toHaveLength(claims.length + 1)
  })

  it.each(claims)('names a test that exists: $title', ({ file, title }) => {
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(title)
  })
})
