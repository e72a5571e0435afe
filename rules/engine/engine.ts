import type { CoverageRow } from '../../contract/coverage.ts'
import type { AlertState, AlertTransition } from '../../contract/rules.ts'
import { FIRING, INACTIVE } from '../alert.ts'
import { type CompiledRule, fingerprintOf } from '../language/compiled.ts'
import { exactLabels } from '../language/matcher.ts'
import type { DeviceContext } from '../selector.ts'
import { eachEntry, unbind } from './bind.ts'
import { coverageOf, type CoverageQuery } from './coverage/coverage.ts'
import { deviceOf, type ObservedReport, observeReport } from './observe.ts'
import { restoreState } from './snapshot/restore.ts'
import { snapshotState } from './snapshot/snapshot.ts'
import { createState, type EngineState, giveSlot, type RunningRule } from './state.ts'
import { tickState } from './tick.ts'

/** An alert that is pending or firing, and since when. */
type AlertView = {
  rule: string
  ruleVersion: string
  fingerprint: string
  state: AlertState
  sinceMs: number
  metric: string
  labels: Record<string, string>
}

/** How much there is: devices, watched series, (rule, series) pairs, and the bytes of typed arrays behind them. */
type EngineSize = {
  devices: number
  series: number
  entries: number
  bytes: number
}

export type Engine = {
  rules: readonly CompiledRule[]
  /** Evaluates a report; a late one (older than one that was seen) shows only that the device lives. */
  observe(device: DeviceContext, report: ObservedReport, out: AlertTransition[]): void
  /** Judges what is judged by time. To be called at least once a minute, with the server's clock. */
  tick(nowMs: number, out: AlertTransition[]): void
  /** Begins to expect reports of a device that has sent none yet, and learns of a changed site or tag. */
  expect(device: DeviceContext, out: AlertTransition[]): void
  /** Drops a device with its alerts, without transitions. */
  forget(deviceId: string): void
  /** The alerts of a device that are pending or firing. */
  alerts(deviceId: string): AlertView[]
  /**
   * Whether each rule that selects a device is evaluated there right now, and on what; one row for each of them.
   * A device that is not known has none.
   */
  coverage(query: CoverageQuery): CoverageRow[]
  snapshot(): Uint8Array
  /**
   * Takes a snapshot over in place of the present state; the rules may have changed since. Alerts of rules that
   * are gone resolve with the next tick. RangeError when the bytes are no snapshot of this version.
   */
  restore(snapshot: Uint8Array): void
  size(): EngineSize
}

/** An engine over a set of rules. Pure: the only clock is the time that it is told. */
export function createEngine({ rules }: { rules: readonly CompiledRule[] }): Engine {
  let state = createState(rules)
  return {
    rules,
    observe(context, report, out) {
      observeReport({ state, device: deviceOf(state, context, out), out }, report)
    },
    tick: (nowMs, out) => tickState(state, nowMs, out),
    expect(context, out) {
      deviceOf(state, context, out)
    },
    forget: (deviceId) => forget(state, deviceId),
    alerts: (deviceId) => viewAlerts(state, deviceId),
    coverage: (query) => coverageOf(state, query),
    snapshot: () => snapshotState(state),
    restore(snapshot) {
      state = restoreState(rules, snapshot)
    },
    size: () => ({
      devices: state.devices.size,
      series: state.series.slots.inUse(),
      entries: [...state.groups.values()].reduce((sum, { slots }) => sum + slots.inUse(), 0),
      bytes: [...state.groups.values()].reduce(
        (sum, { alerts, bank }) => sum + alerts.bytes() + bank.slab.bytes(),
        state.series.slab.bytes() + state.cohorts.bytes(),
      ),
    }),
  }
}

function forget(state: EngineState, deviceId: string): void {
  const device = state.devices.get(deviceId)
  if (device === undefined) return
  for (const binding of device.bindings) unbind(state, device, binding, () => undefined)
  for (const { rule, slot } of [...device.watches, ...device.vectors])
    giveSlot(state, state.rules[rule], slot)
  state.devices.delete(deviceId)
}

function viewAlerts(state: EngineState, deviceId: string): AlertView[] {
  const device = state.devices.get(deviceId)
  if (device === undefined || device.active === 0) return []
  const views = new Map<string, AlertView>()
  const add = (running: RunningRule | undefined, slot: number, labels: Record<string, string>): void => {
    if (running === undefined || running.alerts.columns.phase[slot] === INACTIVE) return
    const view = viewOf(running, slot, labels)
    views.set(view.fingerprint, view)
  }
  for (const { rule, slot } of [...device.watches, ...device.vectors])
    add(state.rules[rule], slot, exactLabels(state.rules[rule]?.rule.spec.signal ?? { metric: '' }))
  eachEntry(device, (rule, slot, { labels }) => add(state.rules[rule], slot, labels))
  return [...views.values()]
}

function viewOf({ rule, alerts }: RunningRule, slot: number, labels: Record<string, string>): AlertView {
  return {
    rule: rule.spec.name,
    ruleVersion: rule.version,
    fingerprint: fingerprintOf(rule, labels),
    state: alerts.columns.phase[slot] === FIRING ? 'firing' : 'pending',
    sinceMs: alerts.columns.sinceMs[slot] as number,
    metric: rule.spec.signal.metric,
    labels,
  }
}
