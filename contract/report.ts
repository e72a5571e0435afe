import * as z from 'zod'
import { LIMITS } from './limits.ts'

/** One series of a layout: metric name (see metrics.ts), labels and unit. */
export const SeriesSpec = z.object({
  metric: z
    .string()
    .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)+$/)
    .max(80),
  labels: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9_]*$/)
        .max(40),
      z.string().max(LIMITS.labelBytes),
    )
    .refine((labels) => Object.keys(labels).length <= LIMITS.labelsPerSeries, 'too many labels'),
  unit: z.string().max(20),
})
export type SeriesSpec = z.infer<typeof SeriesSpec>

/**
 * The layout of an agent's reports, published as JSON on `up/layout` after each connect and whenever it
 * changes. `hash` names it in reports: the first 16 hexadecimal digits of SHA-256 over the JSON text of
 * `series` (see layoutHash in wire.ts).
 */
export const Layout = z.object({
  v: z.literal(1),
  hash: z.string().regex(/^[0-9a-f]{16}$/),
  series: z.array(SeriesSpec).min(1).max(LIMITS.seriesPerLayout),
})
export type Layout = z.infer<typeof Layout>

/** Names one run of one agent: 16 hexadecimal digits, new at each start of the agent process. */
export const BootId = z.string().regex(/^[0-9a-f]{16}$/)

/**
 * A decoded report. On the wire (`up/report`) it is a MessagePack array `[hash, boot, seq, timeMs, values]`.
 * A value is a finite number or nil, which means unavailable: the collector could not read it. It is never
 * zero for unknown. `seq` counts up by one over everything durable that this boot sends.
 *
 * @public The shape on the wire; both ends have their own fast path over it.
 */
export type Report = { hash: string; boot: string; seq: number; timeMs: number; values: (number | null)[] }

/** The same for people: verbose JSON on `up/json`, at most 64 KB. */
export const JsonReport = z.object({
  boot: BootId,
  seq: z.number().int().nonnegative(),
  timeMs: z.number().int().positive(),
  samples: z
    .array(SeriesSpec.extend({ value: z.number().nullable() }))
    .min(1)
    .max(LIMITS.seriesPerLayout),
})
export type JsonReport = z.infer<typeof JsonReport>

/**
 * Documents that replace each other (inventory, top processes, …), on `up/facts` as a MessagePack array
 * `[kind, boot, seq, timeMs, json]` where `json` is text. The newest by time wins.
 */
export const FACT_KINDS = [
  'hardware',
  'os',
  'packages',
  'smart',
  'battery',
  'users',
  'processes',
  'sessions',
  'ports',
  'unavailable',
] as const
export type FactKind = (typeof FACT_KINDS)[number]
export type Facts = { kind: FactKind; boot: string; seq: number; timeMs: number; json: string }

/** What an agent says of itself on `up/session` (JSON, QoS 1) right after it connects and subscribes. */
export const SessionHello = z.object({
  v: z.literal(1),
  boot: BootId,
  /** 32 random bytes, base64url: every command of this session must repeat it. */
  challenge: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  agentVersion: z.string().max(40),
  hostname: z.string().max(255),
  os: z.enum(['linux', 'windows', 'macos']),
  osName: z.string().max(120),
  arch: z.string().max(20),
  /** When the machine started, Unix milliseconds. */
  bootTimeMs: z.number().int().nonnegative(),
  timeMs: z.number().int().positive(),
  /** Highest command sequence that this device has seen. */
  commandSequence: z.number().int().nonnegative(),
  /** Version of the trust root that the device has pinned. */
  trustVersion: z.number().int().nonnegative(),
  commandsEnabled: z.boolean(),
  /** The ephemeral P-256 key (uncompressed point, base64url) for which this session's secrets are sealed. */
  sealKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{87}$/)
    .optional(),
  /** What it can do beyond running scripts: `remote`. An older agent says nothing. */
  abilities: z.array(z.string().max(40)).max(20).optional(),
  outbox: z.object({
    reports: z.number().int().nonnegative(),
    bytes: z.number().int().nonnegative(),
    dropped: z.number().int().nonnegative(),
  }),
})
export type SessionHello = z.infer<typeof SessionHello>

/** One accepted report on its way to the store and to the rules. NaN in `values` is unavailable and is not stored. */
export type StoredReport = {
  client: string
  device: string
  boot: string
  seq: number
  timeMs: number
  layout: Layout
  values: Float64Array
}

/** Which sequences of which boots are committed, so that a duplicate is known after a restart too. Both ends included. */
export type SeenSequences = { device: string; boot: string; ranges: [number, number][] }
