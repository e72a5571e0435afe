import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../contract/clock.ts'
import { asVigiaError, VigiaError } from '../../../contract/errors.ts'
import type { SeriesSpec } from '../../../contract/report.ts'
import type { BacktestRequest, BacktestSide, BacktestView } from '../../../contract/rule-views.ts'
import { rulesInvalid, type PackSource } from '../../../rules/language/parse.ts'
import { spanText } from '../../../rules/duration.ts'
import type { Logger } from '../../observe/log.ts'
import { readerNow } from '../../records/reader.ts'
import type { BacktestJob, BacktestResult, Recorded } from './messages.ts'
import { startBacktestThread } from './thread.ts'
import type { SampleBlock } from '../history/reports.ts'
import type { PastDevice, Span } from '../history/run.ts'
import type { RuleBook } from '../rule-book.ts'

/** What a backtest needs of the rest of the server. */
export type BacktestNeeds = {
  clock: Clock
  log: Logger
  book: Pick<RuleBook, 'current' | 'check'>
  /** The program of the thread. */
  worker: URL
  /** The devices to go through, with the names that people know them by. */
  devices(filter: {
    client?: string | undefined
    device?: string | undefined
  }): Promise<{ client: string; device: string; hostname: string }[]>
  past(device: { client: string; device: string }, span: Span): Promise<PastDevice>
  scan(query: {
    client: string
    device: string
    metrics: readonly string[] | null
    fromMs: number
    toMs: number
  }): AsyncIterable<SampleBlock & { hourly: boolean; series: readonly SeriesSpec[] } & Transferred>
  /** What to replay for an incident: its alert as recorded, packs with its rule as it was, and since when it was so. NOT_FOUND. */
  replay(incident: string): Promise<{ recorded: Recorded; packs: PackSource[]; sinceMs: number }>
}

type Transferred = {
  at: Uint32Array<ArrayBuffer>
  timesMs: Float64Array<ArrayBuffer>
  values: Float64Array<ArrayBuffer>
}

/**
 * Backtests of this installation; one runs at a time, apart from the thread that serves. Who sees some clients only goes
 * through their devices, and knows of no backtest over others.
 */
export type Backtests = {
  /** Answers as soon as it runs. CONFLICT while another does, RULES_INVALID, NOT_FOUND. */
  start(request: BacktestRequest, who: string): Promise<BacktestView>
  get(id: string): BacktestView
  list(): BacktestView[]
  cancel(id: string): BacktestView
  stop(): Promise<void>
}

const DAY_MS = 86_400_000
const USUAL_SPAN_MS = 30 * DAY_MS
const TICK_MS = 60_000
/** The server judges by time every second. */
const REPLAY_TICK_MS = 1000
/** A replay goes on so long past the alert. */
const REPLAY_AFTER_MS = 10 * 60_000
const REMEMBERED = 20

/** `over`: the clients whose devices it goes through; null: all. */
type Running = {
  view: BacktestView
  over: readonly string[] | null
  cancelled: boolean
  ended: Promise<void>
}

