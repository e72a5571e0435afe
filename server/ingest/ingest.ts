import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import type { JobOutput, JobResult } from '../../contract/command.ts'
import type { DownMessage } from '../../contract/down.ts'
import type { RemoteStateMessage } from '../../contract/remote/session.ts'
import type { Facts, SeenSequences, SessionHello, StoredReport } from '../../contract/report.ts'
import { upTopic, type DeviceAddress, type UpChannel } from '../../contract/topics.ts'
import { createAcknowledgements } from './acknowledgements.ts'
import { createCommitter, type AcceptedReport, type CommitLimits } from './committer.ts'
import { bootOf, createDeviceState, type DeviceState } from './device-state.ts'
import { createDocumentLine } from './document-line.ts'
import { createDocuments } from './documents.ts'
import { createSeriesShare, type LayoutStore } from './layout-book.ts'
import { createRefusals, type HostileSample, type Refusal } from './refusals.ts'
import { createReports } from './reports.ts'

/** What became of a message, for the broker that brought it. */
type IngestAnswer = 'taken' | 'full' | 'refused'

type IngestLimits = CommitLimits & {
  /** Reports of one device that may wait for their commit. */
  pendingPerDevice: number
  /** What one device may send in ten seconds: a report counts one, other messages one for each 4 KiB begun. */
  perTenSeconds: number
  /** The same of remote sessions, which have an allowance of their own: neither takes from the other. */
  remotePerTenSeconds: number
}

const INGEST_LIMITS: IngestLimits = {
  windowMs: 20,
  batchReports: 1024,
  pendingReports: 20_000,
  pendingSamples: 4_000_000,
  pendingPerDevice: 512,
  perTenSeconds: 5000,
  // All that the embedded broker's rate lets through: 400 packets and 1 MiB a second.
  remotePerTenSeconds: 8000,
}

export type IngestOptions = {
  /** The store's spooling writer: it throws only when not even the spool can take the batch. */
  store: { write(reports: readonly StoredReport[]): Promise<void> }
  /** Committed sequences, from the store's `seen()`. */
  seen: readonly SeenSequences[]
  layouts: LayoutStore
  clock: Clock
  registry: Registry
  log: Logger
  limits?: Partial<IngestLimits>
  send: (address: DeviceAddress, message: DownMessage) => Promise<boolean>
  /** Committed reports, in the order of their arrival. Must not wait: rules are evaluated in memory. */
  onReports: (batch: readonly AcceptedReport[]) => void
  /** Facts and results are acknowledged when these have resolved; when they throw, the device sends again. */
  onFacts: (address: DeviceAddress, facts: Facts) => Promise<void>
  onResult: (address: DeviceAddress, result: JobResult) => Promise<void>
  onSession: (address: DeviceAddress, hello: SessionHello) => Promise<void>
  onGone: (address: DeviceAddress) => Promise<void>
  onOutput: (address: DeviceAddress, output: JobOutput) => Promise<void>
  /** A frame of a remote session: whose it is stands in it, and its proof is for the technician's console. */
  onRemoteFrame: (address: DeviceAddress, frame: Uint8Array) => Promise<void>
  onRemoteState: (address: DeviceAddress, message: RemoteStateMessage) => Promise<void>
  hostile: (sample: HostileSample) => void
}

export type Ingest = {
  /** Takes one message of a device without waiting. The payload is not used after the call. */
  handle(address: DeviceAddress, channel: UpChannel, payload: Uint8Array, topic?: string): IngestAnswer
  /** Counts and keeps what the transport refused already. */
  refuse(reason: Refusal, address: DeviceAddress | null, topic: string, payload: Uint8Array): void
  /** Reports that wait for their commit. */
  pending(): number
  /** Resolves when everything that was taken is committed or lost, and said so. */
  flush(): Promise<void>
}

const WINDOW_MS = 10_000

/**
 * Decodes, checks and deduplicates what devices send, commits it in groups and only then acknowledges it. A hostile
 * message is counted, sampled and answered with nothing. No message may throw, block, or grow memory without bound.
 */
