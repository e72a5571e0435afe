import type { RemoteKind } from '../../../contract/remote-policy.ts'

/** What the person at the machine is shown of a session. */
export type ConsentRequest = {
  technician: string
  reason: string
  kind: RemoteKind
  control: boolean
  /** Six digits that the technician sees too and reads out. */
  code: string
}

/** `nobody`: there is no one, or no way, to be asked. */
export type ConsentAnswer = 'yes' | 'no' | 'nobody'

/** The notice that stands while a session is open. */
export type ConsentNotice = {
  /** Resolves when the person ends the session there; never when nothing can be shown. */
  ended: Promise<'closed-by-person'>
  close(): void
}

/** The person in front of the machine. */
export type Consent = {
  ask(request: ConsentRequest & { timeoutMs: number }): Promise<ConsentAnswer>
  show(request: ConsentRequest): ConsentNotice
}

/** A machine on which there is no program to ask with: nobody answers, and nothing is shown. */
export function createConsent(): Consent {
  return {
    ask: () => Promise.resolve('nobody'),
    show: () => ({ ended: new Promise(() => undefined), close: () => undefined }),
  }
}
