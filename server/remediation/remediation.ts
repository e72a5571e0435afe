import type { JobOutput, JobResult } from '../../contract/command.ts'
import type { JobView } from '../../contract/incident.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { failpoint } from '../observe/failpoint.ts'
import { advance, verifyBy } from './advance.ts'
import { handOver, noteOrders, prepare, takeBack, type Outgoing } from './dispatch.ts'
import { lockIncident, lockJobInOrder, stepJob, type Effects, type Work } from './effects.ts'
import { columnsOf, eventOf, jobRows, toJobView, type JobRow } from './job-rows.ts'
import { findJobs, type FoundJob, type JobQuery } from './job-search.ts'
import { createJobs, type JobRequest } from './jobs.ts'
import type { Orderer, Ports } from './ports.ts'
import { dueJobs, jobsAtWork, passLimit, pendingJobs, unsettledIncidents } from './timers.ts'

/** After a start of the server its devices have this long to deliver what they kept, before a limit counts. */
const RESUME_GRACE_MS = 120_000
/** Between a failed attempt and the next. */
const RETRY_AFTER_MS = 10_000
/** How often incidents that wait and jobs that could not be sent are looked at. */
const SCAN_EVERY_MS = 5_000

export type Remediation = {
  /** After the alerts of incidents were applied: decides, or settles. Safe to repeat. */
  follow(incident: string): Promise<void>
  /**
   * A device's word about a job. `foreign`: it is not a job of this device (count it as hostile). Throws
   * RECORDS_UNAVAILABLE: then the result must not be acknowledged.
   */
  result(address: DeviceAddress, result: JobResult): Promise<'applied' | 'ignored' | 'foreign'>
  /** Is this live output of a running job of this device? Only then may it be shown. */
  owns(address: DeviceAddress, output: Pick<JobOutput, 'job'>): Promise<boolean>
  /** The device said hello: what waits for it goes out. */
  sessionStarted(device: string): Promise<void>
  /** The device's session ended, and it has no newer one: orders without a word become `unknown`. */
  sessionEnded(device: string): Promise<void>
  /** Everything that is due by time; call it every second or so. Faults of single pieces go to `ports.fault`. */
  tick(nowMs: number): Promise<void>
  /** An approved script on one device, ordered by a person. See JobRequest for what it throws. */
  createJob(request: JobRequest, who: Orderer): Promise<JobView>
  /** Ends a job: at once while it waits, through the device while it runs; CONFLICT when it is over. */
  cancelJob(id: string, who: Orderer): Promise<JobView>
  /** Sends those of these jobs that are pending and whose devices are there. */
  send(ids: readonly string[]): Promise<void>
  /** Takes back what of these jobs has not left; and ends the others too, as far as their devices can be reached. */
  endJobs(ids: readonly string[], why: string, which: 'pending' | 'all'): Promise<void>
  /** Jobs, newest first; with words, those whose output has them. */
  jobs(query: JobQuery): Promise<FoundJob[]>
  /** One job with its output; NOT_FOUND. */
  job(id: string): Promise<JobView>
  /** The jobs of an incident, oldest first. */
  jobsOf(incident: string): Promise<JobView[]>
}

