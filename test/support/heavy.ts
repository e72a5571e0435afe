/**
 * Suites that start whole installations, browsers or long simulations. `npm test` runs them after all others, two at a
 * time: most of their time they wait.
 */
export const WHOLE: readonly string[] = [
  'test/{flow,faults,browser}/**/*.test.ts',
  'test/**/{kill,*-kill}.test.ts',
  'test/server/audit/tamper.test.ts',
  'test/server/store/duckdb/faults.test.ts',
  'test/sim/fleet/healthy.test.ts',
]

/** Those that measure time or what is done in a time, and beside others would measure them: last, one after the other. */
export const ALONE: readonly string[] = [
  'test/rules/engine/throughput.test.ts',
  'test/faults/owned-server.test.ts',
  'test/agent/act/runner/live-lag.test.ts',
]

/** The longest, which begins first so that nothing waits for it at the end. */
export const LONGEST = 'test/faults/run-once.test.ts'
