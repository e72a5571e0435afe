import type { DevicePolicy } from '../../contract/down.ts'
import type { MetricName } from '../../contract/metrics.ts'
import type { FactKind } from '../../contract/report.ts'
import type { CollectLog } from '../log.ts'
import type { Probes } from './source/probes.ts'
import type { FileSystemStat, Reader } from './source/read.ts'
import type { RunProgram, WindowsPosture } from './source/windows-posture.ts'

/** The labels of a series. A collector keeps and hands over the same object each cycle, which makes the cycle cheap. */
export type Labels = Readonly<Record<string, string>>
export const NO_LABELS: Labels = Object.freeze({})

/** Where a collector puts what it read, in the same order each cycle. */
export type Sink = {
  /** One value in the metric's unit. Undefined and NaN mean unavailable; never hand over zero for unknown. */
  set(metric: MetricName, labels: Labels, value: number | undefined): void
  /** A document that replaces the one before of its kind. The cycle hands it on only when it has changed. */
  fact(kind: FactKind, document: object): void
}

/** What waits in the agent's outbox; the agent's own figures are read through this. */
export type OutboxFigures = { reports: number; dropped: number; diskFull: boolean }

/** Everything that a collector may use. The policy may change between two cycles. */
export type CollectContext = {
  reader: Reader
  statfs: (path: string) => FileSystemStat | undefined
  policy: () => DevicePolicy
  /** Milliseconds that never jump: rates are taken over these. */
  monotonicMs: () => number
  log: CollectLog
  /** Node's name of the CPU architecture (x64, arm64); some binary formats depend on it. */
  arch: string
  /** Where the device keeps its own service definitions (services.d/*.json). */
  dataDir: string | undefined
  /** host or host:port of the time server that the device's configuration names. */
  ntpServer: string | undefined
  outbox: () => OutboxFigures | undefined
  platform: NodeJS.Platform
  /** Runs a program; only in `prepare`, and only in collectors of 300 s or more. */
  program: RunProgram
  /** What Windows says of its protection; undefined elsewhere. Asked once for all collectors. */
  windows: () => Promise<WindowsPosture | undefined>
  /** What the device's probes.json names. */
  probes: () => Probes
}

/** A collector at work: holds what it needs from one cycle to the next. */
export type Collecting = {
  /** Reads and hands over. Synchronous, forks nothing. A throw marks the collector as failed; others go on. */
  collect(sink: Sink, nowMs: number): void
  /**
   * For what takes an answer of the network or of a program: runs before `collect` of the same cycle and bounds its
   * own time.
   */
  prepare?(nowMs: number): Promise<void>
}

/** A unit of collection: one file, named as the unit, listed in all.ts. */
export type Collector = {
  name: string
  /** Not more often than this, unless the policy names the collector; the policy's interval otherwise. */
  intervalS?: number
  /** Every metric that it may hand over. */
  metrics: readonly MetricName[]
  create(context: CollectContext): Collecting
}

/** Counter to rate per second; unavailable on the first cycle, after a reset, and when no time has passed. */
export function rate(
  now: number | undefined,
  before: number | undefined,
  elapsedS: number,
): number | undefined {
  if (now === undefined || before === undefined || now < before || elapsedS <= 0) return undefined
  return (now - before) / elapsedS
}
