import { FIRING, INACTIVE } from '../alert.ts'
import { BREACH, CLEAR, type Verdict } from '../detector.ts'
import { exactLabels } from '../language/matcher.ts'
import { eachEntry } from './bind.ts'
import { evidenceOf, seriesText, transitionOf } from './evidence.ts'
import { advance, type Run } from './judge.ts'
import type { Binding, DeviceState, EngineState, Links, PlanSeries, RunningRule } from './state.ts'

/** A value counts while it is younger than this and than four of its gaps. */
const SHORTEST_FRESH_MS = 120_000
const FRESH_GAPS = 4
const NONE: readonly number[] = []
const MAIN_LINK: Links[number] = { kind: 'main', isLeast: false, rules: NONE, slots: NONE }

/** Judges the composite rules of a report, each after those that it looks at. */
export function observeComposites(run: Run, binding: Binding, timeMs: number): void {
  const { plan } = binding
  const { composites } = plan
  if (composites.length === 0) return
  binding.links ??= linksOf(run.state, run.device, binding)
  for (let at = 0; at < composites.length; at += 2) {
    const series = composites[at] as number
    const slot = binding.seriesSlots[series] as number
    // Its main series had a value in this very report.
    if (run.state.series.slab.columns.lastMs[slot] !== timeMs) continue
    judge(run, {
      binding,
      series,
      entry: composites[at + 1] as number,
      timeMs,
      links: binding.links[at / 2] as Links,
    })
  }
}

function judge(
  { state, device, out }: Run,
  at: { binding: Binding; series: number; entry: number; timeMs: number; links: Links },
): void {
  const { binding, timeMs, links } = at
  const running = state.rules[binding.plan.rules[at.entry] as number]
  if (running === undefined || running.composite === null) return
  const { bank, values } = running.composite
  const slot = binding.entrySlots[at.entry] as number
  const seriesSlot = binding.seriesSlots[at.series] as number
  const value = state.series.newest(seriesSlot)
  for (let index = 0; index < links.length; index++) {
    const link = links[index] as Links[number]
    values[index] =
      link.kind === 'main'
        ? value
        : link.kind === 'rule'
          ? isAnyFiring(state, link)
          : furthest(state, link, timeMs)
  }
  const verdict: Verdict = bank.step(slot, timeMs, value, values)
  const { phase, clearMs } = running.alerts.columns
  if (phase[slot] === INACTIVE && verdict !== BREACH) return
  if (phase[slot] === FIRING && verdict !== CLEAR && clearMs[slot] === 0) return
  const gapMs = state.series.lastGapMs(seriesSlot)
  const usualGapMs = state.series.gapBeforeMs(seriesSlot)
  const kind = advance(device, running, slot, { verdict, timeMs, gapMs, usualGapMs })
  if (kind === null) return
  const { metric, labels, unit } = binding.plan.series[at.series] as PlanSeries
  const finding = bank.explain(slot, { timeMs, value, unit })
  const evidence = evidenceOf(finding, seriesText(metric, labels), state.series.points(seriesSlot))
  out.push(transitionOf(running, device.context, { kind, atMs: timeMs, slot, labels, evidence }))
}

/** 1 when one of the alerts fires, 0 when none does, NaN when there is none. */
function isAnyFiring({ rules: all }: EngineState, { rules, slots }: Links[number]): number {
  for (let index = 0; index < slots.length; index++) {
    const running = all[rules[index] as number]
    if (running?.alerts.columns.phase[slots[index] as number] === FIRING) return 1
  }
  return slots.length === 0 ? NaN : 0
}

/** The largest of the newest values that are not too old, or the smallest; NaN when there is none. */
function furthest({ series }: EngineState, { slots, isLeast }: Links[number], timeMs: number): number {
  const { lastMs } = series.slab.columns
  let found = NaN
  for (let index = 0; index < slots.length; index++) {
    const slot = slots[index] as number
    const ageMs = timeMs - (lastMs[slot] as number)
    if (ageMs > SHORTEST_FRESH_MS && ageMs > FRESH_GAPS * series.lastGapMs(slot)) continue
    const value = series.newest(slot)
    if (!(isLeast ? value >= found : value <= found)) found = value
  }
  return found
}

/** What each composite entry of a binding looks at among all that the device has. */
function linksOf(state: EngineState, device: DeviceState, binding: Binding): Links[] {
  const { composites, series: all, rules } = binding.plan
  return Array.from({ length: composites.length / 2 }, (_, pair) => {
    const at = 2 * pair
    const { labels } = all[composites[at] as number] as PlanSeries
    const { composite } = state.rules[rules[composites[at + 1] as number] as number] as RunningRule
    return (composite?.operands ?? []).map(({ operand, matches }) => {
      switch (operand.kind) {
        case 'main':
          return MAIN_LINK
        case 'series': {
          const isMeant = (series: PlanSeries): boolean => matches(series) && agree(labels, series.labels)
          return seriesLink(device, isMeant, operand.take === 'min')
        }
        case 'rule':
          return ruleLink(state, device, operand.rule, labels)
        default:
          return operand satisfies never
      }
    })
  })
}

function seriesLink(
  { bindings }: DeviceState,
  isMeant: (series: PlanSeries) => boolean,
  isLeast: boolean,
): Links[number] {
  const slots = new Set<number>()
  for (const { plan, seriesSlots } of bindings)
    plan.series.forEach((series, at) => {
      if (isMeant(series)) slots.add(seriesSlots[at] as number)
    })
  return {
    kind: 'series',
    isLeast,
    rules: NONE,
    slots: Array.from(slots),
  }
}

function ruleLink(
  state: EngineState,
  device: DeviceState,
  name: string,
  labels: Readonly<Record<string, string>>,
): Links[number] {
  const found = new Map<string, [number, number]>()
  const isMeant = (rule: number): boolean => state.rules[rule]?.rule.spec.name === name
  eachEntry(device, (rule, slot, series) => {
    if (isMeant(rule) && agree(labels, series.labels)) found.set(`${rule}|${slot}`, [rule, slot])
  })
  for (const { rule, slot } of [...device.watches, ...device.vectors]) {
    const signal = state.rules[rule]?.rule.spec.signal
    if (signal !== undefined && isMeant(rule) && agree(labels, exactLabels(signal)))
      found.set(`${rule}|${slot}`, [rule, slot])
  }
  const pairs = [...found.values()]
  return {
    kind: 'rule',
    isLeast: false,
    rules: pairs.map(([rule]) => rule),
    slots: pairs.map(([, slot]) => slot),
  }
}

/** Whether labels that both have say the same. */
function agree(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return Object.entries(a).every(([name, value]) => b[name] === undefined || b[name] === value)
}
