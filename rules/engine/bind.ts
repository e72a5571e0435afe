import type { Layout } from '../../contract/report.ts'
import { seriesKey } from '../../contract/wire.ts'
import { compileSignal } from '../language/matcher.ts'
import type { DeviceContext } from '../selector.ts'
import { inheritPace, leastUsed, linkKin, unlinkKin } from './pace.ts'
import {
  type Binding,
  type DeviceState,
  type EngineState,
  type Plan,
  type PlanSeries,
  takeSlot,
  type Watch,
} from './state.ts'

/** Layouts of a device whose series keep their state; the one unused for longest by its own pace gives way. */
const MAX_BINDINGS = 16

/** Called for each entry whose slot is about to be given back, while its alert can still be read. */
export type OnDrop = (entry: { binding: Binding; series: number; entry: number }) => void

/** The rules that select a device, and its watches; keeps the state of watches that go on. */
export function selectRules(state: EngineState, device: DeviceState, onDrop: (watch: Watch) => void): void {
  const selected = state.rules.filter(({ rule }) => rule.selects(device.context)).map(({ index }) => index)
  device.selected = Int32Array.from(selected)
  device.selection = selected.join(',')
  const kept = new Map(device.watches.map((watch) => [watch.rule, watch]))
  device.watches = state.rules
    .filter(({ rule, index }) => rule.detector.driven === 'time' && selected.includes(index))
    .map((running) => kept.get(running.index) ?? { rule: running.index, slot: takeSlot(running) })
  for (const watch of kept.values())
    if (!device.watches.includes(watch)) {
      onDrop(watch)
      state.rules[watch.rule]?.slots.give(watch.slot)
    }
}

/** Whether two contexts say the same of a device. */
export function sameContext(a: DeviceContext, b: DeviceContext): boolean {
  return (
    a === b ||
    (a.client === b.client &&
      a.hostname === b.hostname &&
      a.os === b.os &&
      a.arch === b.arch &&
      a.site === b.site &&
      a.tags.length === b.tags.length &&
      a.tags.every((tag, index) => tag === b.tags[index]))
  )
}

/** The binding of a device to a layout under its present selection, if there is one. Allocates nothing. */
export function bindingOf({ bindings, selection }: DeviceState, hash: string): Binding | undefined {
  for (const binding of bindings) {
    const { plan } = binding
    if (plan.hash === hash && plan.indices !== null && plan.selection === selection) return binding
  }
  return undefined
}

/** Binds a device to a layout that `bindingOf` does not know, with the state of series that the device has. */
export function bind(state: EngineState, device: DeviceState, layout: Layout, onDrop: OnDrop): Binding {
  const plan = planFor(state, device, layout)
  const { seriesSlots, entrySlots } = knownSlots(device)
  const binding: Binding = {
    plan,
    seriesSlots: Int32Array.from(plan.series, ({ key }) => seriesSlots.get(key) ?? state.series.take()),
    entrySlots: new Int32Array(plan.rules.length),
    lastMs: 0,
    awakeMs: device.awakeMs,
    usualGapMs: 0,
    lastGapMs: 0,
    regularMs: 0,
    kin: [],
  }
  plan.series.forEach(({ key }, series) => {
    for (let entry = plan.starts[series] as number; entry < (plan.starts[series + 1] as number); entry++) {
      const rule = plan.rules[entry] as number
      const running = state.rules[rule]
      if (running !== undefined)
        binding.entrySlots[entry] = entrySlots.get(`${rule}|${key}`) ?? takeSlot(running)
    }
  })
  plan.users++
  linkKin(binding, device.bindings)
  device.bindings.push(binding)
  // The same layout out of a snapshot, or under a selection that changed, has handed its slots on.
  const stale = device.bindings.find((other) => other !== binding && other.plan.hash === layout.hash)
  if (stale !== undefined) {
    inheritPace(binding, stale)
    unbind(state, device, stale, onDrop)
  }
  const surplus = device.bindings.length > MAX_BINDINGS ? leastUsed(device, binding) : undefined
  if (surplus !== undefined) unbind(state, device, surplus, onDrop)
  return binding
}

/** Takes a binding from a device and gives back the slots that no other binding of the device uses. */
export function unbind(state: EngineState, device: DeviceState, binding: Binding, onDrop: OnDrop): void {
  device.bindings = device.bindings.filter((other) => other !== binding)
  unlinkKin(binding)
  const { seriesSlots, entrySlots } = knownSlots(device)
  const { plan } = binding
  plan.series.forEach(({ key }, series) => {
    for (let entry = plan.starts[series] as number; entry < (plan.starts[series + 1] as number); entry++) {
      const rule = plan.rules[entry] as number
      if (entrySlots.has(`${rule}|${key}`)) continue
      onDrop({ binding, series, entry })
      state.rules[rule]?.slots.give(binding.entrySlots[entry] as number)
    }
    if (!seriesSlots.has(key)) state.series.slots.give(binding.seriesSlots[series] as number)
  })
  plan.users--
  const key = planKey(plan.hash, plan.selection)
  if (plan.users === 0 && state.plans.get(key) === plan) state.plans.delete(key)
}

/** Series and entries of a device that have state, by `key` and `RULE|key`. */
function knownSlots(device: DeviceState): {
  seriesSlots: Map<string, number>
  entrySlots: Map<string, number>
} {
  const seriesSlots = new Map<string, number>()
  const entrySlots = new Map<string, number>()
  for (const { plan, seriesSlots: series, entrySlots: entries } of device.bindings)
    plan.series.forEach(({ key }, index) => {
      seriesSlots.set(key, series[index] as number)
      for (let entry = plan.starts[index] as number; entry < (plan.starts[index + 1] as number); entry++)
        entrySlots.set(`${plan.rules[entry]}|${key}`, entries[entry] as number)
    })
  return { seriesSlots, entrySlots }
}

function planKey(hash: string, selection: string): string {
  return `${hash}|${selection}`
}

function planFor(state: EngineState, device: DeviceState, layout: Layout): Plan {
  const key = planKey(layout.hash, device.selection)
  const known = state.plans.get(key)
  if (known !== undefined) return known
  const selected = [...device.selected].flatMap((index) => state.rules[index] ?? [])
  const bySample = selected.filter(({ rule }) => rule.detector.driven === 'samples')
  const series: PlanSeries[] = []
  const indices: number[] = []
  const rules: number[] = []
  const starts = [0]
  layout.series.forEach((spec, index) => {
    const watching = bySample.filter(({ rule }) => rule.watches(spec))
    if (watching.length === 0) return
    series.push({ ...spec, key: seriesKey(spec.metric, spec.labels) })
    indices.push(index)
    rules.push(...watching.map((running) => running.index))
    starts.push(rules.length)
  })
  const feeds = selected
    .filter(({ rule }) => rule.detector.driven === 'time')
    .map(({ rule, index }) => {
      const matches = compileSignal(rule.spec.signal)
      const fed = layout.series.flatMap((spec, at) => (matches(spec) ? [at] : []))
      return { rule: index, indices: Int32Array.from(fed) }
    })
    .filter(({ indices }) => indices.length > 0)
  const plan: Plan = {
    hash: layout.hash,
    selection: device.selection,
    indices: Int32Array.from(indices),
    series,
    starts: Int32Array.from(starts),
    rules: Int32Array.from(rules),
    feeds,
    users: 0,
  }
  state.plans.set(key, plan)
  return plan
}
