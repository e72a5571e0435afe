import type { Readable } from 'node:stream'
import type { Logger } from 'pino'
import type { Clock } from '../../contract/clock.ts'
import type { DownMessage } from '../../contract/down.ts'
import type { RemoteKind } from '../../contract/remote/policy.ts'
import type { RemoteView } from '../../contract/remote/session.ts'
import type { SessionHello } from '../../contract/report.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { TrustedKey } from '../../contract/trust/root.ts'
import type { Db, Records } from '../records/records.ts'
import type { RemoteRelay, TechnicianSocket } from './relay.ts'
import type { Asker } from './request.ts'

/** What the stage needs of others. */
export type RemotePorts = {
  records: Records
  clock: Clock
  log: Logger
  /** Folder of recordings, and how long they are kept. */
  directory: string
  keptMs: number
  /** Enters a deed into the audit chain, in the transaction. */
  note: (
    db: Db,
    entry: { who: string; action: string; client: string; subject: string; detail: object },
  ) => Promise<unknown>
  changed: (session: string) => void
  send: (address: DeviceAddress, message: DownMessage) => Promise<boolean>
  hello: (device: string) => SessionHello | undefined
  /** The technicians of the present trust root whose signature holds. */
  signers: (envelope: DsseEnvelope) => readonly TrustedKey[]
  /** Adds the signature of the server's online key. */
  countersign: (envelope: DsseEnvelope) => DsseEnvelope
  /** Was the technician of this name removed? Holds that until the transaction ends. */
  removed: (db: Db, technician: string) => Promise<boolean>
  /** Why nothing may be opened now; null when it may. */
  switchedOff: () => Promise<string | null>
  /** A frame of no session of this device: counted, and kept as a sample. */
  hostile: (address: DeviceAddress, frame: Uint8Array) => void
}

/** Whoever opened a session: only the same login may attach to it. */
export type Opener = Asker & { login: string }

export type Remote = RemoteRelay & {
  /** Throws what the checks of request.ts do, COMMAND_DISABLED, REMOTE_UNAVAILABLE and COMMAND_REPLAYED. */
  open(envelope: DsseEnvelope, who: Opener): Promise<RemoteView>
  list(filter: {
    device?: string | undefined
    kind?: RemoteKind | undefined
    limit: number
  }): Promise<RemoteView[]>
  get(id: string): Promise<RemoteView>
  close(id: string, who: Asker): Promise<RemoteView>
  /** Ends what a person has open with devices of other clients than those that they may still reach; null: all. */
  withdraw(person: string, clients: readonly string[] | null, who: string): Promise<void>
  /** Ends what was opened by a person who was removed, or with their key. */
  removed(person: string, who: string): Promise<void>
  /** Ends what was opened with a key that is no technician's any more. */
  keepOnly(technicians: readonly Pick<TrustedKey, 'keyid'>[], who: string): Promise<void>
  /** The recording of a session; entered into the audit chain. Throws NOT_FOUND, FORBIDDEN. */
  recording(id: string, who: Asker): Promise<Readable>
  /** Takes a socket; one that may not is closed at once. */
  attach(id: string, login: string, after: number, socket: TechnicianSocket): void
  /** Ends every session, as the server stops. */
  stop(): Promise<void>
  /** Takes away recordings that are older than they are kept. */
  sweep(): void
}
