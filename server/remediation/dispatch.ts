import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { DownMessage } from '../../contract/down.ts'
import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import { asVigiaError, VigiaError, type ErrorCode } from '../../contract/errors.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { failpoint } from '../observe/failpoint.ts'
import { at, ms } from '../records/schema.ts'
import { lockJobInOrder, stepJob, type Work } from './effects.ts'
import type { JobRow } from './job-rows.ts'
import type { AgentSession, Ports, SecretNames } from './ports.ts'
import { killSwitch } from './settings.ts'

/** How long an order may take to its device; the job's own expiry where that is sooner. */
const ORDER_TTL_MS = 2 * 60_000

export type Outgoing = { job: string; address: DeviceAddress; message: DownMessage }

/**
 * Makes a pending job ready to go, inside a transaction: counts the device's sequence up, signs, and writes `sent`
 * before anything leaves, so that a crash in between can only end in `unknown`. Undefined when the job is not
 * pending any more, its device is not connected, or the kill switch is on: then it waits, or its expiry ends it.
 */
export async function prepare(work: Work, id: string): Promise<Outgoing | undefined> {
  const job = await lockJobInOrder(work.db, id)
  if (!job || job.state !== 'pending' || ms(job.expires_at) <= work.nowMs) return undefined
  if (job.run_id !== null && !(await goesOn(work, job.run_id))) {
    await stepJob(work, job, { type: 'cancel', why: 'the run was over before it was sent' })
    return undefined
  }
  if (job.incident_id === null && !(await mayStill(work, job))) {
    const why = `${job.ordered_by} may run code no more for ${job.client_id}`
    await stepJob(work, job, { type: 'cancel', why })
    return undefined
  }
  const session = work.ports.session(job.device_id)
  if (!session || (await killSwitch(work.db))) return undefined
  if (!session.commandsEnabled) {
    const why = 'COMMAND_DISABLED: commands are switched off on the device itself'
    await stepJob(work, job, { type: 'refused', code: 'COMMAND_DISABLED', why })
    return undefined
  }
  const sequence = await nextSequence(work, job, session)
  try {
    const message = await sign(work, job, session, sequence)
    await stepJob(work, job, { type: 'send' }, { sent_at: at(work.nowMs), sequence })
    failpoint('server-sent-written')
    return { job: id, address: { client: job.client_id, device: job.device_id }, message }
  } catch (thrown) {
    const error = asVigiaError(thrown)
    if (!OF_THE_JOB.has(error.code)) throw error
    await stepJob(work, job, { type: 'refused', code: error.code, why: `${error.code}: ${error.message}` })
    return undefined
  }
}

/**
 * Enters orders that are ready into the audit chain, last in their transaction: nothing leaves without standing there,
 * and the chain, which takes one writer at a time, is held no longer than it must.
 */
export async function noteOrders(work: Work, ready: readonly Outgoing[]): Promise<void> {
  for (const { job, address, message } of ready)
    if (message.type === 'command')
      await work.ports.note(work.db, {
        who: 'server',
        action: 'command.send',
        client: address.client,
        subject: address.device,
        detail: { job, order: message.order.payload },
      })
}

/** Faults of one job, which end it; any other leaves it to be sent again. */
const OF_THE_JOB: ReadonlySet<ErrorCode> = new Set([
  'COMMAND_MALFORMED',
  'COMMAND_UNAPPROVED',
  'SCRIPT_REVOKED',
  'APPROVAL_EXPIRED',
  'SCRIPT_NO_DRY_RUN',
  'SECRET_MISSING',
  'SECRET_UNSEALED',
])

/** A run that was stopped or cancelled sends nothing more, whatever the server was doing when it stopped. */
async function goesOn({ db }: Work, run: string): Promise<boolean> {
  const row = await db.selectFrom('run').select('state').where('run_id', '=', run).executeTakeFirst()
  return row?.state === 'running'
}

/** May who ordered a job still run code there? Remedies are ordered by rules. */
async function mayStill({ db, ports }: Work, job: JobRow): Promise<boolean> {
  const clients = await ports.clientsOf(db, job.ordered_by)
  return clients === null || clients.includes(job.client_id)
}

/** Above everything that the device has seen, also when the records came back from a backup. */
async function nextSequence(work: Work, job: JobRow, session: AgentSession): Promise<number> {
  const row = await work.db
    .updateTable('device')
    .set({
      command_sequence: sql<number>`greatest(command_sequence, ${session.commandSequence}::bigint) + 1`,
    })
    .where('device_id', '=', job.device_id)
    .returning('command_sequence')
    .executeTakeFirstOrThrow()
  return row.command_sequence
}

async function sign(work: Work, job: JobRow, session: AgentSession, sequence: number): Promise<DownMessage> {
  const script = await work.ports.scripts.find(work.db, job.script_digest)
  if (!script) throw new VigiaError('INTERNAL', `job ${job.job_id} names a script that is not there`)
  const names = secretNames(script.content, job.parameters)
  const asked = { client: job.client_id, job: job.job_id, names, sealKey: session.sealKey }
  const secrets = Object.keys(names).length === 0 ? undefined : await work.ports.secrets.seal(work.db, asked)
  const envelopes = work.ports.sign({
    job: job.job_id,
    client: job.client_id,
    device: job.device_id,
    challenge: session.challenge,
    clock: session.clock,
    sequence,
    nonce: randomBytes(16).toString('base64url'),
    script: script.envelope,
    parameters: job.parameters,
    dryRun: job.dry_run,
    ...(secrets === undefined ? {} : { secrets }),
    nowMs: work.nowMs,
    ttlMs: Math.min(ORDER_TTL_MS, ms(job.expires_at) - work.nowMs),
  })
  return { type: 'command', ...envelopes, ...(secrets === undefined ? {} : { secrets }) }
}

/** The secrets that a script is given with these parameters: the value of such a parameter is a secret's name. */
export function secretNames(script: Pick<ScriptContent, 'parameters'>, values: ParameterValues): SecretNames {
  const names = Object.entries(values).filter(([name]) => script.parameters[name]?.type === 'secret')
  return Object.fromEntries(names.map(([name, value]) => [name, String(value)]))
}

/** Hands the order over; what became of it: `sent`, `returned` (it never left) or `lost` (nobody knows). */
export async function handOver(
  ports: Ports,
  { address, message }: Outgoing,
): Promise<{ went: 'sent' | 'returned' | 'lost'; why: string }> {
  try {
    failpoint('server-sent-committed')
    const delivered = await ports.send(address, message)
    failpoint('server-handed-over')
    return delivered ? { went: 'sent', why: '' } : { went: 'returned', why: 'the device is not connected' }
  } catch (thrown) {
    return { went: 'lost', why: `sending failed: ${asVigiaError(thrown).message}` }
  }
}

/** Writes down that an order did not go as meant. */
export async function takeBack(
  work: Work,
  id: string,
  { went, why }: { went: 'returned' | 'lost'; why: string },
): Promise<JobRow | undefined> {
  const job = await lockJobInOrder(work.db, id)
  if (!job) return undefined
  const columns = went === 'returned' ? { sent_at: null } : {}
  await stepJob(work, job, { type: went, why }, columns)
  return job
}
