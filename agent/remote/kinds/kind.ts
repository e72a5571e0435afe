import type { FrameType, RemoteRequest } from '../../../contract/remote/session.ts'
import type { RemoteKind, RemotePolicy } from '../../../contract/remote/policy.ts'

/** What a kind sends of its own; credit and the MACs are the host's. */
export type SentType = Exclude<FrameType, 'credit'>

/** What a session is started with, in the child process that it has for itself. */
export type SessionStart = {
  request: RemoteRequest
  /** What this device allows; `request.control` and the kind itself were checked against it. */
  policy: RemotePolicy
  /** The agent's own folder: no session opens it. */
  dataDir: string
  /**
   * Sends a frame, proven and in order. `data` may be of any length: it is cut into frames and held to the window of
   * the technician's credit; any other payload must fit one frame. Resolves when all of it has left, which is the
   * backpressure: read no more from the source before. Never rejects; after the end it resolves at once.
   */
  send: (type: SentType, payload: Uint8Array) => Promise<void>
  /** Ends the session from inside: an error code or a word of contract/remote.ts, and what a person may read. */
  end: (code: string, message?: string) => void
}

/** A session that runs. */
export type RemoteSession = {
  /**
   * A proven frame of the technician, in order; never of type `credit`, and of type `close` only before `stop`. For
   * `data` the credit goes back when the promise is settled; a rejection ends the session.
   */
  receive(type: SentType, payload: Uint8Array): void | Promise<void>
  /** Ends everything that it has begun; resolves when nothing of it is left. */
  stop(): void | Promise<void>
}

/** One kind of session. `start` throws a VigiaError when it cannot be had here. */
export type RemoteKindUnit = {
  name: RemoteKind
  start(options: SessionStart): Promise<RemoteSession>
}
