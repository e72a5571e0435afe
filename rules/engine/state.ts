import type { SeriesSpec } from '../../contract/report.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import type { Bank } from '../detector.ts'
import { type CompiledRule, createBank } from '../language/compiled.ts'
import type { DeviceContext } from '../selector.ts'
import { createSlab, createSlots, type Slab, type Slots } from '../state/slab.ts'
import { createSeriesStore, type SeriesStore } from './series.ts'

export const ALERT_COLUMNS = {
  phase: { type: 'u8' },
  sinceMs: { type: 'f64' },
  clearMs: { type: 'f64' },
} as const

/** One rule with its state: alerts and detector state share slot numbers. */
export type RunningRule = {
  rule: CompiledRule
  index: number
  bank: Bank
  alerts: Slab<typeof ALERT_COLUMNS>
  slots: Slots
}

/** A watched series of a plan, its text key made once. */
export type PlanSeries = SeriesSpec & { key: string }

/**
 * Which values of a layout which rules look at, shared by all devices with the same layout and the same rules.
 * Entry e of series s lies in starts[s] ≤ e < starts[s + 1]. `feeds` are for rules driven by time: values that
 * count as seen. `indices` is null in a plan that came out of a snapshot: it serves only to hand its slots on.
 */
export type Plan = {
  hash: string
  selection: string
  indices: Int32Array | null
  series: PlanSeries[]
  starts: Int32Array
  rules: Int32Array
  feeds: { rule: number; indices: Int32Array }[]
  users: number
}

/** A plan with one device's slots, and when the device reports this layout. */
export type Binding = {
  plan: Plan
  seriesSlots: Int32Array
  entrySlots: Int32Array
  /** The newest report of this layout, by the device's clock. */
  lastMs: number
  /** The same by the time that the device was awake. */
  awakeMs: number
  /** The usual time between two reports, 0 while unknown. */
  usualGapMs: number
  lastGapMs: number
  /** For how long gaps like the last one have come. */
  regularMs: number
  /** Other bindings of the device that share a series. */
  kin: Binding[]
}

/** A rule driven by time over one device. */
export type Watch = { rule: number; slot: number }

export type DeviceState = {
  context: DeviceContext
  selected: Int32Array
  selection: string
  watches: Watch[]
  /** The layouts that it reports in turn and some that it did before, at most MAX_BINDINGS. */
  bindings: Binding[]
  /** The newest report by the device's clock. */
  newestMs: number
  /** Time that has passed on the device's clock while it reported; what it slept is left out. */
  awakeMs: number
  /** Alerts that are pending or firing. */
  active: number
}

/**
 * `lastTickMs` is the server's clock at the last tick; `observedMs` advances with it but never by more than a
 * minute at once, so that time in which the server itself was down or asleep is nobody's silence.
 */
export type EngineClock = { lastTickMs: number; observedMs: number }

export type EngineState = {
  rules: RunningRule[]
  series: SeriesStore
  devices: Map<string, DeviceState>
  plans: Map<string, Plan>
  clock: EngineClock
  /** Resolutions of alerts whose rule was withdrawn, to be handed on with the next tick. */
  withdrawn: AlertTransition[]
}

/** Empty state for a set of rules. */
export function createState(rules: readonly CompiledRule[]): EngineState {
  return {
    rules: rules.map((rule, index) => ({
      rule,
      index,
      bank: createBank(rule),
      alerts: createSlab(ALERT_COLUMNS),
      slots: createSlots(),
    })),
    series: createSeriesStore(),
    devices: new Map(),
    plans: new Map(),
    clock: { lastTickMs: 0, observedMs: 0 },
    withdrawn: [],
  }
}

/** A zeroed slot of a rule. */
export function takeSlot(running: RunningRule): number {
  const slot = running.slots.take()
  running.alerts.open(slot)
  running.bank.slab.open(slot)
  return slot
}
