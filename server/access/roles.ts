import type * as z from 'zod'
import type { Access } from '../../contract/http.ts'
import type { Me } from '../../contract/views.ts'
import { VigiaError } from '../../contract/errors.ts'

/** Who calls: a signed-in person, or the machine itself by its local token. */
export type Caller = z.infer<typeof Me>

/**
 * May this caller use a route? Anyone the public ones; the machine itself all; a signed-in person those for
 * people, a viewer only to read, and an owner also those for owners. `changes` is false for GET, and for what changes only one's own session. Throws
 * UNAUTHENTICATED or FORBIDDEN.
 */
export function checkAccess(access: Access, changes: boolean, caller: Caller | undefined): void {
  if (access === 'public') return
  if (caller === undefined) throw new VigiaError('UNAUTHENTICATED', 'nobody is signed in')
  if (caller.role === 'local') return
  if (access === 'self') return
  if (access === 'local')
    throw new VigiaError('FORBIDDEN', 'this is done on the machine of the server, by the command line')
  if (access === 'owner' && caller.role !== 'owner')
    throw new VigiaError('FORBIDDEN', 'this takes the role owner')
  if (changes && caller.role === 'viewer')
    throw new VigiaError('FORBIDDEN', 'a viewer reads only; this takes the role technician')
}

/** Is the address this machine's own? IPv4 127.0.0.0/8, also as written within IPv6, and ::1. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address)
}
