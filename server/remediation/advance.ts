import { randomUUID } from 'node:crypto'
import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import type { ParameterValues } from '../../contract/command.ts'
import { at, ms } from '../records/schema.ts'
import { course, type Course, type CourseJob } from './course.ts'
import { decide, type Decision } from './decide.ts'
import { keyOf, lockIncident, stepJob, tell, type IncidentRow, type Work } from './effects.ts'
import { gatherFacts } from './facts.ts'
import { insertJobs, jobRows, type JobRow } from './job-rows.ts'
import { enterLedger } from './ledger.ts'
import type { ScriptVersion } from './ports.ts'
import { fillParameters, readRemedy, type IncidentRemedy } from './remedy.ts'

/** How long a remedy waits for its device to come online. */
const REMEDY_EXPIRES_MS = 15 * 60_000
const OUTPUT_IN_TICKET = 4000

type Story = { edgeJobs: string[]; lastSkip: string | null }
type Present = {
  incident: IncidentRow
  story: Story
  jobs: JobRow[]
  edgeJobs: JobRow[]
  remedy: IncidentRemedy | null
  noRemedy: string | null
}

/**
 * Brings one incident as far as it goes now: orders its remedy, judges it, hands it to a person, or settles it.
 * Reads everything from the rows, so it may be called at any time and as often as one likes. `mayRetry` false
 * puts a next attempt off.
 */
export async function advance(work: Work, id: string, mayRetry = true): Promise<void> {
  // Each round ends in a state that needs fewer; three is the most: verification fails, next attempt, no more.
  for (let round = 0; round < 4; round++) {
    const present = await load(work, id)
    if (!present) return
    const { incident, edgeJobs, remedy } = present
    const plan = course(
      {
        state: incident.state,
        resolvedAtMs: ms(incident.resolved_at),
        verifyWithinMs: remedy?.verifyWithinMs ?? 0,
      },
      edgeJobs.map(toCourseJob),
      work.nowMs,
    )
    if (!(await follow(work, present, plan, mayRetry))) return
  }
  throw new VigiaError('INTERNAL', `incident ${id} does not come to rest`)
}

/** Carries out one plan; true when there is more to do. */
async function follow(work: Work, present: Present, plan: Course, mayRetry: boolean): Promise<boolean> {
  switch (plan.next) {
    case 'wait':
      return false
    case 'verify-failed': {
      const job = present.edgeJobs.find((one) => one.job_id === plan.job)
      if (!job) throw new VigiaError('INTERNAL', `job ${plan.job} is not of this incident`)
      await stepJob(work, job, { type: 'fail-verification', why: plan.why }, { verify_by: null })
      await tell(work, present.incident, 'verify-failed', { job: job.job_id, why: plan.why })
      return true
    }
    case 'decide':
      await answer(work, present, plan, mayRetry)
      return false
    case 'escalate':
      await escalate(work, present, { reason: 'remedy', why: plan.why })
      return false
    case 'settle':
      await settle(work, present, plan)
      return false
    default:
      return plan satisfies never
  }
}

async function answer(
  work: Work,
  present: Present,
  plan: Extract<Course, { next: 'decide' }>,
  mayRetry: boolean,
): Promise<void> {
  const { incident, remedy, noRemedy, edgeJobs, story } = present
  const session = work.ports.session(incident.device_id)
  const script = remedy ? await work.ports.scripts.find(work.db, remedy.name) : undefined
  const runsOnEdge = edgeJobs.length
  const facts = { incident, remedy, noRemedy, trigger: plan.trigger, runsOnEdge, script, session }
  const decision = decide(await gatherFacts(work.db, { ...facts, nowMs: work.nowMs }))
  switch (decision.decision) {
    case 'order':
      // Only a next attempt is put off: a person is told at once when there will be none.
      if (plan.trigger === 'retry' && !mayRetry) return
      if (remedy && script) await order(work, present, { remedy, script, why: decision.why })
      return
    case 'skip':
      await skip(work, incident, decision, story.lastSkip)
      return
    case 'escalate': {
      const why = plan.trigger === 'retry' ? `${plan.why}; ${decision.why}` : decision.why
      await escalate(work, present, { reason: decision.reason, why })
      return
    }
    default:
      decision satisfies never
  }
}

