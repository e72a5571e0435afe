import { createHash } from 'node:crypto'
import { pack } from 'msgpackr'
import pino from 'pino'
import { Registry } from 'prom-client'
import type { DownMessage } from '../../../contract/down.ts'
import type { Layout, SeriesSpec, StoredReport } from '../../../contract/report.ts'
import type { DeviceAddress } from '../../../contract/topics.ts'
import { layoutText } from '../../../contract/wire.ts'
import { createIngest, type Ingest, type IngestOptions } from '../../../server/ingest/ingest.ts'
import type { AcceptedReport } from '../../../server/ingest/committer.ts'
import type { HostileSample } from '../../../server/ingest/refusals.ts'

export const NOW_MS = Date.UTC(2026, 10, 21, 12)
export const BOOT = '0123456789abcdef'

/** Ingest whose neighbours keep what they got, in the order of `events`. */
export type IngestUnderTest = {
  ingest: Ingest
  registry: Registry
  clock: { nowMs: number }
  /** Every write that resolved. */
  written: StoredReport[][]
  evaluated: AcceptedReport[]
  sent: { device: string; message: DownMessage }[]
  samples: HostileSample[]
  saved: Map<string, Layout>
  events: string[]
  /** Set to make the store slow or failing. */
  store: { write: (reports: readonly StoredReport[]) => Promise<void> }
  /** Sequences that a device was told are committed. */
  acked(device: string, boot?: string): number[]
  refused(reason: string): Promise<number>
}

export function device(letter: string, client = 'acme'): DeviceAddress {
  return { client, device: `d-${letter.repeat(16)}` }
}

/** Two devices of one client. */
export const a = device('a')
export const b = device('b')

export function layout(series: SeriesSpec[]): Layout {
  const hash = createHash('sha256').update(layoutText(series)).digest('hex').slice(0, 16)
  return { v: 1, hash, series }
}

export const CPU_AND_DISK = layout([
  { metric: 'cpu.used_percent', labels: {}, unit: 'percent' },
  { metric: 'disk.used_percent', labels: { mount: '/', fs: 'ext4' }, unit: 'percent' },
])

/** A packed report as an agent sends it. */
export function report(
  seq: number,
  options: { boot?: string; timeMs?: number; values?: unknown[]; hash?: string } = {},
): Uint8Array {
  const { boot = BOOT, timeMs = NOW_MS + seq, values = [1, 2.5], hash = CPU_AND_DISK.hash } = options
  return pack([hash, boot, seq, timeMs, values])
}

export function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

export function startIngest(options: Partial<IngestOptions> = {}): IngestUnderTest {
  const registry = new Registry()
  const clock = { nowMs: NOW_MS }
  const written: StoredReport[][] = []
  const evaluated: AcceptedReport[] = []
  const sent: IngestUnderTest['sent'] = []
  const samples: HostileSample[] = []
  const saved = new Map<string, Layout>()
  const events: string[] = []
  const store: IngestUnderTest['store'] = { write: async () => undefined }
  const ingest = createIngest({
    store: {
      async write(reports) {
        await store.write(reports)
        written.push([...reports])
        events.push('committed')
      },
    },
    seen: [],
    layouts: {
      get: async (address, hash) => saved.get(`${address.device} ${hash}`),
      save: async (address, one) => void saved.set(`${address.device} ${one.hash}`, one),
    },
    clock: () => clock.nowMs,
    registry,
    log: pino({ level: 'silent' }),
    limits: { windowMs: 5 },
    send: async (address, message) => {
      sent.push({ device: address.device, message })
      events.push(message.type)
      return true
    },
    onReports: (batch) => {
      evaluated.push(...batch)
      events.push('evaluated')
    },
    onFacts: async (_address, facts) => void events.push(`facts ${facts.seq}`),
    onResult: async (_address, result) => void events.push(`result ${result.seq}`),
    onSession: async () => void events.push('session'),
    onGone: async () => void events.push('gone'),
    onRemoteFrame: async () => undefined,
    onRemoteState: async () => undefined,
    onOutput: async () => void events.push('output'),
    hostile: (sample) => samples.push(sample),
    ...options,
  })
  return {
    ingest,
    registry,
    clock,
    written,
    evaluated,
    sent,
    samples,
    saved,
    events,
    store,
    acked: (id, boot = BOOT) =>
      sent.flatMap(({ device: to, message }) =>
        to === id && message.type === 'ack' && message.boot === boot
          ? message.ranges.flatMap(([from, end]) =>
              Array.from({ length: end - from + 1 }, (_, i) => from + i),
            )
          : [],
      ),
    async refused(reason) {
      const metric = await registry.getSingleMetric('vigia_ingest_refused_total')?.get()
      return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0
    },
  }
}

/** Ingest that knows the layout of both devices. */
export function startWithLayouts(options: Partial<IngestOptions> = {}): IngestUnderTest {
  const test = startIngest(options)
  test.ingest.handle(a, 'layout', json(CPU_AND_DISK))
  test.ingest.handle(b, 'layout', json(CPU_AND_DISK))
  return test
}
