import type { RemoteKind } from '../../../contract/remote/policy.ts'
import type { RemoteKindUnit } from './kind.ts'

/** The kinds of session, each loaded when one begins. */
export const KINDS: Partial<Record<RemoteKind, () => Promise<RemoteKindUnit>>> = {
  terminal: async () => (await import('./terminal.ts')).terminal,
  files: async () => (await import('./files.ts')).files,
  rdp: async () => (await import('./rdp.ts')).rdp,
  screen: async () => (await import('./screen.ts')).screen,
}
