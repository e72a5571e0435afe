import { VigiaError } from '../../../contract/errors.ts'
import type { MetricStore, StoredReport } from '../../../server/store/store.ts'

/** Waits of the writer, in milliseconds. */
export const FAST = { first: 10, longest: 50 }

/** A real store behind a switch: while it is off, calls fail as on a server that is away. */
export function switched(store: MetricStore): MetricStore & { away: boolean; ambiguous: boolean } {
  const gate = {
    ...store,
    away: false,
    /** Commits and then says that it did not: what a connection that breaks too late looks like. */
    ambiguous: false,
    async write(reports: readonly StoredReport[]) {
      if (gate.away) throw new VigiaError('STORE_UNAVAILABLE', 'switched off')
      await store.write(reports)
      if (gate.ambiguous) throw new VigiaError('STORE_UNAVAILABLE', 'broke off after the commit')
    },
    async ping() {
      if (gate.away) throw new VigiaError('STORE_UNAVAILABLE', 'switched off')
      await store.ping()
    },
  }
  return gate
}
