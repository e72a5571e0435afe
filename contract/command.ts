import * as z from 'zod'
import { ClientId, DeviceId, RecordId, UnitName } from './ids.ts'
import { LIMITS } from './limits.ts'

/** A parameter of a script: typed, bounded, handed over as an environment variable or argv, never in a shell text. */
export const ScriptParameter = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('string'),
    pattern: z.string().max(200),
    maxLength: z.number().int().max(4096).default(255),
    default: z.string().optional(),
    help: z.string().max(300),
  }),
  z.object({
    type: z.literal('integer'),
    min: z.number().int(),
    max: z.number().int(),
    default: z.number().int().optional(),
    help: z.string().max(300),
  }),
  z.object({ type: z.literal('boolean'), default: z.boolean().optional(), help: z.string().max(300) }),
  z.object({
    type: z.literal('choice'),
    choices: z.array(z.string().max(100)).min(1).max(100),
    default: z.string().optional(),
    help: z.string().max(300),
  }),
])
export type ScriptParameter = z.infer<typeof ScriptParameter>

export const ParameterValue = z.union([z.string().max(4096), z.number().int(), z.boolean()])
export const ParameterValues = z.record(z.string(), ParameterValue)
export type ParameterValues = z.infer<typeof ParameterValues>

/**
 * The content that an approver signs (payload of a DSSE envelope of type SCRIPT_TYPE). Its digest, the SHA-256
 * of the payload bytes in hexadecimal, is the identity of this version of the script.
 */
export const ScriptContent = z.object({
  name: UnitName,
  version: z.number().int().positive(),
  title: z.string().max(120),
  description: z.string().max(1000),
  interpreter: z.enum(['sh', 'bash', 'python3', 'node', 'powershell']),
  systems: z.array(z.enum(['linux', 'windows', 'macos'])).min(1),
  /** Values reach the script as VIGIA_PARAM_NAME in its environment. */
  parameters: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), ScriptParameter),
  timeoutS: z.number().int().min(1).max(86_400),
  /** May it run twice without harm? Only then is it tried again after an unknown end. */
  idempotent: z.boolean(),
  /** What it changes, in words, for the person who approves. */
  changes: z.string().max(500),
  /** Exit codes that mean success. */
  successCodes: z.array(z.number().int().min(0).max(255)).min(1),
  body: z.string().min(1).max(200_000),
})
export type ScriptContent = z.infer<typeof ScriptContent>

/** The server's order (payload of a DSSE envelope of type ORDER_TYPE), signed with its online key. */
export const CommandOrder = z.object({
  v: z.literal(1),
  job: RecordId,
  client: ClientId,
  device: DeviceId,
  /** The challenge of the agent's present session. */
  challenge: z.string(),
  nonce: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  /** Counts up by device; the agent refuses one that it has passed. */
  sequence: z.number().int().positive(),
  issuedAtMs: z.number().int().positive(),
  expiresAtMs: z.number().int().positive(),
  /** SHA-256 of the script envelope's payload, hexadecimal. */
  scriptDigest: z.string().regex(/^[0-9a-f]{64}$/),
  parameters: ParameterValues,
})
export type CommandOrder = z.infer<typeof CommandOrder>

/** A public key that a device trusts. `keyid` is the SHA-256 of the raw public key, hexadecimal. */
export const TrustedKey = z.object({
  keyid: z.string().regex(/^[0-9a-f]{64}$/),
  /** Raw Ed25519 public key, 32 bytes, base64url without padding. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  name: z.string().max(120),
})
export type TrustedKey = z.infer<typeof TrustedKey>

/**
 * What a device pins when it is installed, after TUF's root role: who may approve scripts, who may order them,
 * and how many approvers it takes.
 */
export const TrustRoot = z.object({
  v: z.literal(1),
  version: z.number().int().positive(),
  approvers: z.object({ threshold: z.number().int().min(1), keys: z.array(TrustedKey).min(1).max(50) }),
  orderers: z.object({ keys: z.array(TrustedKey).min(1).max(10) }),
  /** The server's certificate authority, PEM: what TLS and device certificates are checked against. */
  caPem: z.string().max(20_000),
})
export type TrustRoot = z.infer<typeof TrustRoot>

/** Where a job stands. `unknown`: it may have run; nobody can know. Only then is it never sent again by itself. */
export const JOB_STATES = [
  'pending',
  'sent',
  'running',
  'succeeded',
  'verified',
  'failed',
  'refused',
  'cancelled',
  'expired',
  'unknown',
] as const
export type JobState = (typeof JOB_STATES)[number]

/** Live output on `up/output` (JSON, QoS 1, not kept by the agent): byte offsets let the server see gaps. */
export const JobOutput = z.object({
  job: RecordId,
  stream: z.enum(['stdout', 'stderr']),
  offset: z.number().int().nonnegative(),
  text: z.string().max(LIMITS.outputChunkBytes * 2),
})
export type JobOutput = z.infer<typeof JobOutput>

/**
 * What became of a job, on `up/result` (JSON, durable: has boot and seq and is acknowledged). `started` says
 * that the process is about to run; the others are final. Delivered at least once; the server keeps the first
 * final one of each job.
 */
export const JobResult = z.object({
  boot: z.string(),
  seq: z.number().int().nonnegative(),
  job: RecordId,
  timeMs: z.number().int().positive(),
  outcome: z.enum(['started', 'exited', 'refused', 'timeout', 'cancelled', 'unknown']),
  /** For `refused`: which check failed. */
  code: z.string().max(60).nullable(),
  message: z.string().max(2000).nullable(),
  exitCode: z.number().int().nullable(),
  durationMs: z.number().nonnegative().nullable(),
  stdoutBytes: z.number().int().nonnegative(),
  stderrBytes: z.number().int().nonnegative(),
  /** Head and tail, at most LIMITS.jobOutputBytes in all; the middle is counted, not kept. */
  stdout: z.string(),
  stderr: z.string(),
  /** Fields that the script printed as `VIGIA_FIELD name=value` lines on stdout. */
  fields: z.record(z.string(), z.string()),
})
export type JobResult = z.infer<typeof JobResult>
