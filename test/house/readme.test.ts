import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../contract/errors.ts'
import { errorReference } from '../support/reference.ts'
import { featuresOfReadme } from '../support/features.ts'
import { ruleReference } from '../support/rule-reference.ts'
import { scriptReference } from '../support/script-reference.ts'
import { ROOT } from '../support/sources.ts'

describe('README', () => {
  const features = featuresOfReadme()

  it('has a feature table', () => {
    expect(features.length).toBeGreaterThanOrEqual(15)
  })

  // That they pass is held by test/support/run.ts, which has the results.
  it.each(features)('names a test that exists: $promise', ({ file, test }) => {
    expect(existsSync(join(ROOT, file)), file).toBe(true)
    const lastTitle = test.split(' › ').at(-1)!
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(lastTitle)
  })
})

describe('docs/reference/errors.md', () => {
  it('is what contract/errors.ts says', () => {
    expect(Object.keys(ERROR_CODES).length).toBeGreaterThan(30)
    expect(readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8')).toBe(errorReference())
  })
})

describe('docs/reference/rules.md', () => {
  it('is what the contract says', () => {
    expect(readFileSync(join(ROOT, 'docs/reference/rules.md'), 'utf8')).toBe(ruleReference())
  })
})

describe('docs/reference/scripts.md', () => {
  it('is what the library says', () => {
    expect(readFileSync(join(ROOT, 'docs/reference/scripts.md'), 'utf8')).toBe(scriptReference())
  })
})
