import { randomUUID } from 'node:crypto'
import type { ParameterValues } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { JobView } from '../../contract/incident.ts'
import { failpoint } from '../observe/failpoint.ts'
import { advance } from './advance.ts'
import type { Db } from '../records/records.ts'
import { secretNames } from './dispatch.ts'
import { lockJobInOrder, stepJob, type Work } from './effects.ts'
import { insertJobs, jobRows, toJobView } from './job-rows.ts'
import { isActive } from './job-state.ts'
import type { Orderer, Ports } from './ports.ts'
import { killSwitch } from './settings.ts'

/**
 * A person's order: `script` is a name (its newest version) or a digest. Throws NOT_FOUND, FORBIDDEN (a device of a
 * client that is not theirs), DEVICE_REVOKED, SCRIPT_UNSUPPORTED, SCRIPT_NO_DRY_RUN, COMMAND_UNAPPROVED, SCRIPT_REVOKED,
 * APPROVAL_EXPIRED, COMMAND_DISABLED (kill switch), SECRET_MISSING and COMMAND_MALFORMED with every faulty parameter, before anything is
 * stored.
 */
export type JobRequest = {
  device: string
  script: string
  parameters: ParameterValues
  expiresInS: number
  dryRun?: boolean
  /** Why; it stands in the audit chain. */
  reason?: string
  ticket?: string | undefined
}

type Parts = {
  ports: Ports
  run: <T>(work: (work: Work) => Promise<T>) => Promise<T>
  dispatch: (id: string) => Promise<void>
}

/** Jobs that people order, and the views of all jobs. */
export function createJobs({ ports, run, dispatch }: Parts) {
  const job = (id: string): Promise<JobView> =>
    ports.records.operator(async (db) => {
      const row = await jobRows(db).where('job.job_id', '=', id).executeTakeFirst()
      if (!row) throw new VigiaError('NOT_FOUND', `no job ${id}`)
      return toJobView(row)
    })

  async function createJob(request: JobRequest, who: Orderer): Promise<JobView> {
    const id = await run(async (work) => {
      const id = randomUUID()
      const { device, dryRun = false, ticket, reason = '' } = request
      const { client, digest, parameters } = await check(work, request, who)
      await insertJobs(work.db, [
        {
          ...{ id, client, device, digest, parameters, dryRun, ticket },
          orderedBy: who.name,
          createdAtMs: work.nowMs,
          expiresAtMs: work.nowMs + request.expiresInS * 1000,
        },
      ])
      const detail = {
        ...{ device, script: digest, parameters, dryRun, reason, ticket: ticket ?? null, proof: who.proof },
      }
      work.effects.deeds.push({ who: who.name, action: 'job.order', client, subject: id, detail })
      work.effects.events.push({ type: 'job', id })
      return id
    })
    failpoint('server-job-inserted')
    await dispatch(id)
    return job(id)
  }

  async function cancelJob(id: string, who: Orderer): Promise<JobView> {
    const running = await run(async (work) => {
      const row = await lockJobInOrder(work.db, id)
      if (!row) throw new VigiaError('NOT_FOUND', `no job ${id}`)
      refuseClient(who, row.client_id, row.device_id)
      const deed = { who: who.name, action: 'job.cancel', client: row.client_id, subject: id }
      work.effects.deeds.push({ ...deed, detail: { state: row.state, proof: who.proof } })
      if (await stepJob(work, row, { type: 'cancel', why: `cancelled by ${who.name}` })) {
        if (row.incident_id !== null) await advance(work, row.incident_id)
        return undefined
      }
      if (!isActive(row.state)) throw new VigiaError('CONFLICT', `job ${id} is over: ${row.state}`)
      return { client: row.client_id, device: row.device_id }
    })
    if (running && !(await ports.send(running, { type: 'cancel', job: id })))
      throw new VigiaError('CONFLICT', 'the device is not connected; the job ends by its own time limit')
    return job(id)
  }

  async function endJobs(ids: readonly string[], why: string, which: 'pending' | 'all'): Promise<void> {
    for (const id of ids) {
      const running = await run(async (work) => {
        const row = await lockJobInOrder(work.db, id)
        if (!row || (await stepJob(work, row, { type: 'cancel', why }))) return undefined
        if (which === 'pending' || !isActive(row.state)) return undefined
        return { client: row.client_id, device: row.device_id }
      })
      if (running) await ports.send(running, { type: 'cancel', job: id })
    }
  }

  return { job, createJob, cancelJob, endJobs }
}

/** FORBIDDEN unless the person may run code on devices of this client. */
function refuseClient({ clients }: Orderer, client: string, device: string): void {
  if (clients !== null && !clients.includes(client))
    throw new VigiaError('FORBIDDEN', `device ${device} is of a client for which you may not run code`)
}

async function check({ db, ports }: Work, request: JobRequest, who: Orderer) {
  const { device: id, script: name, parameters, dryRun = false, ticket } = request
  const device = await db
    .selectFrom('device')
    .select(['client_id', 'os', 'revoked_at'])
    .where('device_id', '=', id)
    .executeTakeFirst()
  if (!device) throw new VigiaError('NOT_FOUND', `no device ${id}`)
  refuseClient(who, device.client_id, id)
  if (device.revoked_at !== null) throw new VigiaError('DEVICE_REVOKED', `device ${id} is revoked`)
  const off = await killSwitch(db)
  if (off) throw new VigiaError('COMMAND_DISABLED', `commands are switched off on the server: ${off.reason}`)
  const script = await ports.scripts.find(db, name)
  if (!script) throw new VigiaError('NOT_FOUND', `no approved script ${name}`)
  const { content, digest } = script
  if (!content.systems.some((system) => system === device.os))
    throw new VigiaError('SCRIPT_UNSUPPORTED', `${content.name} is not made for ${device.os}`)
  const refusal = ports.refusal(script, id)
  if (refusal) throw new VigiaError(refusal.code, `${content.name}: ${refusal.why}`)
  if (dryRun && !content.dryRun)
    throw new VigiaError('SCRIPT_NO_DRY_RUN', `${content.name} cannot be tried without changes`)
  const values = ports.checkParameters(content, parameters)
  const missing = await ports.secrets.missing(db, device.client_id, secretNames(content, values))
  if (missing.length > 0)
    throw new VigiaError('SECRET_MISSING', `${content.name}: no secret ${missing.join(', ')}`)
  if (ticket !== undefined && !(await ticketOf(db, ticket, device.client_id)))
    throw new VigiaError('NOT_FOUND', `no ticket ${ticket} of this client`)
  return { client: device.client_id, digest, parameters: values }
}

async function ticketOf(db: Db, ticket: string, client: string): Promise<boolean> {
  const row = await db
    .selectFrom('ticket')
    .select('ticket_id')
    .where('ticket_id', '=', ticket)
    .where('client_id', '=', client)
    .executeTakeFirst()
  return row !== undefined
}