/** Decides on remedies, sends jobs and judges them. Everything that must last is in the records. */
export function createRemediation(ports: Ports): Remediation {
  const { records, clock, fault } = ports
  const startedAtMs = clock()
  /** When the next attempt of an incident may go; lost in a restart, which is pause enough. */
  const retryAtMs = new Map<string, number>()
  let inherited: Set<string> | undefined
  let scannedAtMs = 0
  let ticking = false

  /** One transaction, and afterwards what it brought about. */
  async function run<T>(work: (work: Work) => Promise<T>): Promise<T> {
    const effects: Effects = { events: [], dispatch: [], runs: [], deeds: [] }
    const answer = await records.operator(async (db) => {
      const done = await work({ db, ports, nowMs: clock(), effects })
      for (const deed of effects.deeds) await ports.note(db, deed)
      return done
    })
    const told = new Map(effects.events.map((event) => [JSON.stringify(event), event]))
    for (const event of told.values()) ports.emit(event)
    for (const run of new Set(effects.runs)) ports.runChanged(run)
    for (const job of effects.dispatch) await dispatch(job)
    return answer
  }

  const dispatch = (id: string): Promise<void> => send([id])

  /** Sends what of these jobs is pending and can go: one transaction for all, in one order, so that none waits for another. */
  async function send(ids: readonly string[]): Promise<void> {
    const ready = await run(async (work) => {
      const outgoing: Outgoing[] = []
      for (const id of ids.toSorted()) {
        const one = await prepare(work, id)
        if (one) outgoing.push(one)
        else await advanceOf(work, id)
      }
      await noteOrders(work, outgoing)
      return outgoing
    })
    await Promise.all(ready.map(deliver))
  }

  async function deliver(outgoing: Outgoing): Promise<void> {
    const { went, why } = await handOver(ports, outgoing)
    if (went === 'sent') return
    await run(async (work) => {
      const job = await takeBack(work, outgoing.job, { went, why })
      if (job?.incident_id) await advance(work, job.incident_id)
    })
  }

  async function advanceOf(work: Work, job: string): Promise<void> {
    const row = await work.db
      .selectFrom('job')
      .select(['incident_id', 'state'])
      .where('job_id', '=', job)
      .executeTakeFirst()
    if (row?.incident_id && row.state !== 'pending') await advance(work, row.incident_id)
  }

  function mayRetry(incident: string, nowMs: number): boolean {
    return (retryAtMs.get(incident) ?? 0) <= nowMs
  }

  async function follow(incident: string): Promise<void> {
    await run((work) => advance(work, incident, mayRetry(incident, work.nowMs)))
  }

  async function apply(work: Work, job: JobRow, result: JobResult): Promise<boolean> {
    const event = eventOf(result, job.success_codes)
    const columns = event.type === 'returned' ? { sent_at: null } : columnsOf(result)
    const verify =
      event.type === 'exited' && event.success && job.incident_id !== null
        ? { verify_by: verifyBy((await lockIncident(work.db, job.incident_id))?.remedy ?? null, work.nowMs) }
        : {}
    const changed = await stepJob(work, job, event, { ...columns, ...verify })
    failpoint('server-result-applied')
    if (!changed || job.incident_id === null) return changed
    if (event.type === 'exited' || event.type === 'timed-out')
      retryAtMs.set(job.incident_id, work.nowMs + RETRY_AFTER_MS)
    await advance(work, job.incident_id, false)
    return true
  }

  async function guarded(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      fault(thrown, doing)
    }
  }

  async function passLimits(nowMs: number): Promise<void> {
    inherited ??= new Set(await records.operator((db) => jobsAtWork(db, startedAtMs)))
    const resuming = nowMs < startedAtMs + RESUME_GRACE_MS
    if (!resuming) inherited.clear()
    for (const id of await records.operator((db) => dueJobs(db, nowMs)))
      if (!inherited.has(id)) await guarded(`limit of job ${id}`, () => run((work) => passLimit(work, id)))
  }

  async function scan(nowMs: number): Promise<void> {
    if (nowMs - scannedAtMs < SCAN_EVERY_MS) return
    scannedAtMs = nowMs
    for (const [incident, until] of retryAtMs) if (until <= nowMs) retryAtMs.delete(incident)
    for (const id of await records.operator(unsettledIncidents))
      await guarded(`incident ${id}`, () => follow(id))
    for (const { id, device } of await records.operator((db) => pendingJobs(db)))
      if (ports.session(device)) await guarded(`job ${id}`, () => dispatch(id))
  }

  return {
    follow,
    send,
    ...createJobs({ ports, run, dispatch: (id) => guarded(`job ${id}`, () => dispatch(id)) }),
    jobs: (query) => records.operator((db) => findJobs(db, query)),

    result: (address, result) =>
      run(async (work) => {
        const job = await lockJobInOrder(work.db, result.job)
        if (!job || job.device_id !== address.device || job.client_id !== address.client) return 'foreign'
        return (await apply(work, job, result)) ? 'applied' : 'ignored'
      }),

    owns: (address, output) =>
      records.operator(async (db) => {
        const row = await db
          .selectFrom('job')
          .select(['client_id', 'state'])
          .where('job_id', '=', output.job)
          .where('device_id', '=', address.device)
          .executeTakeFirst()
        return row?.client_id === address.client && ['sent', 'running', 'unknown'].includes(row.state)
      }),

    async sessionStarted(device) {
      for (const { id } of await records.operator((db) => pendingJobs(db, device))) await dispatch(id)
    },

    async sessionEnded(device) {
      if (ports.session(device)) return
      const sent = await records.operator((db) =>
        db
          .selectFrom('job')
          .select('job_id')
          .where('device_id', '=', device)
          .where('state', '=', 'sent')
          .execute(),
      )
      for (const { job_id: id } of sent)
        await run(async (work) => {
          const why = 'the session ended before the device said anything'
          const job = await takeBack(work, id, { went: 'lost', why })
          if (job?.incident_id) await advance(work, job.incident_id)
        })
    },

    async tick(nowMs) {
      if (ticking) return
      ticking = true
      try {
        await guarded('limits of jobs', () => passLimits(nowMs))
        await guarded('incidents that wait', () => scan(nowMs))
      } finally {
        ticking = false
      }
    },

    jobsOf: (incident) =>
      records.operator(async (db) => {
        const rows = await jobRows(db)
          .where('job.incident_id', '=', incident)
          .orderBy('job.created_at')
          .execute()
        return rows.map(toJobView)
      }),
  }
}
