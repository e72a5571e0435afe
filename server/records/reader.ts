import { AsyncLocalStorage } from 'node:async_hooks'

const readers = new AsyncLocalStorage<readonly string[]>()

/**
 * Runs `work` for a person who sees these clients only: whatever it reads of the records is theirs or the MSP's own, and
 * it can write nothing, also in a route that has not thought of it. It follows calls and promises, but not what the
 * sockets of a stream call later: that takes `Records.here`.
 */
export function readAs<T>(clients: readonly string[], work: () => T): T {
  return readers.run(clients, work)
}

/** The clients that the person sees for whom this is done; null: all. */
export function readerNow(): readonly string[] | null {
  return readers.getStore() ?? null
}
