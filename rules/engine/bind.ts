import type { Layout } from '../../contract/report.ts'
import { INACTIVE } from '../alert.ts'
import { inheritPace, leastUsed, linkKin, unlinkKin } from './pace.ts'
import { planFor, planKey } from './plan.ts'
import { forgetLinks, moveAlert } from './select.ts'
import {
  type Binding,
  type DeviceState,
  type EngineState,
  giveSlot,
  type PlanSeries,
  type RunningRule,
  takeSlot,
} from './state.ts'

/** Layouts of a device whose series keep their state; the one unused for longest by its own pace gives way. */
const MAX_BINDINGS = 16

/** Called for each entry whose slot is about to be given back, while its alert can still be read. */
export type OnDrop = (entry: { binding: Binding; series: number; entry: number }) => void

/** The binding of a device to a layout under its present selection, if there is one. Allocates nothing. */
export function bindingOf({ bindings, selection }: DeviceState, hash: string): Binding | undefined {
  for (const binding of bindings) {
    const { plan } = binding
    if (plan.hash === hash && plan.indices !== null && plan.selection === selection) return binding
  }
  return undefined
}

/**
 * Binds a device to a layout that `bindingOf` does not know, with the state of series that the device has. `timeMs` is
 * that of the report that brings it.
 */
export function bind(
  state: EngineState,
  device: DeviceState,
  { layout, timeMs }: { layout: Layout; timeMs: number },
  onDrop: OnDrop,
): Binding {
  const plan = planFor(state, device, layout)
  const known = knownSlots(state, device)
  const binding: Binding = {
    plan,
    seriesSlots: Int32Array.from(plan.series, ({ key }) => known.series.get(key) ?? state.series.take()),
    entrySlots: new Int32Array(plan.rules.length),
    lastMs: 0,
    awakeMs: device.awakeMs,
    usualGapMs: 0,
    lastGapMs: 0,
    regularMs: 0,
    kin: [],
    links: null,
    places: null,
  }
  const { lastMs } = state.series.slab.columns
  plan.series.forEach((series, at) => {
    // What the series had before, the slots that are new have not judged.
    const bornMs = Math.max(timeMs, (lastMs[binding.seriesSlots[at] as number] as number) + 1)
    for (let entry = plan.starts[at] as number; entry < (plan.starts[at + 1] as number); entry++) {
      const running = state.rules[plan.rules[entry] as number]
      if (running === undefined) continue
      const from = known.entries.get(`${running.base}|${series.key}`) ?? []
      const slot = slotFor(running, from, bornMs)
      binding.entrySlots[entry] = slot
      running.bank.named?.(slot, series.labels)
      if (running.hasPeers)
        state.cohorts.join({ group: running.id, slot }, `${device.context.client}|${series.key}`)
    }
  })
  plan.users++
  linkKin(binding, device.bindings)
  // Not pushed: an array that grows takes room for sixteen more, on every device.
  device.bindings = [...device.bindings, binding]
  // The same layout out of a snapshot, or under a selection that changed, has handed its slots on.
  const stale = device.bindings.find((other) => other !== binding && other.plan.hash === layout.hash)
  if (stale !== undefined) {
    inheritPace(binding, stale)
    unbind(state, device, stale, onDrop)
  }
  const surplus = device.bindings.length > MAX_BINDINGS ? leastUsed(device, binding) : undefined
  if (surplus !== undefined) unbind(state, device, surplus, onDrop)
  forgetLinks(device)
  return binding
}

/** Takes a binding from a device and gives back the slots that no other binding of the device uses. */
export function unbind(state: EngineState, device: DeviceState, binding: Binding, onDrop: OnDrop): void {
  device.bindings = device.bindings.filter((other) => other !== binding)
  unlinkKin(binding)
  forgetLinks(device)
  const used = usedSlots(state, device)
  const { plan } = binding
  for (let series = 0; series < plan.series.length; series++) {
    for (let entry = plan.starts[series] as number; entry < (plan.starts[series + 1] as number); entry++) {
      const running = state.rules[plan.rules[entry] as number]
      const slot = binding.entrySlots[entry] as number
      if (running === undefined || used.entries.has(`${running.id}|${slot}`)) continue
      onDrop({ binding, series, entry })
      giveSlot(state, running, slot)
    }
    const slot = binding.seriesSlots[series] as number
    if (!used.series.has(slot)) state.series.slots.give(slot)
  }
  plan.users--
  const key = planKey(plan.hash, plan.selection)
  if (plan.users === 0 && state.plans.get(key) === plan) state.plans.delete(key)
}

/** The slot of the same detector state, else a new one; an alert under other figures of the rule goes on in it. */
function slotFor(
  running: RunningRule,
  known: readonly { from: RunningRule; slot: number }[],
  bornMs: number,
): number {
  const same = known.find(({ from }) => from.id === running.id)
  const slot = same?.slot ?? takeSlot(running)
  if (same === undefined) running.alerts.columns.bornMs[slot] = bornMs
  if (running.alerts.columns.phase[slot] !== INACTIVE) return slot
  const other = known.find(
    ({ from, slot: old }) => from.id !== running.id && from.alerts.columns.phase[old] !== INACTIVE,
  )
  if (other !== undefined) moveAlert(other.from, other.slot, running, slot)
  return slot
}

/** Series and entries of a device that have state, by `key` and `BASE|key`. */
function knownSlots(
  state: EngineState,
  device: DeviceState,
): {
  series: Map<string, number>
  entries: Map<string, { from: RunningRule; slot: number }[]>
} {
  const series = new Map<string, number>()
  const entries = new Map<string, { from: RunningRule; slot: number }[]>()
  eachEntry(device, (rule, slot, { key }) => {
    const from = state.rules[rule]
    if (from === undefined) return
    const name = `${from.base}|${key}`
    const known = entries.get(name)
    if (known === undefined) entries.set(name, [{ from, slot }])
    else known.push({ from, slot })
  })
  for (const { plan, seriesSlots } of device.bindings)
    plan.series.forEach(({ key }, index) => series.set(key, seriesSlots[index] as number))
  return { series, entries }
}

/** Slots that the bindings of a device use: of series, and of entries as `GROUP|slot`. */
function usedSlots(state: EngineState, device: DeviceState): { series: Set<number>; entries: Set<string> } {
  const entries = new Set<string>()
  eachEntry(device, (rule, slot) => entries.add(`${state.rules[rule]?.id}|${slot}`))
  return {
    series: new Set(device.bindings.flatMap(({ seriesSlots }) => [...seriesSlots])),
    entries,
  }
}

/** Calls for each entry of each binding of a device. */
export function eachEntry(
  { bindings }: DeviceState,
  visit: (rule: number, slot: number, series: PlanSeries, binding: Binding, at: number) => void,
): void {
  for (const binding of bindings) {
    const { plan, entrySlots } = binding
    plan.series.forEach((series, at) => {
      for (let entry = plan.starts[at] as number; entry < (plan.starts[at + 1] as number); entry++)
        visit(plan.rules[entry] as number, entrySlots[entry] as number, series, binding, at)
    })
  }
}