async function order(
  work: Work,
  present: Present,
  how: { remedy: IncidentRemedy; script: ScriptVersion; why: string },
): Promise<void> {
  const { incident, edgeJobs } = present
  let parameters: ParameterValues
  try {
    const filled = fillParameters(how.remedy.parameters, incident.labels)
    parameters = work.ports.checkParameters(how.script.content, filled)
  } catch (thrown) {
    const error = asVigiaError(thrown)
    if (error.code !== 'COMMAND_MALFORMED') throw error
    const why = `the remedy's parameters do not fit its script: ${error.message}`
    await escalate(work, present, { reason: error.code, why })
    return
  }
  const id = randomUUID()
  await insertJobs(work.db, [
    {
      id,
      client: incident.client_id,
      device: incident.device_id,
      incident: incident.incident_id,
      digest: how.script.digest,
      parameters,
      orderedBy: `rule ${incident.rule}`,
      createdAtMs: work.nowMs,
      expiresAtMs: work.nowMs + REMEDY_EXPIRES_MS,
    },
  ])
  await work.ports.incidents.enter(work.db, keyOf(incident), 'remediating')
  const attempt = edgeJobs.length + 1
  const detail = { job: id, remedy: how.remedy.name, parameters, attempt, why: how.why }
  await tell(work, incident, 'remedy-ordered', detail)
  work.effects.events.push({ type: 'job', id })
  work.effects.dispatch.push(id)
}

async function skip(
  work: Work,
  incident: IncidentRow,
  { reason, why, untilMs }: Extract<Decision, { decision: 'skip' }>,
  lastSkip: string | null,
): Promise<void> {
  if (incident.state === 'remediating') await work.ports.incidents.enter(work.db, keyOf(incident), 'open')
  if (lastSkip !== reason) await tell(work, incident, 'remedy-skipped', { reason, why, untilMs })
}

