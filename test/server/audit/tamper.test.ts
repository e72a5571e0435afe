import { describe, expect, it } from 'vitest'
import { run } from '../../bench/audit.ts'

describe('tampering with the audit chain', () => {
  it('is found, each of some hundred random ones, in memory and in the table', async () => {
    const figures = await run(['--tamperings', '400', '--rows', '60', '--database-every', '20'])
    expect(figures).toMatchObject({ tamperings: 400, found: 400, inDatabase: 20, falseAlarms: 0 })
    expect(figures.truncations).toBeGreaterThan(10)
  }, 60_000)
})
