import * as z from 'zod'
import { ParameterValues, ScriptContent } from '../command.ts'
import { DsseEnvelope } from '../trust/dsse.ts'
import { ClientId, DeviceId, RecordId } from '../ids.ts'
import { JobView } from '../incident.ts'
import {
  Article,
  RunPlan,
  RunRequest,
  RunResult,
  RunView,
  RUN_STATES,
  SavedView,
  SecretView,
} from '../run.ts'

const byId = z.object({ id: RecordId })
const ok = z.object({ ok: z.literal(true) })
const flag = z.enum(['true', 'false']).default('false')

const ScriptListed = z.object({
  digest: z.string(),
  content: ScriptContent.omit({ body: true }),
  approvedBy: z.array(z.string()),
  approvedAtMs: z.number(),
  /** May it run on any device under the present trust root? */
  anywhere: z.boolean().optional(),
  /** So many more approvals it needs before it may run at all; 0 when it has enough. */
  lacking: z.number().int().default(0),
  revoked: z.boolean().optional(),
  /** Its approvers set an end, which has passed. */
  expired: z.boolean().optional(),
})

/** Routes of scripts, jobs, runs, secrets and knowledge; part of ROUTES in http.ts. */
export const WORK_ROUTES = {
  scripts: {
    method: 'GET',
    path: '/api/scripts',
    access: 'person',
    answer: z.object({ scripts: z.array(ScriptListed) }),
    summary: 'Approved scripts, newest version of each',
  },
  script: {
    method: 'GET',
    path: '/api/scripts/:name',
    access: 'person',
    params: z.object({ name: z.string().max(80) }),
    answer: z.object({
      /** `payload` are the very bytes that were signed, base64: another approver signs these. */
      script: ScriptListed.extend({ content: ScriptContent, payload: z.base64() }),
      versions: z.array(
        z.object({
          digest: z.string(),
          version: z.number().int(),
          approvedBy: z.array(z.string()),
          approvedAtMs: z.number(),
        }),
      ),
    }),
    summary: 'One script by name or digest, with its body and its versions',
  },
  addScript: {
    method: 'POST',
    path: '/api/scripts',
    access: 'owner',
    touches: 'own',
    body: DsseEnvelope,
    answer: z.object({
      digest: z.string(),
      name: z.string(),
      version: z.number(),
      /** So many more approvals it needs; until then it waits. */
      lacking: z.number().int().default(0),
    }),
    summary: 'Store an approved script; its signatures are the proof',
  },
  createJob: {
    method: 'POST',
    path: '/api/jobs',
    access: 'operate',
    touches: 'device',
    body: z.strictObject({
      device: DeviceId,
      script: z.string(),
      parameters: ParameterValues.default({}),
      expiresInS: z.number().int().min(10).max(2_592_000).default(3600),
      dryRun: z.boolean().default(false),
      /** Why; it stands in the audit chain. */
      reason: z.string().max(300).default(''),
      /** The ticket for which it is done: it is listed there. */
      ticket: RecordId.optional(),
    }),
    answer: JobView,
    summary: 'Run an approved script on one device',
  },
  job: {
    method: 'GET',
    path: '/api/jobs/:id',
    access: 'person',
    params: byId,
    answer: JobView,
    summary: 'One job with its output',
  },
  jobs: {
    method: 'GET',
    path: '/api/jobs',
    access: 'person',
    query: z.object({
      device: DeviceId.optional(),
      run: RecordId.optional(),
      ticket: RecordId.optional(),
      /** Words to find in transcripts. */
      find: z.string().max(200).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    answer: z.object({
      jobs: z.array(
        JobView.omit({ stdout: true, stderr: true, transcript: true }).extend({
          hostname: z.string(),
          /** Where the words were found, with the place around them. */
          excerpt: z.string().nullable(),
        }),
      ),
    }),
    summary: 'Jobs, newest first; with words, those whose transcript has them',
  },
  cancelJob: {
    method: 'POST',
    path: '/api/jobs/:id/cancel',
    access: 'operate',
    touches: 'job',
    params: byId,
    answer: JobView,
    summary: 'End the process tree of a job',
  },
  planRun: {
    method: 'POST',
    path: '/api/runs/plan',
    access: 'person',
    touches: 'none',
    body: RunRequest,
    answer: RunPlan,
    summary: 'What a run would reach, and what it leaves out; nothing is sent',
  },
  createRun: {
    method: 'POST',
    path: '/api/runs',
    access: 'operate',
    touches: 'target',
    body: RunRequest,
    answer: RunView,
    summary: 'Run an approved script on many devices, in waves',
  },
  runs: {
    method: 'GET',
    path: '/api/runs',
    access: 'person',
    query: z.object({
      state: z.enum(RUN_STATES).optional(),
      /** The run with a schedule: only those that it made. */
      schedule: RecordId.optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    answer: z.object({ runs: z.array(RunView) }),
    summary: 'Runs and schedules, newest first',
  },
  run: {
    method: 'GET',
    path: '/api/runs/:id',
    access: 'person',
    params: byId,
    answer: RunView,
    summary: 'One run',
  },
  runResults: {
    method: 'GET',
    path: '/api/runs/:id/results',
    access: 'person',
    params: byId,
    query: z.object({ format: z.enum(['json', 'csv']).default('json') }),
    answer: z.object({ results: z.array(RunResult) }),
    summary: 'One row for each device; csv for a table elsewhere',
  },
  cancelRun: {
    method: 'POST',
    path: '/api/runs/:id/cancel',
    access: 'operate',
    touches: 'run',
    params: byId,
    answer: RunView,
    summary: 'Begin nothing more, and end what is at work; for a schedule, never again',
  },
  rerunFailed: {
    method: 'POST',
    path: '/api/runs/:id/rerun',
    access: 'operate',
    touches: 'run',
    params: byId,
    answer: RunView,
    summary: 'The same again on the devices where it failed',
  },
  views: {
    method: 'GET',
    path: '/api/views',
    access: 'person',
    answer: z.object({ views: z.array(SavedView) }),
    summary: 'Saved selections of devices: own and shared',
  },
  viewDevices: {
    method: 'GET',
    path: '/api/views/:id/devices',
    access: 'person',
    params: byId,
    answer: z.object({ devices: z.array(DeviceId) }),
    summary: 'The devices that a saved selection chooses now',
  },
  saveView: {
    method: 'POST',
    path: '/api/views',
    access: 'person',
    touches: 'selection',
    body: SavedView.omit({ id: true, owner: true }),
    answer: SavedView,
    summary: 'Save a selection under a name; the same name of the same owner replaces it',
  },
  removeView: {
    method: 'DELETE',
    path: '/api/views/:id',
    access: 'person',
    touches: 'view',
    params: byId,
    answer: ok,
    summary: 'Forget a saved selection',
  },
  secrets: {
    method: 'GET',
    path: '/api/secrets',
    access: 'person',
    answer: z.object({ secrets: z.array(SecretView) }),
    summary: 'Names of the secrets; never their values',
  },
  setSecret: {
    method: 'POST',
    path: '/api/secrets',
    access: 'owner',
    touches: 'client',
    body: SecretView.pick({ name: true, client: true }).extend({ value: z.string().min(1).max(4096) }),
    answer: SecretView,
    summary: 'Store a secret, encrypted',
  },
  removeSecret: {
    method: 'DELETE',
    path: '/api/secrets/:name',
    access: 'owner',
    touches: 'client',
    params: z.object({ name: z.string().max(64) }),
    query: z.object({ client: ClientId.optional() }),
    answer: ok,
    summary: 'Forget a secret',
  },
  articles: {
    method: 'GET',
    path: '/api/articles',
    access: 'person',
    query: z.object({ rule: z.string().max(80).optional(), find: z.string().max(200).optional() }),
    answer: z.object({ articles: z.array(Article.omit({ body: true })) }),
    summary: 'Knowledge articles; those of a rule, or with some words',
  },
  article: {
    method: 'GET',
    path: '/api/articles/:slug',
    access: 'person',
    params: z.object({ slug: z.string().max(80) }),
    answer: Article,
    summary: 'One knowledge article',
  },
  saveArticle: {
    method: 'POST',
    path: '/api/articles',
    access: 'person',
    touches: 'own',
    body: Article.pick({ slug: true, title: true, body: true, rules: true, remedy: true }),
    answer: Article,
    summary: 'Write a knowledge article of your own, or one in place of a shipped one',
  },
  removeArticle: {
    method: 'DELETE',
    path: '/api/articles/:slug',
    access: 'person',
    touches: 'own',
    params: z.object({ slug: z.string().max(80) }),
    query: z.object({ confirm: flag }),
    answer: ok,
    summary: 'Take away an article of your own; a shipped one of its name is back',
  },
} as const
