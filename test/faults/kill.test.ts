import { describe, expect, it } from 'vitest'
import { run } from '../bench/kill.ts'

describe('kill -9 of server and agents in turn under load', () => {
  // The short form of `npm run bench -- kill`; the seed of a failure stands in its output.
  it('loses no acknowledged sample and stores none twice', { timeout: 400_000 }, async () => {
    const figures = await run(['--kills', '10'])
    expect(figures).toMatchObject({ kills: 10, lost: 0, duplicated: 0 })
    expect(figures.serverKills).toBeGreaterThanOrEqual(4)
    expect(figures.acknowledged).toBeGreaterThan(1000)
    expect(figures.samples).toBeGreaterThan(20_000)
    // The comparison is not blind: it finds one row taken out of a copy and one doubled in it.
    expect(figures.selfCheck).toEqual({ lost: 1, duplicated: 1 })
  })
})
