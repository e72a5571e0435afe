import { COVERAGE_STATES, type CoverageRow, type CoverageState } from '../../../contract/coverage.ts'
import type { SeriesSpec } from '../../../contract/report.ts'
import { spanText } from '../../duration.ts'
import { coverVector, coverWatch } from './device.ts'
import { noSeries, nothing, SHOWN_SERIES, staleAfterMs, type Verdict } from './verdict.ts'
import { seriesText } from '../evidence.ts'
import { isFresh } from '../pace.ts'
import type { DeviceState, EngineState, RunningRule } from '../state.ts'

/** What is asked: one device or all, one rule or all. `nowMs` is the server's clock. */
export type CoverageQuery = { nowMs: number; device?: string; rule?: string }

type Judged = 'evaluated' | 'learning' | 'unavailable' | 'stale'
/** What was found of one rule over the series of a device. */
type Found = {
  matched: number
  newestMs: number
  series: string[]
  by: Record<Judged, number>
  learning: string
  limitMs: number
}

/** Whether each rule that selects a device is evaluated there at this moment, and on what. One row a rule. */
export function coverageOf(state: EngineState, { nowMs, device, rule }: CoverageQuery): CoverageRow[] {
  const rows: CoverageRow[] = []
  const one = device === undefined ? undefined : state.devices.get(device)
  const devices = device === undefined ? state.devices.values() : one === undefined ? [] : [one]
  for (const each of devices) coverDevice(state, each, { nowMs, rule, rows })
  return rows
}

/** How many devices there are in each state, by rule, in the order of the rows. */
export function coverageSummary(
  rows: Iterable<CoverageRow>,
): { rule: string; counts: Record<CoverageState, number> }[] {
  const byRule = new Map<string, Record<CoverageState, number>>()
  for (const { rule, state } of rows) {
    const counts =
      byRule.get(rule) ??
      (Object.fromEntries(COVERAGE_STATES.map((name) => [name, 0])) as Record<CoverageState, number>)
    counts[state]++
    byRule.set(rule, counts)
  }
  return [...byRule].map(([rule, counts]) => ({ rule, counts }))
}

function coverDevice(
  state: EngineState,
  device: DeviceState,
  { nowMs, rule: only, rows }: { nowMs: number; rule: string | undefined; rows: CoverageRow[] },
): void {
  const silentMs = device.seenMs > 0 ? Math.max(0, nowMs - device.seenMs) : 0
  const found = findEntries(state, device, { nowMs, only })
  const add = (running: RunningRule, verdict: Verdict): void => {
    rows.push({
      rule: running.rule.spec.name,
      ruleVersion: running.rule.version,
      client: device.context.client,
      device: device.context.device,
      ...verdict,
    })
  }
  for (const index of device.selected) {
    const running = state.rules[index]
    if (running === undefined || (only !== undefined && running.rule.spec.name !== only)) continue
    const { driven } = running.rule.detector
    if (driven === 'time') add(running, coverWatch(state, device, running, silentMs))
    else if (driven === 'vector') add(running, coverVector(device, running, silentMs))
    else add(running, coverSeries(device, running, found.get(running.base), ageBase(device, nowMs)))
  }
  for (const base of device.disabled) {
    const running = state.rules[base]
    if (running === undefined || (only !== undefined && running.rule.spec.name !== only)) continue
    add(running, {
      ...nothing,
      state: 'disabled',
      why: running.rule.spec.enabled
        ? 'An override switches this rule off for this device.'
        : 'This rule is switched off.',
      next: `See "vigia rules explain --device ${device.context.device}".`,
    })
  }
}

/** Age of a sample: by the device's clock up to its newest report, and by the server's since then. */
function ageBase(device: DeviceState, nowMs: number): (sampleMs: number) => number {
  if (device.seenMs === 0) return (sampleMs) => Math.max(0, nowMs - sampleMs)
  const silentMs = Math.max(0, nowMs - device.seenMs)
  return (sampleMs) => Math.max(0, device.newestMs - sampleMs) + silentMs
}

