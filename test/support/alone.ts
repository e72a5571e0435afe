/**
 * Suites that have the machine to themselves: they start whole installations, browsers or benches, or measure time, and
 * beside each other would measure one another. `npm test` runs them last, one after the other.
 */
export const ALONE: readonly string[] = [
  'test/{flow,faults,browser}/**/*.test.ts',
  'test/**/{kill,*-kill}.test.ts',
  'test/rules/engine/throughput.test.ts',
  'test/server/audit/tamper.test.ts',
  'test/server/store/duckdb-faults.test.ts',
  'test/sim/fleet/healthy.test.ts',
]
