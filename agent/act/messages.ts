import type { JobOutput, SealedSecret } from '../../contract/command.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Hello } from '../server-time.ts'
import type { JobEnd } from './ledger.ts'

/** What the agent says to the runner of one command. */
export type ToRunner =
  | {
      type: 'run'
      order: DsseEnvelope
      script: DsseEnvelope
      secrets?: Record<string, SealedSecret> | undefined
      /** The private half of the key for which the secrets are sealed; only this channel ever carries it. */
      sealKey: string
      challenge: string
      hellos: readonly Hello[]
      address: DeviceAddress
      dataDir: string
    }
  | { type: 'cancel'; reason: string; graceMs: number }
  /** The live output that was sent last is on its way; more may come. */
  | { type: 'credit' }

/** What the runner of one command says to the agent. */
export type FromRunner =
  | { type: 'refused'; end: JobEnd | null; code: string; message: string }
  | { type: 'started'; sequence: number; end: JobEnd }
  | { type: 'output'; messages: JobOutput[][] }
  /** The job is over; its end also lies in the ledger until the agent has handed it to the outbox. */
  | { type: 'ended'; end: JobEnd }
