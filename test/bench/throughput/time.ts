import { performance } from 'node:perf_hooks'

/** The fewest seconds that one of several runs took: what others on the machine took away is left out. */
export function bestSeconds(runs: number, run: () => void): number {
  let best = Infinity
  for (let index = 0; index < runs; index++) {
    const start = performance.now()
    run()
    best = Math.min(best, (performance.now() - start) / 1000)
  }
  return best
}
