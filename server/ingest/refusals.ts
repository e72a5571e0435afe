import { Counter, type Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import type { ErrorCode } from '../../contract/errors.ts'
import type { DeviceAddress } from '../../contract/topics.ts'

/** Why a message was not accepted: the codes of contract/errors.ts. */
export type Refusal = Extract<
  ErrorCode,
  | 'REPORT_MALFORMED'
  | 'REPORT_OVERSIZED'
  | 'REPORT_WRONG_TENANT'
  | 'REPORT_FUTURE'
  | 'REPORT_TOO_OLD'
  | 'REPORT_DUPLICATE'
  | 'REPORT_LAYOUT_UNKNOWN'
  | 'INGEST_FULL'
>

/** The beginning of a hostile message, for the operator to look at. */
export type HostileSample = {
  atMs: number
  client: string | null
  device: string | null
  reason: Refusal
  topic: string
  bytes: number
  /** At most 256 bytes. */
  head: Uint8Array
}

/** Ordinary trouble of a good agent; it is counted and nothing is kept. */
const ORDINARY: ReadonlySet<Refusal> = new Set(['REPORT_DUPLICATE', 'REPORT_LAYOUT_UNKNOWN', 'INGEST_FULL'])
const HEAD_BYTES = 256
/** One sample a device and reason in this time, and so many in all of them together. */
const SAMPLE_EVERY_MS = 60_000
const SAMPLES_PER_PERIOD = 60

/** Counts refusals by reason and keeps a bounded sample of the hostile ones, so that a flood fills nothing. */
export type Refusals = {
  refuse(reason: Refusal, address: DeviceAddress | null, topic: string, payload: Uint8Array): void
}

export function createRefusals(options: {
  registry: Registry
  clock: Clock
  hostile: (sample: HostileSample) => void
}): Refusals {
  const counter = new Counter({
    name: 'vigia_ingest_refused_total',
    help: 'Messages of devices that were not accepted, by reason',
    labelNames: ['reason'],
    registers: [options.registry],
  })
  let periodStartMs = -Infinity
  const sampled = new Set<string>()
  return {
    refuse(reason, address, topic, payload) {
      counter.inc({ reason })
      if (ORDINARY.has(reason)) return
      const nowMs = options.clock()
      if (Math.abs(nowMs - periodStartMs) >= SAMPLE_EVERY_MS) {
        periodStartMs = nowMs
        sampled.clear()
      }
      const key = `${reason} ${address?.client ?? ''}/${address?.device ?? ''}`
      if (sampled.has(key) || sampled.size >= SAMPLES_PER_PERIOD) return
      sampled.add(key)
      options.hostile({
        atMs: nowMs,
        client: address?.client ?? null,
        device: address?.device ?? null,
        reason,
        topic: topic.slice(0, HEAD_BYTES),
        bytes: payload.length,
        head: payload.slice(0, HEAD_BYTES),
      })
    },
  }
}
