import type { Engine } from '../../rules/engine/engine.ts'

/**
 * An engine whose rules can be exchanged while it runs. Everyone keeps the one object; an exchange happens between two
 * of its calls, so that every report is judged by exactly one of the two sets.
 */
export type LiveEngine = {
  engine: Engine
  /**
   * Takes over the state of the engine that runs: rules that did not change go on where they are, alerts of rules
   * that are gone resolve with the next tick. When it throws the engine before goes on.
   */
  exchange(build: () => Engine): void
}

/** Wraps a first engine. */
export function createLiveEngine(first: Engine): LiveEngine {
  let now = first
  return {
    engine: {
      get rules() {
        return now.rules
      },
      observe: (device, report, out) => now.observe(device, report, out),
      tick: (nowMs, out) => now.tick(nowMs, out),
      expect: (device, out) => now.expect(device, out),
      forget: (device) => now.forget(device),
      alerts: (device) => now.alerts(device),
      coverage: (query) => now.coverage(query),
      snapshot: () => now.snapshot(),
      restore: (snapshot) => now.restore(snapshot),
      size: () => now.size(),
    },
    exchange(build) {
      const next = build()
      next.restore(now.snapshot())
      now = next
    },
  }
}
