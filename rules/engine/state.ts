import type { SeriesSpec } from '../../contract/report.ts'
import { type AlertTransition, DEVICE_REPORT_METRIC } from '../../contract/rules.ts'
import type { CompiledRule } from '../language/compiled.ts'
import type { DeviceContext } from '../selector.ts'

import { type Cohorts, createCohorts } from './cohort.ts'
import { createGroup, type Group } from './group.ts'
import { createSeriesStore, type SeriesStore } from './series.ts'

/**
 * One rule, or one variant of it, with its state. `base` is the place of the rule that it is a variant of. The
 * state is the group's: variants with the same figures of the detector share it.
 */
export type RunningRule = Group & {
  rule: CompiledRule
  index: number
  base: number
}

/** A watched series of a plan, its text key made once. */
export type PlanSeries = SeriesSpec & { key: string }

/**
 * Which values of a layout which rules look at, shared by all devices with the same layout and the same rules.
 * Entry e of series s lies in starts[s] ≤ e < starts[s + 1]; those before ends[s] are judged sample by sample, the
 * others when all of the report is in (`composites`: pairs of series and entry, in the order of judgement).
 * `feeds` are for rules driven by time: values that count as seen; `vectors` for rules over several series.
 * `indices` is null in a plan that came out of a snapshot: it serves only to hand its slots on.
 */
export type Plan = {
  hash: string
  selection: string
  indices: Int32Array | null
  /** All of the layout, to say what there is where nothing matches; empty out of a snapshot. */
  all: readonly SeriesSpec[]
  series: PlanSeries[]
  starts: Int32Array
  ends: Int32Array
  rules: Int32Array
  composites: Int32Array
  feeds: { rule: number; indices: Int32Array }[]
  vectors: { rule: number; indices: Int32Array; keys: string[] }[]
  users: number
}

/**
 * What a composite entry looks at: slots of series, of which the largest or smallest counts, or of alerts (`rules`
 * names the rule of each). Plain arrays: a typed array of three numbers takes ten times their room.
 */
export type Links = {
  kind: 'main' | 'series' | 'rule'
  isLeast: boolean
  rules: readonly number[]
  slots: readonly number[]
}[]

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
  /** For each of the plan's composites what it looks at; null until asked for, and after the device changed. */
  links: Links[] | null
  /** For each of the plan's vectors the place of each value; null until asked for, and after places changed. */
  places: Int32Array[] | null
}

/** A rule driven by time over one device. */
export type Watch = { rule: number; slot: number }

/**
 * A rule over several series of one device: their keys by place, newest values, times and gaps. `dueMs` is the end
 * of the grid interval that is being filled, 0 before the first.
 */
export type VectorWatch = Watch & {
  dueMs: number
  isStepped: boolean
  names: string[]
  /** The unit of each series that the rule's own signal matches, null for the others. */
  mains: (string | null)[]
  values: Float64Array
  timesMs: Float64Array
  gapsMs: Float64Array
}

/** Which rules run on a device; the same object for all devices of which the same is true. */
export type Selection = {
  /** The rules and variants that run on it, and the same as text. */
  selected: Int32Array
  selection: string
  /** Rules (by base) that select it and that it does not run, being switched off. */
  disabled: Int32Array
}

export type DeviceState = Selection & {
  context: DeviceContext
  watches: Watch[]
  vectors: VectorWatch[]
  /** The layouts that it reports in turn and some that it did before, at most MAX_BINDINGS. */
  bindings: Binding[]
  /** The newest report by the device's clock. */
  newestMs: number
  /** Time that has passed on the device's clock while it reported; what it slept is left out. */
  awakeMs: number
  /** The server's clock at the tick before its newest report; 0 before any tick. */
  seenMs: number
  /** Alerts that are pending or firing. */
  active: number
}

/**
 * `lastTickMs` is the server's clock at the last tick; `observedMs` advances with it but never by more than a
 * minute at once, so that time in which the server itself was down or asleep is nobody's silence.
 */
export type EngineClock = { lastTickMs: number; observedMs: number }

export type EngineState = {
  /** The rules as they were loaded, then their variants as devices needed them. */
  rules: RunningRule[]
  bases: number
  /** Variants by base and the overrides that made them; null where they switch the rule off. */
  variants: Map<string, number | null>
  groups: Map<string, Group>
  cohorts: Cohorts
  series: SeriesStore
  devices: Map<string, DeviceState>
  plans: Map<string, Plan>
  /** Every selection that was ever needed, by its text. */
  selections: Map<string, Selection>
  clock: EngineClock
  /** Resolutions of alerts whose rule was withdrawn, to be handed on with the next tick. */
  withdrawn: AlertTransition[]
}

/** Empty state for a set of rules. */
export function createState(rules: readonly CompiledRule[]): EngineState {
  const clock = { lastTickMs: 0, observedMs: 0 }
  const state: EngineState = {
    rules: [],
    bases: rules.length,
    variants: new Map(),
    groups: new Map(),
    cohorts: createCohorts(clock),
    series: createSeriesStore(),
    devices: new Map(),
    plans: new Map(),
    selections: new Map(),
    clock,
    withdrawn: [],
  }
  rules.forEach((rule, base) => addRule(state, rule, base))
  return state
}

/** A device of which nothing is known yet. */
export function createDevice(context: DeviceContext): DeviceState {
  return {
    context,
    selected: new Int32Array(0),
    selection: '',
    disabled: new Int32Array(0),
    watches: [],
    vectors: [],
    bindings: [],
    newestMs: 0,
    awakeMs: 0,
    seenMs: 0,
    active: 0,
  }
}

/** Adds a rule or a variant of one; the figures of its detector say whose state it shares. */
export function addRule(state: EngineState, rule: CompiledRule, base: number): RunningRule {
  const key = `${base}|${rule.stateVersion}`
  const group = state.groups.get(key) ?? createGroup(rule, base, state.cohorts)
  state.groups.set(key, group)
  const running = { ...group, rule, index: state.rules.length, base }
  state.rules.push(running)
  return running
}

/** A place for alerts out of a snapshot whose detector is not the same any more, until their layouts come again. */
export function addOrphan(state: EngineState, base: number, key: string): Group {
  const { rule } = state.rules[base] as RunningRule
  const group = { ...createGroup(rule, base, state.cohorts), stateVersion: '' }
  state.groups.set(key, group)
  state.rules.push({ ...group, rule, index: state.rules.length, base })
  return group
}

/** A zeroed slot of a rule. */
export function takeSlot(running: RunningRule): number {
  const slot = running.slots.take()
  running.alerts.open(slot)
  running.bank.slab.open(slot)
  return slot
}

/** Gives a slot of a rule back. */
export function giveSlot(state: EngineState, running: RunningRule | undefined, slot: number): void {
  if (running === undefined) return
  state.cohorts.leave(running.id, slot)
  running.slots.give(slot)
}

/** Whether a rule waits for reports as such, not for one of their values. */
export function isPresence({ rule }: RunningRule): boolean {
  return rule.spec.signal.metric === DEVICE_REPORT_METRIC
}
