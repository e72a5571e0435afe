import type { Clock } from '../../contract/clock.ts'
import type { ParameterValues, ScriptContent, SealedSecret } from '../../contract/command.ts'
import type { DownMessage } from '../../contract/down.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { ErrorCode } from '../../contract/errors.ts'
import type { LiveEvent } from '../../contract/views.ts'
import type { IncidentEvent, Priority, Ticket } from '../../contract/incident.ts'
import type { SessionHello } from '../../contract/report.ts'
import type { SessionClock } from '../../contract/session-clock.ts'
import type { Tier } from '../../contract/rules.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Db, Records } from '../records/records.ts'

/** What remediation needs of an agent's present session. */
export type AgentSession = Pick<
  SessionHello,
  'challenge' | 'commandSequence' | 'commandsEnabled' | 'bootTimeMs' | 'sealKey'
> & { clock: SessionClock }

/** An approved script, as server/script finds it. */
export type ScriptVersion = { digest: string; content: ScriptContent; envelope: DsseEnvelope }

export type IncidentKey = { client: string; id: string }

/** A deed for the audit chain. */
export type Deed = { who: string; action: string; client: string | null; subject: string; detail?: unknown }

/** Who orders: the clients for whose devices they may (null: all), and how they showed that it is they. */
export type Orderer = { name: string; clients: readonly string[] | null; proof: string }

/** Secrets that a script asks for: the parameter, and the name of the secret that is its value. */
export type SecretNames = Readonly<Record<string, string>>

type Escalation = IncidentKeyed & {
  title: Ticket['title']
  body: Ticket['body']
  tier: Tier
  priority: Priority
}
type IncidentKeyed = {
  client: string /** Null for what is about no single device. */
  device: string | null
  incident: string
}

/** The neighbours of remediation, handed in by the wiring: no stage imports another. */
export type Ports = {
  records: Records
  clock: Clock
  emit: (event: LiveEvent) => void
  /** A fault in what runs on a timer, for the log. */
  fault: (error: unknown, doing: string) => void
  /** The present session of a device; undefined when it is not connected. */
  session: (device: string) => AgentSession | undefined
  /**
   * Hands a message to the device's session. False: nothing was handed over (it is not connected). Throws when
   * nobody knows.
   */
  send: (address: DeviceAddress, message: DownMessage) => Promise<boolean>
  scripts: { find: (db: Db, nameOrDigest: string) => Promise<ScriptVersion | undefined> }
  /** Parameters against the script's own schema, defaults filled in; COMMAND_MALFORMED. */
  checkParameters: (script: ScriptContent, given: ParameterValues) => ParameterValues
  /** Why devices would not run this version, on this device or (null) on any; undefined when they would. */
  refusal: (script: ScriptVersion, device: string | null) => { code: ErrorCode; why: string } | undefined
  secrets: {
    /** Those of these names that have no value for a client. */
    missing: (db: Db, client: string, names: SecretNames) => Promise<string[]>
    /** Sealed for a session; SECRET_MISSING, or SECRET_UNSEALED for an agent that has no key for them. */
    seal: (
      db: Db,
      request: { client: string; job: string; names: SecretNames; sealKey: string | undefined },
    ) => Promise<Record<string, SealedSecret>>
  }
  /** The clients for which whoever is called so may run code now; null: all. */
  clientsOf: (db: Db, name: string) => Promise<readonly string[] | null>
  /** Enters a deed into the audit chain, inside the transaction that does it. */
  note: (db: Db, deed: Deed) => Promise<void>
  /** A job of a run came to an end, or to nobody's knowledge. */
  runChanged: (run: string) => void
  /** Signs an order with the server's online key; 16 random bytes are its nonce. */
  sign: (request: {
    job: string
    client: string
    device: string
    challenge: string
    clock: SessionClock
    sequence: number
    nonce: string
    script: DsseEnvelope
    parameters: ParameterValues
    dryRun?: boolean
    secrets?: Record<string, SealedSecret>
    nowMs: number
    ttlMs: number
  }) => { order: DsseEnvelope; script: DsseEnvelope }
  incidents: {
    tell: (db: Db, key: IncidentKey, events: readonly IncidentEvent[]) => Promise<void>
    enter: (db: Db, key: IncidentKey, state: 'open' | 'remediating' | 'escalated') => Promise<void>
    credit: (db: Db, key: IncidentKey, by: 'remedy' | 'person') => Promise<void>
  }
  tickets: {
    escalate: (db: Db, escalation: Escalation) => Promise<{ id: string; fresh: boolean }>
    incidentResolved: (
      db: Db,
      incident: IncidentKey,
      sentence: string,
    ) => Promise<{ id: string | null; result: 'closed' | 'noted' | 'none'; person: boolean }>
  }
}
