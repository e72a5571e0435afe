import type { Clock } from '../../contract/clock.ts'
import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { ErrorCode } from '../../contract/errors.ts'
import type { LiveEvent } from '../../contract/views.ts'
import type { Db, Records } from '../records/records.ts'

/** Who orders: the clients for whose devices they may (null: all), and how they showed that it is they. */
export type Orderer = { name: string; clients: readonly string[] | null; proof: string }

/** An approved script, as the wiring finds it. */
export type RunScript = { digest: string; content: ScriptContent; envelope: DsseEnvelope }

/** One order to a device, to be stored as pending. */
export type RunJob = {
  id: string
  client: string
  device: string
  digest: string
  parameters: ParameterValues
  orderedBy: string
  createdAtMs: number
  expiresAtMs: number
  run: { id: string; wave: number; attempt: number }
  dryRun: boolean
}

type Deed = { who: string; action: string; client: string | null; subject: string; detail?: unknown }

/** The neighbours of runs, handed in by the wiring: no stage imports another. */
export type RunPorts = {
  records: Records
  clock: Clock
  emit: (event: LiveEvent) => void
  /** A fault in what runs on a timer, for the log. */
  fault: (error: unknown, doing: string) => void
  script: (db: Db, nameOrDigest: string) => Promise<RunScript | undefined>
  /** Parameters against the script's own schema, defaults filled in; COMMAND_MALFORMED. */
  checkParameters: (script: ScriptContent, given: ParameterValues) => ParameterValues
  /** Why a device (null: any) would not run this version; undefined when it would. */
  refusal: (script: RunScript, device: string | null) => { code: ErrorCode; why: string } | undefined
  /** Secrets that the script asks for with these parameters and that a client has not. */
  missingSecrets: (
    db: Db,
    client: string,
    script: ScriptContent,
    values: ParameterValues,
  ) => Promise<string[]>
  /** The clients for which whoever is called so may run code now; null: all. */
  clientsOf: (db: Db, name: string) => Promise<readonly string[] | null>
  /** Why no command leaves the server now; null when they may. */
  held: (db: Db) => Promise<{ reason: string } | null>
  /** Enters a deed into the audit chain, inside the transaction that does it. */
  note: (db: Db, deed: Deed) => Promise<void>
  jobs: {
    insert: (db: Db, jobs: readonly RunJob[]) => Promise<void>
    /** Sends what of these is pending and can go. */
    send: (ids: readonly string[]) => Promise<void>
    /** Takes back what of these has not left; and ends the others too, as far as devices can be reached. */
    end: (ids: readonly string[], why: string, which: 'pending' | 'all') => Promise<void>
  }
}
