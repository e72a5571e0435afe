import type { AlertTransition } from '../../contract/rules.ts'
import { seriesKey } from '../../contract/wire.ts'
import { type AlertChange, FIRING, INACTIVE, nextAlert, type Observation, type Phase } from '../alert.ts'
import { CLEAR, type Verdict } from '../detector.ts'
import { exactLabels } from '../language/matcher.ts'
import { evidenceOf, seriesText, transitionOf } from './evidence.ts'
import {
  type Binding,
  type DeviceState,
  type EngineState,
  isPresence,
  type RunningRule,
  type Watch,
} from './state.ts'

/** One call of the engine for one device: where changes are read from and handed to. */
export type Run = {
  state: EngineState
  device: DeviceState
  out: AlertTransition[]
}

/** One rule over one series of a binding. */
export type Entry = { binding: Binding; series: number; entry: number }

/** Moves one alert on and writes it back; says what changed. */
export function advance(
  device: DeviceState,
  { rule, alerts }: RunningRule,
  slot: number,
  seen: Observation,
): AlertChange | null {
  const { phase, sinceMs, clearMs } = alerts.columns
  const before = {
    phase: phase[slot] as Phase,
    sinceMs: sinceMs[slot] as number,
    clearMs: clearMs[slot] as number,
  }
  const { alert, change } = nextAlert(before, seen, rule)
  phase[slot] = alert.phase
  sinceMs[slot] = alert.sinceMs
  clearMs[slot] = alert.clearMs
  device.active += Number(alert.phase !== INACTIVE) - Number(before.phase !== INACTIVE)
  return change
}

/**
 * The clock by which a rule driven by time counts; 0 while there is none. Silence of a device counts in the
 * server's observed time; silence of a series in the time that its device was awake and reported.
 */
export function watchClock(state: EngineState, device: DeviceState, running: RunningRule): number {
  if (isPresence(running)) return state.clock.observedMs
  return device.newestMs === 0 ? 0 : device.awakeMs + 1
}

/** A rule driven by time saw what it waits for. */
export function see(run: Run, running: RunningRule, watch: Watch): void {
  const clockMs = watchClock(run.state, run.device, running)
  if (clockMs > 0) running.bank.step(watch.slot, clockMs, 0)
  if (running.alerts.columns.phase[watch.slot] !== INACTIVE)
    judgeWatch(run, running, watch, { clockMs, verdict: CLEAR })
}

/** Moves the alert of a rule driven by time on. */
export function judgeWatch(
  { state, device, out }: Run,
  running: RunningRule,
  { slot }: Watch,
  { clockMs, verdict }: { clockMs: number; verdict: Verdict },
): void {
  const atMs = state.clock.lastTickMs
  const kind = advance(device, running, slot, {
    verdict,
    timeMs: atMs,
    gapMs: 0,
    usualGapMs: 0,
  })
  if (kind === null) return
  const { signal } = running.rule.spec
  const labels = exactLabels(signal)
  const finding = running.bank.explain(slot, {
    timeMs: clockMs,
    value: null,
    unit: 'seconds',
  })
  const evidence = evidenceOf(finding, seriesText(signal.metric, labels), [])
  out.push(transitionOf(running, device.context, { kind, atMs, slot, labels, evidence }))
}

/** Ends an alert whose series is gone: what is not there cannot be in breach. */
export function endEntry({ state, device, out }: Run, { binding, series, entry }: Entry, atMs: number): void {
  const running = state.rules[binding.plan.rules[entry] as number]
  const spec = binding.plan.series[series]
  if (running === undefined || spec === undefined) return
  const slot = binding.entrySlots[entry] as number
  const kind = endAlert(device, running, slot)
  if (kind === null) return
  const says = isSelected(state, device, running)
    ? 'is no longer reported by the device'
    : 'is no longer watched by this rule'
  const finding = {
    value: null,
    unit: spec.unit,
    threshold: null,
    forecast: null,
    says,
  }
  const points = state.series.points(binding.seriesSlots[series] as number)
  const evidence = evidenceOf(finding, seriesText(spec.metric, spec.labels), points)
  // The rule may watch another metric by now: the alert ends under the name that it began with.
  const { metric, labels } = spec
  const fingerprint = `${running.rule.spec.name}|${seriesKey(metric, labels)}`
  const transition = transitionOf(running, device.context, {
    kind,
    atMs,
    slot,
    labels,
    evidence,
  })
  out.push({ ...transition, metric, fingerprint })
}

function isSelected({ rules }: EngineState, { selected }: DeviceState, { base }: RunningRule): boolean {
  return selected.some((index) => rules[index]?.base === base)
}

/** Ends the alert of a rule over a device that no longer selects it, or whose series are gone. */
export function endWatch({ state, device, out }: Run, { rule, slot }: Watch): void {
  const running = state.rules[rule]
  const kind = running === undefined ? null : endAlert(device, running, slot)
  if (running === undefined || kind === null) return
  const { signal } = running.rule.spec
  const labels = exactLabels(signal)
  const says = isSelected(state, device, running)
    ? 'is no longer reported by the device'
    : 'is no longer watched by this rule'
  const finding = {
    value: null,
    unit: 'seconds',
    threshold: null,
    forecast: null,
    says,
  }
  const evidence = evidenceOf(finding, seriesText(signal.metric, labels), [])
  out.push(
    transitionOf(running, device.context, {
      kind,
      atMs: state.clock.lastTickMs,
      slot,
      labels,
      evidence,
    }),
  )
}

function endAlert(device: DeviceState, { alerts }: RunningRule, slot: number): AlertChange | null {
  const phase = alerts.columns.phase[slot]
  if (phase === INACTIVE) return null
  alerts.columns.phase[slot] = INACTIVE
  alerts.columns.sinceMs[slot] = 0
  alerts.columns.clearMs[slot] = 0
  device.active--
  return phase === FIRING ? 'resolved' : 'cancelled'
}
