import type { DevicePolicy } from '../../contract/down.ts'
import { VigiaError } from '../../contract/errors.ts'
import { LIMITS } from '../../contract/limits.ts'
import type { FactKind, SeriesSpec } from '../../contract/report.ts'
import { runProgram } from '../inventory/program.ts'
import { allCollectors } from './all.ts'
import type { CollectLog } from '../log.ts'
import type { CollectContext, Collector, OutboxFigures } from './collector.ts'
import { createReader, statFileSystem } from './source/read.ts'
import { probesOf } from './source/probes.ts'
import { createSegment, type Segment } from './segment.ts'
import { windowsPosture, type RunProgram } from './source/windows-posture.ts'

/** What one cycle of one interval read. `values` belong to `series` by place; NaN means unavailable. */
export type CycleReport = {
  /** The same array until `changed`: the layout and its hash may be kept with it. */
  series: readonly SeriesSpec[]
  values: number[]
  /** The series differ from those of the cycle before of this interval (or this is the first). */
  changed: boolean
  /** Documents that differ from those handed over before. */
  facts: { kind: FactKind; document: object }[]
}

export type Cycle = {
  /** Interval in seconds → names of the collectors that run at it, the shortest interval first. */
  groups(): Map<number, string[]>
  /** One cycle of the collectors of an interval. Refuses (INTERNAL) an interval that the policy does not have. */
  run(nowMs: number, intervalS: number): Promise<CycleReport>
  /** Takes a new policy; true when the groups differ, so that the schedule must be laid again. */
  setPolicy(policy: DevicePolicy): boolean
  /** Hands every document over again, as after the server has lost them. */
  forgetFacts(): void
}

export type CycleOptions = {
  policy: DevicePolicy
  log: CollectLog
  collectors?: readonly Collector[]
  /** The root of /proc and /sys, for tests. */
  root?: string
  dataDir?: string
  ntpServer?: string
  outbox?: () => OutboxFigures
  monotonicMs?: () => number
  statfs?: CollectContext['statfs']
  arch?: string
  platform?: NodeJS.Platform
  program?: RunProgram
}

type Layouts = Map<number, { members: Segment[]; series: SeriesSpec[] }>

/**
 * Which collectors run at which interval (seconds): what the policy names for the collector itself, else the
 * policy's interval, but not more often than the collector's own.
 */
export function groups(
  policy: DevicePolicy,
  collectors: readonly Collector[] = allCollectors,
): Map<number, string[]> {
  const byInterval = new Map<number, string[]>()
  for (const { name, intervalS } of collectors) {
    const interval = policy.collectorIntervalS[name] ?? Math.max(policy.intervalS, intervalS ?? 0)
    byInterval.set(interval, [...(byInterval.get(interval) ?? []), name])
  }
  return new Map([...byInterval].sort(([a], [b]) => a - b))
}

/**
 * Runs the collectors. Each interval has its own layout and report, so a slow collector never repeats an old value.
 * The state of a collector (counters of the cycle before) survives a change of the policy.
 */
export function createCycle(options: CycleOptions): Cycle {
  const collectors = options.collectors ?? allCollectors
  let policy = options.policy
  const root = options.root ?? '/'
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  const platform = options.platform ?? process.platform
  const program = options.program ?? runProgram
  const context: CollectContext = {
    reader: createReader(root),
    statfs: options.statfs ?? statFileSystem,
    policy: () => policy,
    monotonicMs,
    log: options.log,
    arch: options.arch ?? process.arch,
    dataDir: options.dataDir,
    ntpServer: options.ntpServer,
    outbox: options.outbox ?? (() => undefined),
    platform,
    program,
    windows: windowsPosture({ platform, program, monotonicMs }),
    probes: probesOf(options.dataDir, options.log),
  }
  const factTexts = new Map<FactKind, string>()
  let facts: CycleReport['facts'] = []
  const onFact = (kind: FactKind, document: object): void => {
    const text = JSON.stringify(document)
    if (factTexts.get(kind) === text) return
    factTexts.set(kind, text)
    facts.push({ kind, document })
  }
  const segments = new Map(
    collectors.map((collector) => [collector.name, createSegment({ collector, context, onFact })]),
  )
  let byInterval = groups(policy, collectors)
  let layouts: Layouts = new Map()

  const membersOf = (intervalS: number): Segment[] =>
    (byInterval.get(intervalS) ?? []).flatMap((name) => segments.get(name) ?? [])

  const lay = (into: Layouts, intervalS: number, members: Segment[]): SeriesSpec[] => {
    const all = members.flatMap((segment) => segment.series())
    if (all.length > LIMITS.seriesPerLayout)
      options.log.warn('more series than a layout holds; the last ones are left out', {
        intervalS,
        series: all.length,
        kept: LIMITS.seriesPerLayout,
      })
    const series = all.slice(0, LIMITS.seriesPerLayout)
    into.set(intervalS, { members, series })
    return series
  }

  return {
    groups: () => byInterval,
    async run(nowMs, intervalS) {
      // A policy that comes while a collector waits for its answer must not inherit this cycle's layout.
      const own = layouts
      const known = own.get(intervalS)
      const members = known?.members ?? membersOf(intervalS)
      if (members.length === 0)
        throw new VigiaError('INTERNAL', `No collector runs each ${String(intervalS)} s under this policy`)
      if (members.some((segment) => segment.prepares))
        await Promise.all(members.map((segment) => segment.prepare(nowMs)))
      facts = []
      let changed = known === undefined
      for (const segment of members) changed = segment.collect(nowMs) || changed
      const series = changed ? lay(own, intervalS, members) : (known?.series ?? [])
      const values: number[] = []
      for (const segment of members) segment.copyValues(values)
      values.length = series.length
      return { series, values, changed, facts }
    },
    setPolicy(next) {
      const before = JSON.stringify([...byInterval])
      policy = next
      byInterval = groups(policy, collectors)
      if (JSON.stringify([...byInterval]) === before) return false
      layouts = new Map()
      return true
    },
    forgetFacts: () => factTexts.clear(),
  }
}
