import { describe, expect, it } from 'vitest'
import { run } from '../bench/run-once.ts'

describe('crashes at every step of a job', () => {
  // The short form of `npm run bench -- run-once`; the seed of a failure stands in its output.
  it(
    'no job runs twice, each comes to an end that is true, and nothing is silent',
    { timeout: 900_000 },
    async () => {
      const figures = await run([
        '--crashes',
        '30',
        '--agents',
        '3',
        '--server-every',
        '2000',
        '--cover',
        '--minutes',
        '5',
      ])
      expect(figures).toMatchObject({ doubleRuns: 0, silent: 0, untrue: 0 })
      // A slow machine may end its five minutes before a process has died at the last one.
      expect(figures.missed.length).toBeLessThanOrEqual(1)
      expect(figures.crashPoints).toBeGreaterThanOrEqual(30)
      expect(figures.serverCrashes).toBeGreaterThanOrEqual(9)
      // The jobs do run between the crashes.
      expect(figures.states.succeeded ?? 0).toBeGreaterThan(10)
      expect(figures.jobs).toBeGreaterThan(30)
    },
  )
})
