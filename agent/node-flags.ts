/**
 * Flags for the Node process of the agent: a young generation of 1 MB and a heap that cannot grow over 64 MB. The
 * agent makes little garbage, so more room would only hold memory, and it says itself when to collect it.
 */
export const AGENT_NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--max-old-space-size=64',
  '--optimize-for-size',
  '--expose-gc',
  '--disable-warning=ExperimentalWarning',
]

/** Environment for the same: few allocator arenas and two threads for file syncs and name look-ups. */
export const AGENT_NODE_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  UV_THREADPOOL_SIZE: '2',
}
