import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { RemoteStateMessage } from '../../contract/remote/session.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Hello } from '../server-time.ts'

/** What the agent says to the process of one session. */
export type ToHost =
  | {
      type: 'open'
      request: DsseEnvelope
      challenge: string
      hellos: readonly Hello[]
      address: DeviceAddress
      dataDir: string
    }
  /** One frame, base64 as it came: nothing is proven yet. */
  | { type: 'frame'; frame: string }
  | { type: 'close'; why: string }

/** What the process of one session says to the agent. */
export type FromHost =
  | { type: 'state'; message: RemoteStateMessage }
  /** One frame, base64, ready to be sent. */
  | { type: 'frame'; frame: string }
  /** Frames that were dropped since they were not proven, or came again. */
  | { type: 'dropped'; forged: number; replayed: number }
