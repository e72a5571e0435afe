import type * as z from 'zod'
import type { Access } from '../../contract/http.ts'
import type { Me } from '../../contract/views.ts'
import { VigiaError } from '../../contract/errors.ts'

/** Who calls: a signed-in person, or the machine itself by its local token. */
export type Caller = z.infer<typeof Me>

/**
 * May this caller use a route at `nowMs`? Anyone the public ones; the machine itself all; a signed-in person those for
 * people, a viewer only to read and for themselves; what operates devices, a technician or owner whose second factor
 * still counts in this session; and an owner also those for owners, which take it where they change something.
 * `changes` is false for GET, and for what changes only one's own session. Throws UNAUTHENTICATED, FORBIDDEN or
 * SECOND_FACTOR_REQUIRED.
 */
export function checkAccess(
  access: Access,
  changes: boolean,
  caller: Caller | undefined,
  nowMs: number,
): void {
  if (access === 'public') return
  if (caller === undefined) throw new VigiaError('UNAUTHENTICATED', 'nobody is signed in')
  if (caller.role === 'local') return
  switch (access) {
    case 'self':
      return
    case 'local':
      throw new VigiaError('FORBIDDEN', 'this is done on the machine of the server, by the command line')
    case 'owner':
      if (caller.role !== 'owner') throw new VigiaError('FORBIDDEN', 'this takes the role owner')
      if (changes) checkProof(caller, nowMs)
      return
    case 'operate':
      if (caller.role === 'viewer') throw viewerReads()
      return checkProof(caller, nowMs)
    case 'person':
      if (changes && caller.role === 'viewer') throw viewerReads()
      return
    default:
      return access satisfies never
  }
}

/** Throws SECOND_FACTOR_REQUIRED unless the second factor was shown in this session and still counts. */
function checkProof(caller: Caller, nowMs: number): void {
  if (caller.secondFactor !== true)
    throw new VigiaError('SECOND_FACTOR_REQUIRED', 'this takes a second factor, and you have none yet')
  if ((caller.provenUntilMs ?? 0) <= nowMs)
    throw new VigiaError('SECOND_FACTOR_REQUIRED', 'this takes your second factor; show it first')
}

function viewerReads(): VigiaError {
  return new VigiaError('FORBIDDEN', 'a viewer reads only; this takes the role technician')
}

/** Is the address this machine's own? IPv4 127.0.0.0/8, also as written within IPv6, and ::1. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address)
}
