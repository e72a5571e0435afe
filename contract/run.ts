import * as z from 'zod'
import { JOB_STATES, ParameterValues } from './command.ts'
import { ClientId, DeviceId, RecordId } from './ids.ts'

/** Which devices a run is for. A selector is CEL over device, client, site and tags, as in rules; a view is a saved one. */
export const RunTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('devices'), devices: z.array(DeviceId).min(1).max(10_000) }),
  z.strictObject({
    kind: z.literal('selector'),
    client: ClientId.nullable().default(null),
    selector: z.string().min(1).max(2000),
  }),
  z.strictObject({ kind: z.literal('view'), view: RecordId }),
])
export type RunTarget = z.infer<typeof RunTarget>

/** When: now, once at a time, or each time that a cron expression (five fields) says in a time zone (IANA name). */
export const RunWhen = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('now') }),
  z.strictObject({ kind: z.literal('at'), atMs: z.number().int().positive() }),
  z.strictObject({
    kind: z.literal('cron'),
    cron: z.string().min(1).max(120),
    timeZone: z.string().min(1).max(60).default('UTC'),
  }),
])
export type RunWhen = z.infer<typeof RunWhen>

/** How many of the devices a wave reaches in all, those of the waves before included; rounded up, at least one more. */
export const Wave = z.union([
  z.strictObject({ devices: z.number().int().min(1) }),
  z.strictObject({ percent: z.number().gt(0).max(100) }),
])
export type Wave = z.infer<typeof Wave>

/** One device, then 1 %, 10 % and the rest: each wave begins when the one before ended well. */
export const DEFAULT_WAVES: Wave[] = [{ devices: 1 }, { percent: 1 }, { percent: 10 }, { percent: 100 }]

/**
 * When a run stops by itself: as soon as so many jobs have failed, or so many in a hundred of those that ended. Failed
 * are failed, refused and unknown ends; what expired for want of a connection is not.
 */
export const StopRule = z.strictObject({
  failures: z.number().int().min(1).max(10_000).default(3),
  percent: z.number().gt(0).max(100).default(10),
})
export type StopRule = z.infer<typeof StopRule>

/** What a technician orders: a script version with parameters on some devices. What it does not know it refuses: `dryrun` is no dry run. */
export const RunRequest = z.strictObject({
  /** Name (its newest version) or digest. */
  script: z.string().min(1).max(80),
  parameters: ParameterValues.default({}),
  target: RunTarget,
  when: RunWhen.default({ kind: 'now' }),
  /** A device that is not connected: `wait` until it expires, or `skip` it. */
  offline: z.enum(['wait', 'skip']).default('wait'),
  /** For each device, from the moment at which its wave begins. */
  expiresInS: z.number().int().min(10).max(2_592_000).default(3600),
  /** Jobs at work at once. The first failures of a wave must be seen before many more begin: it is reached step by step. */
  concurrency: z.number().int().min(1).max(1000).default(50),
  waves: z.array(Wave).min(1).max(10).default(DEFAULT_WAVES),
  stop: StopRule.default({ failures: 3, percent: 10 }),
  /** Every script is told to change nothing; SCRIPT_NO_DRY_RUN where it cannot. */
  dryRun: z.boolean().default(false),
  reason: z.string().max(300).default(''),
})
export type RunRequest = z.infer<typeof RunRequest>

export const RUN_STATES = ['scheduled', 'running', 'stopped', 'cancelled', 'done'] as const
export type RunState = (typeof RUN_STATES)[number]

/** A device that a plan leaves out, and why: an error code. */
export const RunOmission = z.object({ device: DeviceId, hostname: z.string(), code: z.string() })

/** What a run would do, asked before anything is sent. */
export const RunPlan = z.object({
  script: z.string(),
  version: z.number().int(),
  digest: z.string(),
  /** Devices that it reaches, and in which wave (from 0). */
  devices: z.array(
    z.object({
      device: DeviceId,
      client: ClientId,
      hostname: z.string(),
      online: z.boolean(),
      wave: z.number().int(),
    }),
  ),
  omitted: z.array(RunOmission),
  waves: z.array(z.number().int()),
  /** For a schedule: the next times. */
  nextMs: z.array(z.number()),
})
export type RunPlan = z.infer<typeof RunPlan>

export const RunView = z.object({
  id: RecordId,
  script: z.string(),
  scriptVersion: z.number().int(),
  scriptDigest: z.string(),
  title: z.string(),
  request: RunRequest,
  /** The run with the schedule that made this one. */
  schedule: RecordId.nullable(),
  state: z.enum(RUN_STATES),
  why: z.string().nullable(),
  orderedBy: z.string(),
  createdAtMs: z.number(),
  startedAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  /** For a schedule: when it runs next. */
  nextMs: z.number().nullable(),
  devices: z.number().int(),
  /** The wave at work (from 0), and the devices that each reaches in all. */
  wave: z.number().int(),
  waves: z.array(z.number().int()),
  /** Jobs by state; `waiting` are devices whose wave has not begun. */
  counts: z.record(z.string(), z.number().int()),
})
export type RunView = z.infer<typeof RunView>

/** One row of the table of results. */
export const RunResult = z.object({
  device: DeviceId,
  client: ClientId,
  hostname: z.string(),
  wave: z.number().int(),
  /** Null while its wave has not begun. */
  job: RecordId.nullable(),
  state: z.enum([...JOB_STATES, 'waiting', 'left-out']),
  reason: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  tookMs: z.number().nullable(),
  fields: z.record(z.string(), z.string()),
})
export type RunResult = z.infer<typeof RunResult>

/** A named selection of devices, for one person or for all. */
export const SavedView = z.object({
  id: RecordId,
  name: z.string().min(1).max(80),
  client: ClientId.nullable(),
  selector: z.string().min(1).max(2000),
  shared: z.boolean(),
  owner: z.string(),
})
export type SavedView = z.infer<typeof SavedView>

/** A secret as anyone may see it: its value leaves the server only sealed for a device. */
export const SecretView = z.object({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
    .max(64),
  /** Null: for every client. */
  client: ClientId.nullable(),
  changedAtMs: z.number(),
  changedBy: z.string(),
})
export type SecretView = z.infer<typeof SecretView>

/** A knowledge article. `remedy` is the approved script that does what the article describes. */
export const Article = z.object({
  slug: z
    .string()
    .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
    .max(80),
  title: z.object({ en: z.string(), es: z.string() }),
  /** Markdown. */
  body: z.object({ en: z.string(), es: z.string() }),
  /** Rules whose incidents and tickets it helps with. */
  rules: z.array(z.string()),
  remedy: z
    .object({
      script: z.string(),
      /** `{{labels.NAME}}` stands for a label of the incident's series, as in rules. */
      parameters: ParameterValues,
    })
    .nullable(),
  source: z.enum(['shipped', 'own']),
  changedAtMs: z.number(),
  changedBy: z.string(),
})
export type Article = z.infer<typeof Article>
