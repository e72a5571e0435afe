import * as z from 'zod'
import { SealedSecret } from './command.ts'
import { DsseEnvelope } from './trust/dsse.ts'
import { RecordId } from './ids.ts'

/** What the agent watches and how often. It never holds anything that can be run. */
export const DevicePolicy = z.object({
  version: z.number().int().nonnegative(),
  /** Seconds between two cycles of the hot collectors. */
  intervalS: z.number().int().min(1).max(3600),
  /** Faster or slower than that for single collectors, by name; a lab or an incident sets it openly. */
  collectorIntervalS: z.record(z.string(), z.number().int().min(1).max(86_400)),
  /** Services to watch by name, beside those that the device defines itself in its services.d. */
  services: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9@._-]{0,99}$/)).max(200),
  /** Mount points to watch although their kind (tmpfs) is left out otherwise. */
  includeMounts: z.array(z.string().startsWith('/').max(200)).max(20),
  /** host:port of TLS endpoints, or absolute paths of PEM files, whose certificates are watched. */
  certificates: z.array(z.string().max(300)).max(100),
})
export type DevicePolicy = z.infer<typeof DevicePolicy>

export const DEFAULT_POLICY: DevicePolicy = {
  version: 0,
  intervalS: 30,
  collectorIntervalS: {},
  services: [],
  includeMounts: [],
  certificates: [],
}

/** Everything that a server says to an agent, as JSON on the device's `down` topic. */
export const DownMessage = z.discriminatedUnion('type', [
  /** These sequences are committed; the agent may drop them. Both ends of a range are included. */
  z.object({
    type: z.literal('ack'),
    boot: z.string(),
    ranges: z.array(z.tuple([z.number().int(), z.number().int()])).max(1000),
  }),
  z.object({ type: z.literal('need-layout'), hash: z.string() }),
  /** The server does not know this session, since it started after it: say hello again. */
  z.object({ type: z.literal('need-hello') }),
  z.object({ type: z.literal('policy'), policy: DevicePolicy }),
  /** A signed command: see command.ts. */
  z.object({
    type: z.literal('command'),
    order: DsseEnvelope,
    script: DsseEnvelope,
    secrets: z.record(z.string(), SealedSecret).optional(),
  }),
  /** Ends the process tree of a job. Needs no approval: it runs nothing. */
  z.object({ type: z.literal('cancel'), job: RecordId }),
  /** Trust roots after the one that the device has, in order of version: see trust.ts. */
  z.object({ type: z.literal('trust'), roots: z.array(DsseEnvelope).min(1).max(16) }),
  /** A signed request for a remote session: see remote.ts. */
  z.object({ type: z.literal('remote-open'), request: DsseEnvelope }),
  /** One frame of a remote session, base64. */
  z.object({ type: z.literal('remote-frame'), session: RecordId, frame: z.base64().max(50_000) }),
  /** Ends a remote session. Needs no approval: it runs nothing. */
  z.object({ type: z.literal('remote-close'), session: RecordId, why: z.string().max(200) }),
])
export type DownMessage = z.infer<typeof DownMessage>
