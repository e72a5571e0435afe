import { hash as digest } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock } from '../../contract/clock.ts'
import type { DownMessage } from '../../contract/down.ts'
import { LIMITS } from '../../contract/limits.ts'
import { JsonReport, type Layout, type SeriesSpec } from '../../contract/report.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { seriesKey } from '../../contract/wire.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Committer } from './committer.ts'
import { decodeReport } from './decode.ts'
import { bootOf, type DeviceState, noteNewest } from './device-state.ts'
import { layoutOf, readLayout, type LayoutStore } from './layout-book.ts'
import { parseLines, type LinePoint } from './line-protocol.ts'
import { parseJson } from './parse-json.ts'
import type { Refusal, Refusals } from './refusals.ts'

type Answer = 'taken' | 'full' | 'refused'

/** One report whatever its form, before it is checked against time, duplicates and room. */
type Candidate = { boot: string; seq: number; timeMs: number; layout: Layout; values: Float64Array }

/** The channels on which samples arrive. */
export type Reports = Record<
  'packed' | 'layout' | 'json' | 'line',
  (state: DeviceState, payload: Uint8Array, topic: string) => Answer
>

/** A report older than this is about the past, even when it is the newest of its layout: the gap after an outage. */
const LATE_AFTER_MS = 5 * 60_000
const ASK_AGAIN_MS = 5000
const FETCHES_PER_DEVICE = 4
const WAITING_PER_FETCH = 64
/** Reports of all devices that wait for a layout out of the records, in bytes. */
const WAITING_BYTES = 32 * 1024 * 1024