/** What the incident is about, for a person: the labels of its series, or its metric where it has none. */
function whatFailed({ labels, metric }: Pick<IncidentRow, 'labels' | 'metric'>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name} ${value}`)
  return parts.length === 0 ? metric : parts.join(', ')
}

async function escalate(
  work: Work,
  { incident, jobs, story }: Present,
  { reason, why }: { reason: string; why: string },
): Promise<void> {
  // Information opens no ticket: the incident tells what was tried.
  if (incident.severity === 'info') {
    const told = { decision: 'skip', reason: 'information', why: `for information only: ${why}` } as const
    await skip(work, incident, { ...told, untilMs: null }, story.lastSkip)
    return
  }
  const ticket = await work.ports.tickets.escalate(work.db, {
    client: incident.client_id,
    // A ticket of a whole site is about no single device.
    device: incident.scope === 'site' ? null : incident.device_id,
    incident: incident.incident_id,
    title: incident.title,
    tier: incident.tier,
    priority: incident.priority,
    body: {
      cause: whatFailed(incident),
      evidence: incident.evidence,
      runbook: incident.runbook,
      tried: jobs.map((job) => ({
        remedy: job.script,
        state: job.state,
        atMs: ms(job.created_at),
        exitCode: job.exit_code,
        output: outputOf(job),
      })),
      why,
    },
  })
  await work.ports.incidents.enter(work.db, keyOf(incident), 'escalated')
  await tell(work, incident, 'escalated', { ticket: ticket.id, reason, why })
  work.effects.events.push({ type: 'ticket', id: ticket.id })
}

async function settle(
  work: Work,
  present: Present,
  plan: Extract<Course, { next: 'settle' }>,
): Promise<void> {
  const { incident, edgeJobs } = present
  const key = keyOf(incident)
  for (const job of edgeJobs) {
    if (plan.cancel.includes(job.job_id))
      await stepJob(work, job, { type: 'cancel', why: 'the incident was over before it was sent' })
  }
  const endedAt = (incident.resolved_at ?? incident.opened_at).toISOString()
  const merged = incident.merged_into !== null
  const sentence = merged
    ? `Another incident explains it since ${endedAt}: ${incident.merged_into}.`
    : `The rule recovered at ${endedAt}.`
  const ticket = await work.ports.tickets.incidentResolved(work.db, key, sentence)
  if (ticket.id !== null && ticket.result !== 'none')
    work.effects.events.push({ type: 'ticket', id: ticket.id })
  // What another incident explains was not mended by its own remedy.
  const credited = merged ? undefined : edgeJobs.find((job) => job.job_id === plan.credit)
  if (credited) {
    await stepJob(work, credited, { type: 'verify', why: plan.why }, { verify_by: null })
    // A person who has started on the ticket may have mended it: then nobody says that it was avoided.
    const figures = ticket.person
      ? {}
      : await enterLedger(work.db, incident, { id: credited.job_id, remedy: credited.script })
    if (!ticket.person) await work.ports.incidents.credit(work.db, key, 'remedy')
    const detail = { job: credited.job_id, remedy: credited.script, unit: incident.evidence.unit, ...figures }
    await tell(work, incident, 'verified', detail)
  }
  if (ticket.person && incident.resolved_by === 'itself')
    await work.ports.incidents.credit(work.db, key, 'person')
  const rest = edgeJobs.filter((job) => job.state === 'succeeded' && job !== credited)
  for (const job of rest)
    await work.db.updateTable('job').set({ verify_by: null }).where('job_id', '=', job.job_id).execute()
}

async function load(work: Work, id: string): Promise<Present | undefined> {
  const incident = await lockIncident(work.db, id)
  if (!incident) return undefined
  const story = await readStory(work, id)
  const jobs = await jobRows(work.db)
    .where('job.incident_id', '=', id)
    .orderBy('job.created_at')
    .forUpdate('job')
    .execute()
  const edgeJobs = story.edgeJobs.flatMap((job) => jobs.filter((row) => row.job_id === job))
  return { incident, story, jobs, edgeJobs, ...readRemedy(incident.remedy) }
}

/** What happened since the incident last opened: by the order of its story, which no clock can disturb. */
async function readStory(work: Work, id: string): Promise<Story> {
  const lines = await work.db
    .selectFrom('incident_event')
    .select(['kind', 'detail'])
    .where('incident_id', '=', id)
    .where('kind', 'in', ['opened', 'reopened', 'remedy-ordered', 'remedy-skipped'])
    .orderBy('event_id')
    .execute()
  const edge = lines.findLastIndex((line) => line.kind === 'opened' || line.kind === 'reopened')
  const since = lines.slice(edge + 1)
  const last = since.at(-1)
  return {
    edgeJobs: since
      .filter((line) => line.kind === 'remedy-ordered')
      .map((line) => String(line.detail['job'])),
    lastSkip: last?.kind === 'remedy-skipped' ? String(last.detail['reason']) : null,
  }
}

function toCourseJob(row: JobRow): CourseJob {
  return {
    id: row.job_id,
    state: row.state,
    reason: row.reason,
    idempotent: row.idempotent,
    startedAtMs: ms(row.started_at),
    endedAtMs: ms(row.ended_at),
    verifyByMs: ms(row.verify_by),
  }
}

function outputOf(job: JobRow): string {
  const text = [job.stdout, job.stderr].filter((part) => part !== '').join('\n')
  return text.length <= OUTPUT_IN_TICKET ? text : `…${text.slice(-OUTPUT_IN_TICKET)}`
}

/** When the rule of an incident must have recovered, for a remedy that ended at `nowMs` (the server's clock). */
export function verifyBy(stored: unknown, nowMs: number): Date | null {
  const { remedy } = readRemedy(stored)
  return remedy ? at(nowMs + remedy.verifyWithinMs) : null
}
