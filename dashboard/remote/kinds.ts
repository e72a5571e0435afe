import type { RemoteKind as Kind } from '../../contract/remote/policy.ts'

/** The kinds of session; the contract's own list would bring its schemas along. */
export const REMOTE_KINDS = ['terminal', 'files', 'screen', 'rdp'] as const satisfies readonly Kind[]
export type RemoteKind = Kind
