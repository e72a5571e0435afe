import * as z from 'zod'
import { ClientId } from '../ids.ts'

/** A row of the audit chain: who did what (`noun.verb`) to what, and when. */
export const AuditRow = z.object({
  id: z.number().int(),
  timeMs: z.number(),
  who: z.string(),
  action: z.string(),
  client: ClientId.nullable(),
  subject: z.string(),
  detail: z.unknown(),
  hash: z.string(),
})
export type AuditRow = z.infer<typeof AuditRow>

/** What became of the outputs of jobs that the audit chain knows by their hashes. */
export const OutputVerdict = z.object({
  /** As they were when the job ended. */
  equal: z.number().int(),
  /** How many differ, and the first of them: the job, the row of the chain, and what of it differs. */
  differing: z.number().int(),
  differ: z.array(z.object({ job: z.string(), row: z.number().int(), what: z.array(z.string()) })),
  /** No longer kept. */
  gone: z.number().int(),
  /** Kept, and in no row of the chain: of before it knew of outputs, or put there. */
  unknown: z.number().int(),
})
export type OutputVerdict = z.infer<typeof OutputVerdict>

/** Routes of the audit chain; part of ROUTES in http.ts. */
export const AUDIT_ROUTES = {
  audit: {
    method: 'GET',
    path: '/api/audit',
    access: 'owner',
    query: z.object({
      client: ClientId.optional(),
      /** What it was done to: the id of a job, a run, a device, a session, … */
      subject: z.string().max(200).optional(),
      /** A deed, or all of a kind: `job.end`, `job`. */
      action: z.string().max(60).optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
    answer: z.object({ rows: z.array(AuditRow) }),
    summary: 'Rows of the audit chain, newest first',
  },
  verifyAudit: {
    method: 'GET',
    path: '/api/audit/verify',
    access: 'person',
    query: z.object({
      anchorId: z.coerce.number().int().positive().optional(),
      anchorHash: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
    }),
    answer: z.union([
      z.object({
        ok: z.literal(true),
        rows: z.number(),
        head: z.object({ id: z.number(), timeMs: z.number(), hash: z.string() }).nullable(),
      }),
      z.object({ ok: z.literal(false), id: z.number(), why: z.string() }),
    ]),
    summary: 'Walk the audit chain and say the first row that is broken',
  },
  verifyOutputs: {
    method: 'GET',
    path: '/api/audit/outputs',
    // It reads every output that is kept: nothing to be asked for by many.
    access: 'local',
    answer: OutputVerdict,
    summary: 'Compare the outputs of jobs that are kept with what the audit chain says of them',
  },
} as const
