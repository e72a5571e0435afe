import { randomUUID } from 'node:crypto'
import { VigiaError } from '../../contract/errors.ts'
import type { RunPlan, RunRequest, RunResult, RunState, RunView } from '../../contract/run.ts'
import type { Db } from '../records/records.ts'
import { at } from '../records/schema.ts'
import { advance, jobsOf } from './advance.ts'
import { nextTimes } from './occurrence.ts'
import { createPacer } from './pacer.ts'
import { plan, refuseEmpty } from './plan.ts'
import type { Orderer, RunPorts } from './ports.ts'
import { failedDevices, resultPages } from './results.ts'
import { countStates, insertRun, lockRun, runRows, toRunView, withSeenTargets, type RunRow } from './rows.ts'
import { beginDue, dueRuns } from './schedule.ts'
import { settledTarget } from './targets.ts'
import { orderDetail, shortened, toRunPlan } from './told.ts'

export type Runs = {
  /** What an order would reach; nothing is stored. Throws what makes the whole order wrong: see plan.ts. */
  plan(request: RunRequest, who: Orderer): Promise<RunPlan>
  /** Stores an order and lets it begin, or waits for its time. Also throws what refuseEmpty does, and COMMAND_DISABLED. */
  create(request: RunRequest, who: Orderer): Promise<RunView>
  get(id: string): Promise<RunView>
  /** Newest first, of a schedule those that it made; of long lists of devices only the beginning is told. */
  list(query: {
    state?: RunState | undefined
    schedule?: string | undefined
    limit: number
  }): Promise<RunView[]>
  /** One row for each device in the order of their turns, page by page. */
  results(id: string): AsyncGenerator<RunResult[]>
  /** Begins nothing more and ends what is at work; CONFLICT when it is over. */
  cancel(id: string, who: Orderer): Promise<RunView>
  /** The same again, now, on the devices where it failed, was lost or expired; RUN_TARGET_EMPTY when there is none. */
  rerunFailed(id: string, who: Orderer): Promise<RunView>
  /** What somebody may has changed: those of their runs that may go on no more are stopped soon. */
  reconsider(person: string): Promise<void>
  /** A job of this run has come to an end: it goes on soon. */
  changed(id: string): void
  /** A device came: runs may wait for it. */
  deviceCame(): void
  /** Everything that is due by time; call it every second or so. */
  tick(nowMs: number): Promise<void>
  /** Nothing more is begun; resolves when what was begun is done. */
  stop(): Promise<void>
}

/** How often runs are looked at although nothing was heard; longer when looking takes long. */
const SWEEP_EVERY_MS = 5000
const SWEEP_SHARE = 20
/** So many orders go out in one transaction, and so many such at once. */
const SEND_BATCH = 10
const SENDERS = 3
const FIRST_TIMES = 5

