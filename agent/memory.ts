/**
 * Gives back what the start or an inventory left in the heap; V8 by itself waits for garbage that an idle agent
 * hardly makes. Does nothing unless Node runs with --expose-gc (AGENT_NODE_FLAGS).
 */
export function releaseMemory(): void {
  void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