function findEntries(
  state: EngineState,
  device: DeviceState,
  { nowMs, only }: { nowMs: number; only: string | undefined },
): Map<number, Found> {
  const found = new Map<number, Found>()
  const ageOf = ageBase(device, nowMs)
  const { lastMs } = state.series.slab.columns
  const seen = new Set<number>()
  const bindings =
    device.bindings.length > 1 ? device.bindings.toSorted((a, b) => b.lastMs - a.lastMs) : device.bindings
  for (const binding of bindings) {
    // A layout that should have come again is gone, and with it what no other layout has.
    if (device.bindings.length > 1 && !isFresh(device, binding)) continue
    const { plan, seriesSlots, entrySlots } = binding
    const limitMs = staleAfterMs(binding)
    for (let at = 0; at < plan.series.length; at++) {
      const seriesSlot = seriesSlots[at] as number
      if (seen.has(seriesSlot)) continue
      seen.add(seriesSlot)
      const sampleMs = lastMs[seriesSlot] as number
      for (let entry = plan.starts[at] as number; entry < (plan.starts[at + 1] as number); entry++) {
        const running = state.rules[plan.rules[entry] as number]
        if (running === undefined || (only !== undefined && running.rule.spec.name !== only)) continue
        const of = found.get(running.base) ?? newFound(limitMs)
        found.set(running.base, of)
        of.matched++
        of.newestMs = Math.max(of.newestMs, sampleMs)
        of.limitMs = limitMs
        if (of.series.length < SHOWN_SERIES) {
          const { metric, labels } = plan.series[at] as SeriesSpec
          of.series.push(seriesText(metric, labels))
        }
        const slot = entrySlots[entry] as number
        if (sampleMs === 0 || sampleMs < binding.lastMs) of.by.unavailable++
        else if (ageOf(sampleMs) > limitMs) of.by.stale++
        else judgeSlot(running, slot, of)
      }
    }
  }
  return found
}

function judgeSlot({ bank, composite }: RunningRule, slot: number, of: Found): void {
  const missing = (composite?.bank ?? bank).learning?.(slot) ?? null
  if (missing === null) of.by.evaluated++
  else {
    of.learning = missing
    // What a composite rule lacks is not history but a value of another series.
    if (composite === null) of.by.learning++
    else of.by.unavailable++
  }
}

function newFound(limitMs: number): Found {
  return {
    matched: 0,
    newestMs: 0,
    series: [],
    by: { evaluated: 0, learning: 0, unavailable: 0, stale: 0 },
    learning: '',
    limitMs,
  }
}

function coverSeries(
  device: DeviceState,
  running: RunningRule,
  found: Found | undefined,
  ageOf: (sampleMs: number) => number,
): Verdict {
  if (found === undefined) return noSeries(device, running)
  const { matched, by, newestMs, series, learning, limitMs } = found
  const common = {
    matched,
    evaluated: by.evaluated,
    newestMs: newestMs === 0 ? null : newestMs,
    series,
  }
  const of = matched === 1 ? 'its series' : `${matched} series`
  const age = newestMs === 0 ? 'never' : `${spanText(ageOf(newestMs))} ago`
  if (by.evaluated > 0)
    return {
      ...common,
      state: 'evaluated',
      why: `Evaluated on ${by.evaluated} of ${matched} series, the newest sample ${age}.`,
      next: '',
    }
  if (by.learning > 0)
    return {
      ...common,
      state: 'learning',
      why: `Still learning: ${learning}.`,
      next: 'It will be evaluated when there is enough history.',
    }
  if (by.unavailable > 0)
    return {
      ...common,
      state: 'unavailable',
      why:
        learning === ''
          ? `The newest report has no value of ${of}; ${age === 'never' ? 'none ever had one' : `the last was ${age}`}.`
          : `The rule also needs what is not known here now: ${learning}.`,
      next: 'See what the collector says: the device page lists what is unavailable and why.',
    }
  return {
    ...common,
    state: 'stale',
    why: `The newest sample of ${of} is from ${age}; more than ${spanText(limitMs)} is too old.`,
    next: 'See whether the device is online, and whether its clock is right.',
  }
}
