import { seriesKey } from '../../../contract/wire.ts'
import { INACTIVE } from '../../alert.ts'
import type { CompiledRule } from '../../language/compiled.ts'
import type { Slab } from '../../state/slab.ts'
import { eachEntry } from '../bind.ts'
import { createAlerts, type Group } from '../group.ts'
import { linkKin } from '../pace.ts'
import { prepareVariants, selectRules } from '../select.ts'
import { type Header, type SlabHead, splitSnapshot } from './format.ts'
import {
  addOrphan,
  type Binding,
  createDevice,
  createState,
  type DeviceState,
  type EngineState,
  type Plan,
  type RunningRule,
  type VectorWatch,
} from '../state.ts'
import { type OldRule, withdraw } from './withdraw.ts'

/**
 * State for these rules out of a snapshot. A changed rule keeps its alerts; its detector goes on where its figures
 * are the same, and starts anew otherwise.
 */
export function restoreState(rules: readonly CompiledRule[], snapshot: Uint8Array): EngineState {
  const { header, body } = splitSnapshot(snapshot)
  const state = createState(rules)
  for (const { context } of header.devices) prepareVariants(state, context)
  let offset = 0
  const load = (slab: Slab | null, head: SlabHead, shape = slab?.shape): boolean => {
    const parts = head.sizes.map((size) => body.subarray(offset, (offset += size)))
    if (slab === null || shape !== head.shape) return false
    slab.load(head.high, parts)
    return true
  }
  if (!load(state.series.slab, header.series))
    for (let slot = 0; slot < header.series.high; slot++) state.series.slab.open(slot)
  const groups = header.groups.map((saved, index) => {
    const group = groupFor(state, header, index)
    const alerts = group?.alerts ?? createAlerts()
    // An older one has fewer columns.
    load(alerts, saved.alerts, saved.alerts.shape)
    for (const [slab, head] of [
      [group?.bank.slab ?? null, saved.bank],
      [group === undefined ? null : (state.cohorts.slab(group.id) ?? null), saved.peers],
    ] as const) {
      const isLoaded = head !== null && load(isOrphan(group) ? null : slab, head)
      if (isLoaded || slab === null) continue
      for (let slot = 0; slot < saved.alerts.high; slot++) slab.open(slot)
      // What begins anew begins at a time that nobody notes here.
      alerts.columns.bornMs.fill(0)
    }
    return { group, phases: alerts.columns.phase }
  })
  const old: OldRule[] = header.rules.map((saved) => ({
    ...saved,
    now: ruleFor(state, saved, groups[saved.group]?.group),
    phases: groups[saved.group]?.phases ?? new Uint8Array(0),
  }))
  const indexOf = (rule: number): number => old[rule]?.now?.index ?? -1
  const plans = header.plans.map((plan) => restorePlan(plan, indexOf))
  for (const saved of header.devices) {
    state.devices.set(saved.context.device, restoreDevice(saved, plans, indexOf, state))
    state.withdrawn.push(...withdraw(header, saved, old))
  }
  claimSlots(state)
  for (const device of state.devices.values()) {
    device.active = countActive(state, device)
    joinCohorts(state, device)
    selectRules(state, device, () => undefined)
  }
  Object.assign(state.clock, header.clock)
  state.cohorts.setRefreshedMs(header.peersRefreshedMs)
  state.withdrawn.unshift(...header.withdrawn)
  return state
}

function isOrphan(group: Group | undefined): boolean {
  return group?.stateVersion === ''
}

/** Whose state a saved group goes on in: undefined where its rule is gone or judged by something else entirely. */
function groupFor(state: EngineState, header: Header, index: number): Group | undefined {
  const saved = header.groups[index]
  const driven = header.rules.find(({ group }) => group === index)?.driven
  if (saved === undefined || driven === undefined) return undefined
  const base = state.rules.find(({ rule }) => rule.spec.name === saved.name)
  if (base === undefined || slotsBy(base.rule.detector.driven) !== slotsBy(driven)) return undefined
  const same = state.groups.get(`${base.base}|${saved.stateVersion}`)
  return same ?? addOrphan(state, base.base, `orphan ${index}`)
}

function slotsBy(driven: CompiledRule['detector']['driven']): 'device' | 'vector' | 'series' {
  return driven === 'time' ? 'device' : driven === 'vector' ? 'vector' : 'series'
}

/** The variant of the same content, else any rule that has the same state. */
function ruleFor(
  { rules }: EngineState,
  saved: Header['rules'][number],
  group: Group | undefined,
): RunningRule | undefined {
  if (group === undefined) return undefined
  const own = rules.filter(({ id }) => id === group.id)
  return own.find(({ rule }) => rule.version === saved.version) ?? own[0]
}

