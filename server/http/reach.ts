import type { Access, Touches } from '../../contract/http.ts'
import { readAs } from '../records/reader.ts'
import type { Caller } from './handler.ts'

/** Whether a person who works for these clients only may change what a call names; throws NOT_FOUND, FORBIDDEN. */
export type Reach = (
  asked: { clients: readonly string[]; touches: Touches },
  named: { params: unknown; query: unknown; body: unknown },
) => Promise<void>

/** The clients to which a caller is held; null: none. What is for oneself has to do with no client. */
export function heldTo(access: Access, who: Caller): readonly string[] | null {
  return access === 'self' || access === 'public' ? null : (who?.clients ?? null)
}

/**
 * Calls a route for whoever calls. For a person who works for some clients only, a route that answers reads the records
 * as they may see them, whatever its handler does; and one that changes something is asked first what it changes.
 */
export async function callWithin<T>(
  reach: Reach,
  { access, touches }: { access: Access; touches?: Touches },
  call: { who: Caller; params: unknown; query: unknown; body: unknown },
  handle: () => Promise<T>,
): Promise<T> {
  const clients = heldTo(access, call.who)
  if (clients === null) return handle()
  if (touches === undefined || touches === 'none') return readAs(clients, handle)
  await reach({ clients, touches }, call)
  return handle()
}
