import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { DownMessage } from '../../contract/down.ts'
import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { at, ms } from '../records/schema.ts'
import { lockJobInOrder, stepJob, type Work } from './effects.ts'
import type { JobRow } from './job-rows.ts'
import type { AgentSession, Ports } from './ports.ts'
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
    return { job: id, address: { client: job.client_id, device: job.device_id }, message }
  } catch (thrown) {
    const error = asVigiaError(thrown)
    if (error.code !== 'COMMAND_MALFORMED') throw error
    await stepJob(work, job, { type: 'refused', code: error.code, why: `${error.code}: ${error.message}` })
    return undefined
  }
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
  const envelopes = work.ports.sign({
    job: job.job_id,
    client: job.client_id,
    device: job.device_id,
    challenge: session.challenge,
    sequence,
    nonce: randomBytes(16).toString('base64url'),
    script: script.envelope,
    parameters: job.parameters,
    nowMs: work.nowMs,
    ttlMs: Math.min(ORDER_TTL_MS, ms(job.expires_at) - work.nowMs),
  })
  return { type: 'command', ...envelopes }
}

/** Hands the order over; what became of it: `sent`, `returned` (it never left) or `lost` (nobody knows). */
export async function handOver(
  ports: Ports,
  { address, message }: Outgoing,
): Promise<{ went: 'sent' | 'returned' | 'lost'; why: string }> {
  try {
    const delivered = await ports.send(address, message)
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
