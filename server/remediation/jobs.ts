import { randomUUID } from 'node:crypto'
import type { ParameterValues } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { JobView } from '../../contract/incident.ts'
import { advance } from './advance.ts'
import { lockJobInOrder, stepJob, type Work } from './effects.ts'
import { insertJob, jobRows, toJobView } from './job-rows.ts'
import { isActive } from './job-state.ts'
import type { Ports } from './ports.ts'
import { killSwitch } from './settings.ts'

/**
 * A person's order: `script` is a name (its newest version) or a digest. Throws NOT_FOUND, DEVICE_REVOKED,
 * SCRIPT_UNSUPPORTED, COMMAND_DISABLED (kill switch) and COMMAND_MALFORMED with every faulty parameter, before
 * anything is stored.
 */
export type JobRequest = { device: string; script: string; parameters: ParameterValues; expiresInS: number }

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

  async function createJob(request: JobRequest, who: string): Promise<JobView> {
    const id = await run(async (work) => {
      const id = randomUUID()
      const { client, digest, parameters } = await check(work, request)
      await insertJob(work.db, {
        id,
        client,
        device: request.device,
        incident: null,
        digest,
        parameters,
        orderedBy: who,
        createdAtMs: work.nowMs,
        expiresAtMs: work.nowMs + request.expiresInS * 1000,
      })
      work.effects.events.push({ type: 'job', id })
      return id
    })
    await dispatch(id)
    return job(id)
  }

  async function cancelJob(id: string, who: string): Promise<JobView> {
    const running = await run(async (work) => {
      const row = await lockJobInOrder(work.db, id)
      if (!row) throw new VigiaError('NOT_FOUND', `no job ${id}`)
      if (await stepJob(work, row, { type: 'cancel', why: `cancelled by ${who}` })) {
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

  return { job, createJob, cancelJob }
}

async function check({ db, ports }: Work, { device: id, script: name, parameters }: JobRequest) {
  const device = await db
    .selectFrom('device')
    .select(['client_id', 'os', 'revoked_at'])
    .where('device_id', '=', id)
    .executeTakeFirst()
  if (!device) throw new VigiaError('NOT_FOUND', `no device ${id}`)
  if (device.revoked_at !== null) throw new VigiaError('DEVICE_REVOKED', `device ${id} is revoked`)
  const off = await killSwitch(db)
  if (off) throw new VigiaError('COMMAND_DISABLED', `commands are switched off on the server: ${off.reason}`)
  const script = await ports.scripts.find(db, name)
  if (!script) throw new VigiaError('NOT_FOUND', `no approved script ${name}`)
  if (!script.content.systems.some((system) => system === device.os))
    throw new VigiaError('SCRIPT_UNSUPPORTED', `${script.content.name} is not made for ${device.os}`)
  return {
    client: device.client_id,
    digest: script.digest,
    parameters: ports.checkParameters(script.content, parameters),
  }
}
