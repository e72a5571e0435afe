import type { Clock } from '../../contract/clock.ts'
import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import type { DownMessage } from '../../contract/down.ts'
import type { DsseEnvelope } from '../../contract/dsse.ts'
import type { LiveEvent } from '../../contract/views.ts'
import type { IncidentEvent, Priority, Ticket } from '../../contract/incident.ts'
import type { SessionHello } from '../../contract/report.ts'
import type { Tier } from '../../contract/rules.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Db, Records } from '../records/records.ts'

/** What remediation needs of an agent's present session. */
export type AgentSession = Pick<
  SessionHello,
  'challenge' | 'commandSequence' | 'commandsEnabled' | 'bootTimeMs'
>

/** An approved script, as server/script finds it. */
export type ScriptVersion = { digest: string; content: ScriptContent; envelope: DsseEnvelope }

export type IncidentKey = { client: string; id: string }

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
  /** Signs an order with the server's online key; 16 random bytes are its nonce. */
  sign: (request: {
    job: string
    client: string
    device: string
    challenge: string
    sequence: number
    nonce: string
    script: DsseEnvelope
    parameters: ParameterValues
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