export function createReports(options: {
  layouts: LayoutStore
  clock: Clock
  log: Logger
  limits: { pendingPerDevice: number }
  committer: Committer
  refusals: Refusals
  acks: Acknowledgements
  share: (series: SeriesSpec) => SeriesSpec
  /** Stands for the boot of samples that came without one. */
  lineBoot: string
  send: (address: DeviceAddress, message: DownMessage) => Promise<boolean>
}): Reports {
  const { clock, log, refusals, share } = options
  let waitingBytes = 0

  const refuse = (reason: Refusal, state: DeviceState, topic: string, payload: Uint8Array): Answer => {
    refusals.refuse(reason, state.address, topic, payload)
    return reason === 'INGEST_FULL' ? 'full' : 'refused'
  }

  /** Why this sequence or time is not taken; a committed duplicate is acknowledged once more. */
  const objection = (state: DeviceState, boot: string, seq: number, timeMs: number): Refusal | undefined => {
    const known = state.boots.get(boot)
    if (known !== undefined && known.seen.has(seq)) {
      options.acks.add(state, boot, seq)
      return 'REPORT_DUPLICATE'
    }
    if (known !== undefined && known.inFlight.has(seq)) return 'REPORT_DUPLICATE'
    return timeObjection(timeMs)
  }
  const timeObjection = (timeMs: number): Refusal | undefined => {
    const nowMs = clock()
    if (timeMs > nowMs + LIMITS.futureMs) return 'REPORT_FUTURE'
    return timeMs < nowMs - LIMITS.reportAgeMs ? 'REPORT_TOO_OLD' : undefined
  }

  const accept = (state: DeviceState, candidate: Candidate, acknowledged: boolean): Refusal | undefined => {
    if (state.pending >= options.limits.pendingPerDevice) return 'INGEST_FULL'
    const nowMs = clock()
    const { timeMs, layout } = candidate
    const late = timeMs < (state.newestMs.get(layout.hash) ?? 0) || nowMs - timeMs > LATE_AFTER_MS
    const { client, device } = state.address
    const report = { client, device, ...candidate, late, receivedMs: nowMs }
    if (!options.committer.push({ state, report, acknowledged })) return 'INGEST_FULL'
    if (acknowledged) bootOf(state, candidate.boot).inFlight.add(candidate.seq)
    noteNewest(state, layout.hash, timeMs)
    return undefined
  }

  const packed = (state: DeviceState, payload: Uint8Array, topic: string): Answer => {
    if (payload.length > LIMITS.reportBytes) return refuse('REPORT_OVERSIZED', state, topic, payload)
    const decoded = decodeReport(payload)
    if (decoded === undefined) return refuse('REPORT_MALFORMED', state, topic, payload)
    const { hash, boot, seq, timeMs, values } = decoded
    const fault = objection(state, boot, seq, timeMs)
    if (fault !== undefined) return refuse(fault, state, topic, payload)
    const layout = state.layouts.get(hash)
    if (layout === undefined) return awaitLayout(state, hash, payload, topic)
    if (layout.series.length !== values.length) return refuse('REPORT_MALFORMED', state, topic, payload)
    const full = accept(state, { boot, seq, timeMs, layout, values }, true)
    return full === undefined ? 'taken' : refuse(full, state, topic, payload)
  }

  const awaitLayout = (state: DeviceState, hash: string, payload: Uint8Array, topic: string): Answer => {
    const waiting = state.fetching.get(hash)
    if (waiting === undefined && clock() - state.askedAtMs < ASK_AGAIN_MS && state.askedFor === hash)
      return refuse('REPORT_LAYOUT_UNKNOWN', state, topic, payload)
    const room =
      waiting === undefined ? state.fetching.size < FETCHES_PER_DEVICE : waiting.length < WAITING_PER_FETCH
    if (!room || waitingBytes + payload.length > WAITING_BYTES)
      return refuse('INGEST_FULL', state, topic, payload)
    // The payload belongs to the broker's buffer, which is used again.
    const copy = payload.slice()
    waitingBytes += copy.length
    if (waiting !== undefined) waiting.push(copy)
    else {
      state.fetching.set(hash, [copy])
      void fetchLayout(state, hash, topic)
    }
    return 'taken'
  }

  const fetchLayout = async (state: DeviceState, hash: string, topic: string): Promise<void> => {
    let layout: Layout | undefined
    try {
      layout = await options.layouts.get(state.address, hash)
    } catch (error) {
      log.warn({ error, ...state.address }, 'a layout could not be fetched; the device is asked for it')
    }
    if (layout !== undefined && state.layouts.get(hash) === undefined)
      state.layouts.put({ ...layout, series: layout.series.map(share) })
    const waiting = state.fetching.get(hash) ?? []
    state.fetching.delete(hash)
    for (const payload of waiting) waitingBytes -= payload.length
    if (state.layouts.get(hash) === undefined) {
      for (const payload of waiting) refuse('REPORT_LAYOUT_UNKNOWN', state, topic, payload)
      await askForLayout(state, hash)
    } else for (const payload of waiting) packed(state, payload, topic)
  }

  const askForLayout = async (state: DeviceState, hash: string): Promise<void> => {
    state.askedAtMs = clock()
    state.askedFor = hash
    try {
      await options.send(state.address, { type: 'need-layout', hash })
    } catch (error) {
      log.debug({ error, ...state.address }, 'the device could not be asked for its layout')
    }
  }

  return {
    packed,
    layout(state, payload, topic) {
      if (payload.length > LIMITS.layoutBytes) return refuse('REPORT_OVERSIZED', state, topic, payload)
      const seen = digest('sha256', payload, 'hex')
      if (seen === state.layoutDigest) return 'taken'
      const layout = readLayout(payload, share)
      if ('fault' in layout) {
        log.debug({ ...state.address, fault: layout.fault }, 'layout refused')
        return refuse('REPORT_MALFORMED', state, topic, payload)
      }
      state.layoutDigest = seen
      if (state.layouts.get(layout.hash) !== undefined) return 'taken'
      state.layouts.put(layout)
      // If it is not saved, the device is asked for it after the next restart.
      options.layouts
        .save(state.address, layout)
        .catch((error: unknown) => log.warn({ error, ...state.address }, 'a layout could not be saved'))
      return 'taken'
    },
    json(state, payload, topic) {
      if (payload.length > LIMITS.jsonBytes) return refuse('REPORT_OVERSIZED', state, topic, payload)
      const parsed = JsonReport.safeParse(parseJson(payload))
      if (!parsed.success) return refuse('REPORT_MALFORMED', state, topic, payload)
      const { boot, seq, timeMs, samples } = parsed.data
      const fault = objection(state, boot, seq, timeMs)
      if (fault !== undefined) return refuse(fault, state, topic, payload)
      const layout = layoutOf(
        samples.map(({ metric, labels, unit }) => ({ metric, labels, unit })),
        share,
      )
      if (layout === undefined) return refuse('REPORT_MALFORMED', state, topic, payload)
      const values = Float64Array.from(samples, ({ value }) => value ?? NaN)
      const full = accept(state, { boot, seq, timeMs, layout, values }, true)
      return full === undefined ? 'taken' : refuse(full, state, topic, payload)
    },
    line(state, payload, topic) {
      if (payload.length > LIMITS.jsonBytes) return refuse('REPORT_OVERSIZED', state, topic, payload)
      const answer = parseLines(Buffer.from(payload).toString('utf8'))
      if ('fault' in answer) {
        log.debug({ ...state.address, ...answer }, 'line protocol refused')
        return refuse('REPORT_MALFORMED', state, topic, payload)
      }
      let refused: Refusal | undefined
      for (const [timeMs, group] of byTime(answer.points, clock())) {
        const layout = layoutOf(
          [...group.values()].map(({ series }) => series),
          share,
        )
        const values = Float64Array.from(group.values(), ({ value }) => value)
        if (layout === undefined || values.length > LIMITS.seriesPerLayout) refused = 'REPORT_MALFORMED'
        else {
          const candidate = { boot: options.lineBoot, seq: state.lineSeq, timeMs, layout, values }
          const fault = timeObjection(timeMs) ?? accept(state, candidate, false)
          if (fault === undefined) state.lineSeq++
          else refused = fault
        }
      }
      return refused === undefined ? 'taken' : refuse(refused, state, topic, payload)
    },
  }
}

/** Points with one timestamp are one report; of a series that stands in it twice the last counts. */
function byTime(points: readonly LinePoint[], nowMs: number): Map<number, Map<string, LinePoint>> {
  const groups = new Map<number, Map<string, LinePoint>>()
  for (const point of points) {
    const timeMs = point.timeMs ?? nowMs
    const group = groups.get(timeMs) ?? new Map<string, LinePoint>()
    groups.set(timeMs, group)
    group.set(seriesKey(point.series.metric, point.series.labels), point)
  }
  return groups
}