/** Runs over the records: everything that must last is in them, and another process may go on from there at any time. */
export function createRuns(ports: RunPorts): Runs {
  const { records, clock, emit, fault } = ports
  let sweptAtMs = 0
  let sweepTookMs = 0
  let ticking: Promise<void> | undefined

  const pacer = createPacer({
    work: follow,
    fault: (error, run) => fault(error, `run ${run}`),
    now: () => performance.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  })

  async function follow(id: string): Promise<void> {
    const moved = await records.operator((db) => advance(db, ports, id, clock()))
    if (moved.changed) emit({ type: 'run', id })
    await ports.jobs.end(moved.end, 'the run was stopped', 'pending')
    await sendAll(moved.send)
  }

  async function sendAll(ids: readonly string[]): Promise<void> {
    const size = Math.min(SEND_BATCH, Math.ceil(ids.length / SENDERS))
    const batches: string[][] = []
    for (let from = 0; from < ids.length; from += size) batches.push(ids.slice(from, from + size))
    const sender = async (): Promise<void> => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift())
        await ports.jobs.send(batch)
    }
    await Promise.all(Array.from({ length: SENDERS }, sender))
  }

  async function view(db: Db, id: string): Promise<RunView> {
    const row = await runRows(db).where('run.run_id', '=', id).executeTakeFirst()
    if (!row) throw new VigiaError('NOT_FOUND', `no run ${id}`)
    const [view] = await withSeenTargets(db, [toRunView(row, (await countStates(db, [id])).get(id))])
    if (view === undefined) throw new RangeError('a run in, a run out')
    return view
  }

  async function create(request: RunRequest, who: Orderer, of?: RunRow): Promise<RunView> {
    const id = randomUUID()
    const view = await records.operator(async (db) => {
      const nowMs = clock()
      const nextMs = nextTimes(request.when, nowMs, 1)[0] ?? null
      const now = request.when.kind === 'now'
      if (!now && nextMs === null)
        throw new VigiaError('REQUEST_INVALID', 'when: that time does not come any more')
      const off = now ? await ports.held(db) : null
      if (off)
        throw new VigiaError('COMMAND_DISABLED', `commands are switched off on the server: ${off.reason}`)
      const planned = await plan(db, ports, { request, who, ...(of ? { digest: of.script_digest } : {}) })
      refuseEmpty(planned, request)
      const target = now ? request.target : await settledTarget(db, request.target, who.name)
      await insertRun(db, {
        ...{ id, digest: planned.script.digest, schedule: null, nowMs, nextMs },
        request: { ...request, target, script: planned.script.content.name, parameters: planned.values },
        state: now ? 'running' : 'scheduled',
        orderedBy: who.name,
        clients: who.clients,
        ...{ devices: planned.devices, ends: planned.ends },
      })
      await ports.note(db, {
        ...{ who: who.name, action: 'run.order', client: null, subject: id },
        detail: orderDetail(planned, request, who, of?.run_id),
      })
      return viewIn(db, id)
    })
    emit({ type: 'run', id })
    pacer.ask(id)
    return view
  }
  const viewIn = view

  async function refuseOthers(db: Db, run: RunRow, who: Orderer): Promise<void> {
    if (who.clients === null) return
    const mine = new Set(who.clients)
    const rows = await db
      .selectFrom('run_device')
      .select('client_id')
      .distinct()
      .where('run_id', '=', run.run_id)
      .execute()
    // A schedule has no devices yet: it is theirs when it keeps to their clients.
    const reached = run.state === 'scheduled' ? run.allowed_clients : rows.map((row) => row.client_id)
    if (reached === null || reached.some((client) => !mine.has(client)))
      throw new VigiaError('FORBIDDEN', `run ${run.run_id} is for clients for which you may not run code`)
  }

  async function begin(id: string): Promise<void> {
    const begun = await records.operator((db) => beginDue(db, ports, id, clock()))
    emit({ type: 'run', id })
    if (begun === undefined) return
    emit({ type: 'run', id: begun })
    pacer.ask(begun)
  }

  async function sweep(nowMs: number): Promise<void> {
    if (nowMs - sweptAtMs < Math.max(SWEEP_EVERY_MS, sweepTookMs * SWEEP_SHARE)) return
    sweptAtMs = nowMs
    const from = performance.now()
    const { running, cancelled } = await records.operator(async (db) => ({
      running: await idsOf(db, 'running'),
      cancelled: await db
        .selectFrom('job')
        .innerJoin('run', 'run.run_id', 'job.run_id')
        .select('job.job_id')
        .where('run.state', '=', 'cancelled')
        .where('job.state', 'in', ['pending', 'sent', 'running'])
        .limit(1000)
        .execute(),
    }))
    for (const id of running) pacer.ask(id)
    // Until they have ended: a device that was away when it was said hears it again.
    await ports.jobs.end(
      cancelled.map(({ job_id: id }) => id),
      'the run was cancelled',
      'all',
    )
    sweepTookMs = performance.now() - from
  }

  async function guarded(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      fault(thrown, doing)
    }
  }

  return {
    plan: (request, who) =>
      records.operator(async (db) => {
        const planned = await plan(db, ports, { request, who })
        return toRunPlan(planned, nextTimes(request.when, clock(), FIRST_TIMES))
      }),
    create: (request, who) => create(request, who),
    get: (id) => records.operator((db) => view(db, id)),
    list: ({ state, schedule, limit }) =>
      records.operator(async (db) => {
        let select = runRows(db).orderBy('run.created_at', 'desc').limit(limit)
        if (state !== undefined) select = select.where('run.state', '=', state)
        if (schedule !== undefined) select = select.where('run.schedule_id', '=', schedule)
        const rows = await select.execute()
        const counted = await countStates(
          db,
          rows.map((row) => row.run_id),
        )
        const views = rows.map((row) => toRunView(row, counted.get(row.run_id)))
        return (await withSeenTargets(db, views)).map(shortened)
      }),
    // Its pages are asked for by a stream, from elsewhere.
    results: (id) => resultPages(records.here(), id),

    async cancel(id, who) {
      const jobs = await records.operator(async (db) => {
        const run = await lockRun(db, id)
        if (!run) throw new VigiaError('NOT_FOUND', `no run ${id}`)
        await refuseOthers(db, run, who)
        const jobs = await jobsOf(db, id, ['pending', 'sent', 'running'])
        // What was stopped may still have jobs at work, which a person may want to end.
        const over = run.state === 'done' || run.state === 'cancelled'
        if (over || (run.state === 'stopped' && jobs.length === 0))
          throw new VigiaError('CONFLICT', `run ${id} is over: ${run.state}`)
        const ended = `cancelled by ${who.name}`
        const why = run.why === null ? ended : `${run.why}; ${ended}`
        await db
          .updateTable('run')
          .set({ state: 'cancelled', why, ended_at: at(clock()), next_at: null })
          .where('run_id', '=', id)
          .execute()
        const detail = { state: run.state, proof: who.proof }
        await ports.note(db, { who: who.name, action: 'run.cancel', client: null, subject: id, detail })
        return jobs
      })
      emit({ type: 'run', id })
      await ports.jobs.end(jobs, `cancelled by ${who.name}`, 'all')
      return records.operator((db) => view(db, id))
    },

    async rerunFailed(id, who) {
      const found = await records.operator(async (db) => {
        const run = await runRows(db).where('run.run_id', '=', id).executeTakeFirst()
        if (!run) throw new VigiaError('NOT_FOUND', `no run ${id}`)
        return { run, devices: await failedDevices(db, id) }
      })
      if (found.devices.length === 0)
        throw new VigiaError('RUN_TARGET_EMPTY', `run ${id} failed on no device`)
      const request: RunRequest = {
        ...found.run.request,
        target: { kind: 'devices', devices: found.devices },
        when: { kind: 'now' },
      }
      return create(request, who, found.run)
    },

    changed: (id) => pacer.ask(id),
    async reconsider(person) {
      const ids = await records.operator((db) => idsOf(db, 'running', person))
      for (const id of ids) pacer.ask(id)
    },
    deviceCame() {
      // Those that run are asked at the next tick, however many devices come at once.
      sweptAtMs = Math.min(sweptAtMs, clock() - SWEEP_EVERY_MS)
    },
    async tick(nowMs) {
      if (ticking) return
      ticking = (async () => {
        await guarded('runs that are due', async () => {
          for (const id of await records.operator((db) => dueRuns(db, nowMs)))
            await guarded(`run ${id}`, () => begin(id))
        })
        await guarded('runs at work', () => sweep(nowMs))
      })()
      await ticking
      ticking = undefined
    },
    async stop() {
      pacer.stop()
      await ticking
      await pacer.idle()
    },
  }
}

async function idsOf(db: Db, state: RunState, person?: string): Promise<string[]> {
  const all = db.selectFrom('run').select('run_id').where('state', '=', state)
  const rows = await (person === undefined ? all : all.where('ordered_by', '=', person)).execute()
  return rows.map((row) => row.run_id)
}
