import type { Layout } from '../../contract/report.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import { FIRING, INACTIVE } from '../alert.ts'
import { BREACH, CLEAR } from '../detector.ts'
import type { DeviceContext } from '../selector.ts'
import { bind, bindingOf } from './bind.ts'
import { observeComposites } from './composite.ts'
import { evidenceOf, seriesText, transitionOf } from './evidence.ts'
import { advance, endEntry, endWatch, type Run, see } from './judge.ts'
import { noteReport } from './pace.ts'
import { sameContext, selectRules } from './select.ts'
import {
  type Binding,
  createDevice,
  type DeviceState,
  type EngineState,
  isPresence,
  type Plan,
  type PlanSeries,
  type RunningRule,
} from './state.ts'
import { observeVectors } from './vector.ts'

/** A report as the engine takes it: values in the order of the layout; NaN or null is unavailable. */
export type ObservedReport = {
  layout: Layout
  timeMs: number
  values: ArrayLike<number | null>
  late: boolean
}

/** Takes a report in: the device lives; and unless it is late, each watched value is judged. */
export function observeReport(run: Run, { layout, timeMs, values, late }: ObservedReport): void {
  const { state, device } = run
  device.seenMs = state.clock.lastTickMs
  for (const watch of device.watches) {
    const running = state.rules[watch.rule]
    if (running !== undefined && isPresence(running)) see(run, running, watch)
  }
  if (late) return
  const binding =
    bindingOf(device, layout.hash) ??
    bind(state, device, { layout, timeMs }, (entry) =>
      endEntry(run, entry, Math.max(timeMs, device.newestMs)),
    )
  noteReport(device, binding, timeMs)
  evaluate(run, binding, timeMs, values)
  observeComposites(run, binding, timeMs)
  if (device.vectors.length > 0) observeVectors(run, binding, timeMs, values)
  for (const feed of binding.plan.feeds) feedWatch(run, feed, values)
}

function feedWatch(
  run: Run,
  { rule, indices }: Plan['feeds'][number],
  values: ArrayLike<number | null>,
): void {
  const running = run.state.rules[rule]
  if (running === undefined) return
  for (const watch of run.device.watches)
    if (watch.rule === rule)
      for (const index of indices) if (Number.isFinite(values[index])) return see(run, running, watch)
}

/** The state of a device under this context: made, or selected anew when the context changed. */
export function deviceOf(state: EngineState, context: DeviceContext, out: AlertTransition[]): DeviceState {
  const known = state.devices.get(context.device)
  if (known !== undefined && sameContext(known.context, context)) return known
  const device = known ?? createDevice(context)
  device.context = context
  state.devices.set(context.device, device)
  selectRules(state, device, (watch) => endWatch({ state, device, out }, watch))
  return device
}

/** The hot loop: tens of nanoseconds a rule and series while nothing changes; allocates only on a change. */
function evaluate(run: Run, binding: Binding, timeMs: number, values: ArrayLike<number | null>): void {
  const { indices, starts, ends, rules: ruleOf } = binding.plan
  if (indices === null) return
  const { seriesSlots, entrySlots } = binding
  const { series, rules } = run.state
  for (let at = 0; at < indices.length; at++) {
    const value = values[indices[at] as number]
    // The difference is NaN for NaN and for both infinities.
    if (value == null || value - value !== 0) continue
    const seriesSlot = seriesSlots[at] as number
    const beforeMs = series.slab.columns.lastMs[seriesSlot] as number
    if (timeMs <= beforeMs) continue
    const end = ends[at] as number
    for (let entry = starts[at] as number; entry < end; entry++) {
      const running = rules[ruleOf[entry] as number] as RunningRule
      const slot = entrySlots[entry] as number
      const verdict = running.bank.step(slot, timeMs, value)
      const columns = running.alerts.columns
      const phase = columns.phase[slot]
      if (phase === INACTIVE && verdict !== BREACH) continue
      if (phase === FIRING && verdict !== CLEAR && columns.clearMs[slot] === 0) continue
      const gapMs = beforeMs === 0 ? 0 : timeMs - beforeMs
      const usualGapMs = series.lastGapMs(seriesSlot)
      const kind = advance(run.device, running, slot, {
        verdict,
        timeMs,
        gapMs,
        usualGapMs,
      })
      if (kind === null) continue
      const { metric, labels, unit } = binding.plan.series[at] as PlanSeries
      const finding = running.bank.explain(slot, { timeMs, value, unit })
      const points = [...series.points(seriesSlot), [timeMs, value] as [number, number]]
      const evidence = evidenceOf(finding, seriesText(metric, labels), points)
      run.out.push(
        transitionOf(running, run.device.context, {
          kind,
          atMs: timeMs,
          slot,
          labels,
          evidence,
        }),
      )
    }
    series.push(seriesSlot, timeMs, value)
  }
}