export function createIngest(options: IngestOptions): Ingest {
  const { clock, log, registry } = options
  const limits = { ...INGEST_LIMITS, ...options.limits }
  const devices = new Map<string, DeviceState>()
  const unclaimed = Map.groupBy(options.seen, ({ device }) => device)
  const refusals = createRefusals({ registry, clock, hostile: options.hostile })
  const acks = createAcknowledgements({ send: options.send, log })
  const counters = {
    reports: counter(registry, 'vigia_ingest_reports_total', 'Reports that were committed'),
    samples: counter(registry, 'vigia_ingest_samples_total', 'Available values in committed reports'),
    late: counter(registry, 'vigia_ingest_late_reports_total', 'Committed reports about the past'),
  }

  const stateOf = (address: DeviceAddress): DeviceState => {
    const known = devices.get(address.device)
    if (known !== undefined && known.address.client === address.client) return known
    const fresh = createDeviceState(address)
    // What the store has seen names no client: it belongs to whoever the device belongs to now.
    for (const { boot, ranges } of unclaimed.get(address.device) ?? [])
      for (const [from, to] of ranges) bootOf(fresh, boot).seen.addRange(from, to)
    unclaimed.delete(address.device)
    devices.set(address.device, fresh)
    return fresh
  }

  const committer = createCommitter({
    write: (reports) => options.store.write(reports),
    limits,
    registry,
    log,
    committed(batch) {
      let samples = 0
      let late = 0
      for (const { state, report, acknowledged } of batch) {
        samples += availableOf(report.values)
        if (report.late) late++
        if (!acknowledged) continue
        bootOf(state, report.boot).seen.add(report.seq)
        acks.add(state, report.boot, report.seq)
      }
      counters.reports.inc(batch.length)
      counters.samples.inc(samples)
      counters.late.inc(late)
      try {
        options.onReports(batch.map(({ report }) => report))
      } catch (error) {
        log.error({ error }, 'committed reports could not be evaluated')
      }
      acks.flush()
    },
    lost: () => undefined,
    spoiled: ({ report }) =>
      refusals.refuse('REPORT_MALFORMED', report, upTopic(report, 'report'), new Uint8Array()),
  })

  const line = createDocumentLine(log)
  const share = createSeriesShare()
  const lineBoot = randomBytes(8).toString('hex')
  const reports = createReports({ ...options, limits, committer, refusals, acks, share, lineBoot })
  const documents = createDocuments({ ...options, line, refusals, acks })

  const withinAllowance = (state: DeviceState, cost: number, remote: boolean): boolean => {
    const nowMs = clock()
    if (Math.abs(nowMs - state.windowStartMs) >= WINDOW_MS) {
      state.windowStartMs = nowMs
      state.windowCost = 0
      state.remoteCost = 0
    }
    const used = remote ? state.remoteCost : state.windowCost
    if (used + cost > (remote ? limits.remotePerTenSeconds : limits.perTenSeconds)) return false
    if (remote) state.remoteCost += cost
    else state.windowCost += cost
    return true
  }

  const route = (
    state: DeviceState,
    channel: UpChannel,
    payload: Uint8Array,
    topic: string,
  ): IngestAnswer => {
    switch (channel) {
      case 'report':
        return reports.packed(state, payload, topic)
      case 'layout':
        return reports.layout(state, payload, topic)
      case 'json':
        return reports.json(state, payload, topic)
      case 'line':
        return reports.line(state, payload, topic)
      case 'session':
      case 'gone':
      case 'facts':
      case 'result':
      case 'output':
      case 'remote':
      case 'remote-state':
        return documents.take(state, channel, payload, topic)
      default:
        return channel satisfies never
    }
  }

  return {
    handle(address, channel, payload, topic = upTopic(address, channel)) {
      const state = stateOf(address)
      const cost = channel === 'report' ? 1 : 1 + (payload.length >>> 12)
      if (!withinAllowance(state, cost, channel === 'remote')) {
        refusals.refuse('INGEST_FULL', address, topic, payload)
        return 'full'
      }
      return route(state, channel, payload, topic)
    },
    refuse: (reason, address, topic, payload) => refusals.refuse(reason, address, topic, payload),
    pending: () => committer.pending(),
    async flush() {
      await line.idle()
      await committer.flush()
      acks.flush()
    },
  }
}

/** How many values are not NaN. By index: this runs for every value that arrives. */
function availableOf(values: Float64Array): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i])) count++
  return count
}

function counter(registry: Registry, name: string, help: string): Counter {
  return new Counter({ name, help, registers: [registry] })
}