function restoreDevice(
  saved: Header['devices'][number],
  plans: readonly { plan: Plan; kept: number[] }[],
  indexOf: (rule: number) => number,
  state: EngineState,
): DeviceState {
  const device: DeviceState = {
    ...createDevice(saved.context),
    newestMs: saved.newestMs,
    awakeMs: saved.awakeMs,
    seenMs: saved.seenMs,
    watches: saved.watches
      .map(({ rule, slot }) => ({ rule: indexOf(rule), slot }))
      .filter(({ rule }) => rule >= 0),
    vectors: saved.vectors.flatMap((vector) => restoreVector(vector, indexOf(vector.rule), state)),
    bindings: saved.bindings.flatMap(({ plan: index, seriesSlots, entrySlots, ...pace }) => {
      const entry = plans[index]
      if (entry === undefined) return []
      entry.plan.users++
      const binding: Binding = {
        ...pace,
        plan: entry.plan,
        kin: [],
        links: null,
        places: null,
        seriesSlots: Int32Array.from(seriesSlots),
        entrySlots: Int32Array.from(entry.kept, (at) => entrySlots[at] as number),
      }
      return [binding]
    }),
  }
  device.bindings.forEach((binding, index) => linkKin(binding, device.bindings.slice(0, index)))
  return device
}

function restoreVector(
  saved: Header['devices'][number]['vectors'][number],
  rule: number,
  state: EngineState,
): VectorWatch[] {
  const width = state.rules[rule]?.vector?.bank.width
  if (width === undefined) return []
  const fill = (from: readonly (number | null)[], empty: number): Float64Array => {
    const array = new Float64Array(width).fill(empty)
    array.set(from.slice(0, width).map((value) => value ?? NaN))
    return array
  }
  return [
    {
      rule,
      slot: saved.slot,
      dueMs: saved.dueMs,
      isStepped: saved.isStepped,
      names: saved.names.slice(0, width),
      mains: saved.mains.slice(0, width),
      values: fill(saved.values, NaN),
      timesMs: fill(saved.timesMs, 0),
      gapsMs: fill(saved.gapsMs, 0),
    },
  ]
}

/** A plan without indices: it hands its slots on when the layout is seen again. `kept`: entries whose rule goes on. */
function restorePlan(
  saved: Header['plans'][number],
  indexOf: (rule: number) => number,
): { plan: Plan; kept: number[] } {
  const kept: number[] = []
  const starts = [0]
  saved.series.forEach((_, series) => {
    for (let entry = saved.starts[series] as number; entry < (saved.starts[series + 1] as number); entry++)
      if (indexOf(saved.rules[entry] as number) >= 0) kept.push(entry)
    starts.push(kept.length)
  })
  const plan: Plan = {
    hash: saved.hash,
    selection: '',
    indices: null,
    all: [],
    series: saved.series.map((spec) => ({
      ...spec,
      key: seriesKey(spec.metric, spec.labels),
    })),
    starts: Int32Array.from(starts),
    ends: Int32Array.from(starts.slice(1)),
    rules: Int32Array.from(kept, (entry) => indexOf(saved.rules[entry] as number)),
    composites: new Int32Array(0),
    feeds: [],
    vectors: [],
    users: 0,
  }
  return { plan, kept }
}

function claimSlots(state: EngineState): void {
  const series = new Set<number>()
  const used = new Map<number, Set<number>>([...state.groups.values()].map(({ id }) => [id, new Set()]))
  const claim = (rule: number, slot: number): void => {
    const id = state.rules[rule]?.id
    if (id !== undefined) used.get(id)?.add(slot)
  }
  for (const device of state.devices.values()) {
    for (const { rule, slot } of [...device.watches, ...device.vectors]) claim(rule, slot)
    eachEntry(device, claim)
    for (const { seriesSlots } of device.bindings) for (const slot of seriesSlots) series.add(slot)
  }
  state.series.slots.claim(series)
  for (const { id, slots } of state.groups.values()) slots.claim(used.get(id) ?? new Set())
}

function joinCohorts(state: EngineState, device: DeviceState): void {
  eachEntry(device, (rule, slot, { key }) => {
    const running = state.rules[rule]
    if (running?.hasPeers === true)
      state.cohorts.rejoin({ group: running.id, slot }, `${device.context.client}|${key}`)
  })
}

function countActive(state: EngineState, device: DeviceState): number {
  const active = new Set<string>()
  const add = (rule: number, slot: number): void => {
    const running = state.rules[rule]
    if (running !== undefined && running.alerts.columns.phase[slot] !== INACTIVE)
      active.add(`${running.id}|${slot}`)
  }
  for (const { rule, slot } of [...device.watches, ...device.vectors]) add(rule, slot)
  eachEntry(device, add)
  return active.size
}