/** Backtests, remembered as long as the server runs. */
export function createBacktests(needs: BacktestNeeds): Backtests {
  const { clock, log, book } = needs
  const known = new Map<string, Running>()
  let running: Running | undefined
  let preparing = false

  async function prepare(
    request: BacktestRequest,
  ): Promise<{ job: BacktestJob; packs: string[]; device: string | null }> {
    const untilMs = Math.min(request.untilMs ?? clock(), clock())
    const present = book.current().packs.map(({ file, text }) => ({ file, text }))
    if (request.incident !== undefined) {
      const { recorded, packs, sinceMs } = await needs.replay(request.incident)
      const job = {
        ...{ present: packs, changed: null, rule: recorded.rule, recorded, tickMs: REPLAY_TICK_MS },
        fromMs: request.sinceMs ?? Math.max(sinceMs, recorded.atMs - USUAL_SPAN_MS),
        untilMs: Math.min(recorded.atMs + REPLAY_AFTER_MS, untilMs),
      }
      return { job, packs: [], device: recorded.device }
    }
    const names = request.packs.map(({ name }) => name)
    const { faults, set } = book.check(request.packs)
    if (faults.length > 0) throw rulesInvalid(faults)
    const changed =
      names.length === 0 || set === null ? null : set.packs.map(({ file, text }) => ({ file, text }))
    const rules = [...book.current().rules, ...(set?.rules ?? [])]
    if (request.rule !== undefined && !rules.some(({ spec }) => spec.name === request.rule))
      throw new VigiaError('NOT_FOUND', `No rule is named ${request.rule}.`)
    const fromMs = request.sinceMs ?? untilMs - USUAL_SPAN_MS
    if (fromMs >= untilMs) throw new VigiaError('REQUEST_INVALID', 'The span ends before it begins.')
    const rule = request.rule ?? null
    return {
      job: { present, changed, rule, fromMs, untilMs, tickMs: TICK_MS, recorded: null },
      packs: names,
      device: request.device ?? null,
    }
  }

  async function run(one: Running, job: BacktestJob, client: string | undefined): Promise<void> {
    const { view } = one
    const startedMs = performance.now()
    const span = { fromMs: job.fromMs, toMs: job.untilMs }
    let hourly = false
    const thread = await startBacktestThread(needs.worker, job)
    try {
      const devices = await needs.devices({ client, device: view.device ?? undefined })
      view.progress.devices = devices.length
      for (const { client: owner, device, hostname } of devices) {
        const past = await needs.past({ client: owner, device }, span)
        await thread.ask({ ask: 'begin', device: past, hostname })
        const query = {
          client: owner,
          device,
          metrics: thread.metrics,
          fromMs: job.fromMs,
          toMs: job.untilMs,
        }
        // The next block is read while the thread works on this one.
        let working: Promise<unknown> = Promise.resolve()
        for await (const block of needs.scan(query)) {
          await working
          if (one.cancelled) return
          const { series, at, timesMs, values } = block
          hourly ||= block.hourly
          view.progress.samples += timesMs.length
          view.progress.samplesPerSecond = Math.round(
            view.progress.samples / Math.max(0.001, (performance.now() - startedMs) / 1000),
          )
          working = thread.ask({ ask: 'take', block: { series, at, timesMs, values } })
          // The next round of the loop throws it.
          working.catch(() => undefined)
        }
        await working
        if (one.cancelled) return
        await thread.ask({ ask: 'end' })
        view.progress.devicesDone++
      }
      const answer = await thread.ask({ ask: 'finish' })
      if (answer.is === 'finished') conclude(view, answer.result, hourly)
    } finally {
      await thread.stop()
    }
  }

  async function settle(one: Running, job: BacktestJob, client: string | undefined): Promise<void> {
    const { view } = one
    try {
      await run(one, job, client)
      view.state = one.cancelled ? 'cancelled' : 'done'
    } catch (thrown) {
      const { code, message, next, faults } = asVigiaError(thrown)
      log.warn({ err: thrown, backtest: view.id }, 'a backtest failed')
      view.state = one.cancelled ? 'cancelled' : 'failed'
      view.error = one.cancelled ? null : { code, message, next, faults: [...faults] }
    } finally {
      view.endedAtMs = clock()
      running = undefined
    }
  }

  function find(id: string): Running {
    const one = known.get(id)
    if (one === undefined || !isSeen(one))
      throw new VigiaError('NOT_FOUND', `No backtest ${id} since the server started.`)
    return one
  }

  return {
    async start(request, who) {
      if (running !== undefined || preparing)
        throw new VigiaError('CONFLICT', 'A backtest is running; wait for it, or cancel it.')
      preparing = true
      try {
        const { job, packs, device } = await prepare(request)
        const view: BacktestView = {
          ...{ id: randomUUID(), state: 'running', startedBy: who, startedAtMs: clock(), endedAtMs: null },
          ...{ fromMs: job.fromMs, untilMs: job.untilMs, rule: job.rule, device, packs },
          progress: { devices: 0, devicesDone: 0, samples: 0, samplesPerSecond: 0 },
          ...{
            verdict: null,
            present: null,
            changed: null,
            byRule: [],
            notes: [],
            replay: null,
            error: null,
          },
        }
        const over = request.client === undefined ? readerNow() : [request.client]
        const one: Running = { view, over, cancelled: false, ended: Promise.resolve() }
        running = one
        known.set(view.id, one)
        for (const id of [...known.keys()].slice(0, -REMEMBERED)) known.delete(id)
        one.ended = settle(one, job, request.client)
        return view
      } finally {
        preparing = false
      }
    },
    get: (id) => find(id).view,
    list: () =>
      [...known.values()]
        .filter(isSeen)
        .map(({ view }) => view)
        .toReversed(),
    cancel(id) {
      const one = find(id)
      if (one.view.state === 'running') one.cancelled = true
      return one.view
    },
    async stop() {
      if (running === undefined) return
      running.cancelled = true
      await running.ended
    },
  }
}

/** Does whoever asks see all the clients that it goes through? */
function isSeen({ over }: Running): boolean {
  const mine = readerNow()
  return mine === null || (over?.every((client) => mine.includes(client)) ?? false)
}

function conclude(view: BacktestView, result: BacktestResult, hourly: boolean): void {
  const { present, changed, byRule, notes, replay } = result
  Object.assign(view, { present, changed, byRule, replay })
  view.notes = [
    ...notes,
    ...(hourly
      ? [
          'Raw samples are kept no more for a part of the time: hourly means stand for them there, and what lasts less than hours is not seen.',
        ]
      : []),
  ]
  view.verdict =
    replay === null ? verdictOf(present, changed, view.untilMs - view.fromMs) : replayVerdict(replay)
}

function verdictOf(present: BacktestSide, changed: BacktestSide | null, spanMs: number): string {
  const count = (side: BacktestSide): string =>
    `${side.incidents} ${side.incidents === 1 ? 'incident' : 'incidents'}`
  return changed === null
    ? `The rules in force would have opened ${count(present)} on ${present.devices} devices in ${spanText(spanMs)}.`
    : `This change would have opened ${count(changed)} instead of ${present.incidents}.`
}

function replayVerdict({ same, rule, differences }: NonNullable<BacktestView['replay']>): string {
  return same
    ? `${rule} fires again at the same time with the same figures.`
    : `${rule} does not do the same again: ${differences.join('; ')}.`
}
