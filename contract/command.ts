import * as z from 'zod'
import { ClientId, DeviceId, RecordId, UnitName } from './ids.ts'
import { LIMITS } from './limits.ts'
import { SessionClock } from './session-clock.ts'

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
  /** Its value is the name of a secret of this server; the script finds the secret itself in its environment. */
  z.object({ type: z.literal('secret'), help: z.string().max(300) }),
])
export type ScriptParameter = z.infer<typeof ScriptParameter>

export const ParameterValue = z.union([z.string().max(4096), z.number().int(), z.boolean()])
export const ParameterValues = z.record(z.string(), ParameterValue)
export type ParameterValues = z.infer<typeof ParameterValues>

/** One value that a script tells: its type decides how the table of results sorts and groups it. */
export const ScriptOutput = z.object({
  type: z.enum(['text', 'integer', 'number', 'boolean']),
  unit: z.string().max(20).default(''),
  help: z.string().max(200),
})
export type ScriptOutput = z.infer<typeof ScriptOutput>

/** What the processes of one job may use together; past it the job is ended with SCRIPT_LIMIT. */
export const ScriptLimits = z.object({
  /** Resident memory of the process tree. */
  memoryMb: z.number().int().min(16).max(65_536),
  processes: z.number().int().min(1).max(4096),
  /** The largest file that it may write, where the system can hold it to that. */
  writtenMb: z.number().int().min(1).max(1_048_576),
})
export type ScriptLimits = z.infer<typeof ScriptLimits>

/**
 * The content that an approver signs (payload of a DSSE envelope of type SCRIPT_TYPE). Its digest, the SHA-256
 * of the payload bytes in hexadecimal, is the identity of this version of the script.
 */
export const ScriptContent = z.object({
  name: UnitName,
  version: z.number().int().positive(),
  title: z.string().max(120),
  description: z.string().max(1000),
  /** `ad-hoc`: typed for one occasion, without a description of its own; needs as many approvers as a whole fleet. */
  kind: z.enum(['library', 'ad-hoc']).default('library'),
  /** The devices on which it may run; null: any, which takes `fleetThreshold` approvers or a publisher. */
  devices: z.array(DeviceId).min(1).max(LIMITS.narrowDevices).nullable().default(null),
  /** After this moment it runs nowhere any more; without it the approval has no end of its own. */
  approvedUntilMs: z.number().int().positive().optional(),
  /** What it is about, for the list: disk, service, network, … */
  category: z.string().max(40).default('general'),
  interpreter: z.enum(['sh', 'bash', 'python3', 'node', 'powershell', 'batch']),
  systems: z.array(z.enum(['linux', 'windows', 'macos'])).min(1),
  /** `administrator`: root, or an elevated account on Windows; the agent refuses it where it is neither. */
  privilege: z.enum(['user', 'administrator']).default('user'),
  /** Values reach the script as VIGIA_PARAM_NAME in its environment, secrets as VIGIA_SECRET_NAME. */
  parameters: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), ScriptParameter),
  timeoutS: z.number().int().min(1).max(86_400),
  /** May it run twice without harm? Only then is it tried again after an unknown end. */
  idempotent: z.boolean(),
  /** Does it change nothing when VIGIA_DRY_RUN is 1, and say what it would do? */
  dryRun: z.boolean().default(false),
  /** What it changes, in words, for the person who approves. */
  changes: z.string().max(500),
  /** Exit codes that mean success: up to 255 on Unix, 32 bits on Windows (3010: done, restart). */
  successCodes: z.array(z.number().int().min(0).max(0x7fff_ffff)).min(1),
  /** What exit codes mean, for people. */
  exitCodes: z.record(z.string().regex(/^\d{1,10}$/), z.string().max(200)).default({}),
  /** What it prints as VIGIA_FIELD name=value lines: columns of the table of results. */
  outputs: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), ScriptOutput).default({}),
  limits: ScriptLimits.default({ memoryMb: 1024, processes: 256, writtenMb: 10_240 }),
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
  /** By the server's clock. */
  issuedAtMs: z.number().int().positive(),
  expiresAtMs: z.number().int().positive(),
  clock: SessionClock.optional(),
  /** SHA-256 of the script envelope's payload, hexadecimal. */
  scriptDigest: z.string().regex(/^[0-9a-f]{64}$/),
  parameters: ParameterValues,
  /** The script is told to change nothing; refused where it cannot. */
  dryRun: z.boolean().optional(),
  /** SHA-256 (hexadecimal) of the sealedText of each sealed secret that comes beside the order, by parameter. */
  secrets: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)).optional(),
})
export type CommandOrder = z.infer<typeof CommandOrder>

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

/**
 * A secret sealed for the present session of one device: P-256 ECDH of `key` with the session's sealing key, HKDF-SHA-256
 * (salt: none, info `vigia secret v1 JOB PARAMETER`), AES-256-GCM with a zero nonce, since the key is used once.
 */
export const SealedSecret = z.object({
  key: z.string().regex(/^[A-Za-z0-9_-]{87}$/),
  /** Ciphertext and tag, base64. */
  sealed: z.base64().max(8000),
})
export type SealedSecret = z.infer<typeof SealedSecret>

/** The text over which an order takes the SHA-256 of a sealed secret. */
export function sealedText({ key, sealed }: SealedSecret): string {
  return `${key}.${sealed}`
}

/**
 * A piece of live output on `up/output` (JSON, QoS 1, not kept by the agent). `at` counts the pieces of a job across both streams,
 * in the order in which they came; `offset` counts UTF-8 bytes of one stream and shows gaps.
 */
export const JobOutput = z.object({
  job: RecordId,
  at: z.number().int().nonnegative().default(0),
  stream: z.enum(['stdout', 'stderr']),
  offset: z.number().int().nonnegative(),
  text: z.string().max(LIMITS.outputChunkBytes * 2),
})
export type JobOutput = z.infer<typeof JobOutput>

/** A message of live output: pieces in order, of one job or of several, or a single one by itself. */
export const JobOutputs = z
  .union([JobOutput, z.array(JobOutput).min(1).max(LIMITS.outputPieces)])
  .transform((pieces) => (Array.isArray(pieces) ? pieces : [pieces]))

/** A piece of a transcript: what came, in order, from which stream; `skipped` bytes were left out before it. */
export const TranscriptPiece = z.object({
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
  skipped: z.number().int().nonnegative().default(0),
})
export type TranscriptPiece = z.infer<typeof TranscriptPiece>

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
  /** 32 bits, with a sign or without: Windows tells a crash as 3221225477 (0xC0000005). */
  exitCode: z.number().int().min(-0x8000_0000).max(0xffff_ffff).nullable(),
  durationMs: z.number().nonnegative().nullable(),
  stdoutBytes: z.number().int().nonnegative(),
  stderrBytes: z.number().int().nonnegative(),
  /** Head and tail, at most LIMITS.jobOutputBytes in all; the middle is counted, not kept. */
  stdout: z.string(),
  stderr: z.string(),
  /** Fields that the script printed as `VIGIA_FIELD name=value` lines on stdout. */
  fields: z.record(z.string(), z.string()),
  /** Both streams in the order in which they came: head and tail, as stdout and stderr hold them apart. */
  transcript: z.array(TranscriptPiece).max(2000).default([]),
})
export type JobResult = z.infer<typeof JobResult>
