import type { AlertTransition } from '../../contract/rules.ts'
import { seriesKey } from '../../contract/wire.ts'
import { FIRING, INACTIVE } from '../alert.ts'
import type { CompiledRule } from '../language/compiled.ts'
import { renderTemplate } from '../language/template.ts'
import { createSlab, type Slab } from '../state/slab.ts'
import { exactLabels } from '../language/matcher.ts'
import { selectRules } from './bind.ts'
import { linkKin } from './pace.ts'
import { type Header, joinSnapshot, type SlabHead, splitSnapshot } from './snapshot-format.ts'
import { ALERT_COLUMNS, createState, type DeviceState, type EngineState, type Plan } from './state.ts'

/**
 * All of an engine's state as bytes: a line that names the format, the header's length (32 bits, little-endian),
 * the header as JSON, then the slabs as they lie in memory.
 */
export function snapshotState(state: EngineState): Uint8Array {
  const body: Uint8Array[] = []
  const dump = (slab: Slab, high: number): SlabHead => {
    const parts = slab.dump(high)
    body.push(...parts)
    return { shape: slab.shape, high, sizes: parts.map((part) => part.length) }
  }
  const plans = new Map<Plan, number>()
  for (const { bindings } of state.devices.values())
    for (const { plan } of bindings) if (!plans.has(plan)) plans.set(plan, plans.size)
  const header: Header = {
    clock: state.clock,
    series: dump(state.series.slab, state.series.slots.high()),
    rules: state.rules.map(({ rule, alerts, bank, slots }) => ({
      name: rule.spec.name,
      version: rule.version,
      driven: rule.detector.driven,
      metric: rule.spec.signal.metric,
      labels: exactLabels(rule.spec.signal),
      cause: rule.spec.cause ?? null,
      alerts: dump(alerts, slots.high()),
      bank: dump(bank.slab, slots.high()),
    })),
    plans: [...plans.keys()].map(({ hash, series, starts, rules }) => ({
      hash,
      series: series.map(({ metric, labels, unit }) => ({ metric, labels, unit })),
      starts: [...starts],
      rules: [...rules],
    })),
    devices: [...state.devices.values()].map(({ context, newestMs, awakeMs, watches, bindings }) => ({
      context: { ...context, tags: [...context.tags] },
      newestMs,
      awakeMs,
      watches,
      bindings: bindings.map(({ plan, seriesSlots, entrySlots, kin: _, ...pace }) => ({
        ...pace,
        plan: plans.get(plan) ?? 0,
        seriesSlots: [...seriesSlots],
        entrySlots: [...entrySlots],
      })),
    })),
    withdrawn: state.withdrawn,
  }
  return joinSnapshot(header, body)
}

/** State for these rules out of a snapshot. A changed rule keeps its alerts and starts its detector anew. */
export function restoreState(rules: readonly CompiledRule[], snapshot: Uint8Array): EngineState {
  const { header, body } = splitSnapshot(snapshot)
  const state = createState(rules)
  let offset = 0
  const load = (slab: Slab | null, head: SlabHead): void => {
    const parts = head.sizes.map((size) => body.subarray(offset, (offset += size)))
    if (slab !== null && slab.shape === head.shape) slab.load(head.high, parts)
  }
  load(state.series.slab, header.series)
  const old = header.rules.map((before) => {
    const now = state.rules.find(
      ({ rule }) => rule.spec.name === before.name && rule.detector.driven === before.driven,
    )
    const alerts = now?.alerts ?? createSlab(ALERT_COLUMNS)
    load(alerts, before.alerts)
    load(now?.rule.version === before.version ? now.bank.slab : null, before.bank)
    return { ...before, now, phases: alerts.columns.phase }
  })
  // A changed rule's detector starts from zeroed slots.
  for (const { now, version, bank } of old)
    if (now !== undefined && now.rule.version !== version)
      for (let slot = 0; slot < bank.high; slot++) now.bank.slab.open(slot)

  const indexOf = (rule: number): number => old[rule]?.now?.index ?? -1
  const plans = header.plans.map((plan) => restorePlan(plan, indexOf))
  for (const saved of header.devices) {
    const device: DeviceState = {
      context: saved.context,
      selected: new Int32Array(0),
      selection: '',
      watches: saved.watches
        .map(({ rule, slot }) => ({ rule: indexOf(rule), slot }))
        .filter(({ rule }) => rule >= 0),
      bindings: saved.bindings.flatMap(({ plan: index, seriesSlots, entrySlots, ...pace }) => {
        const entry = plans[index]
        if (entry === undefined) return []
        entry.plan.users++
        return {
          ...pace,
          plan: entry.plan,
          kin: [],
          seriesSlots: Int32Array.from(seriesSlots),
          entrySlots: Int32Array.from(entry.kept, (at) => entrySlots[at] as number),
        }
      }),
      newestMs: saved.newestMs,
      awakeMs: saved.awakeMs,
      active: 0,
    }
    device.bindings.forEach((binding, index) => linkKin(binding, device.bindings.slice(0, index)))
    state.devices.set(saved.context.device, device)
    state.withdrawn.push(...withdraw(header, saved, old))
  }
  claimSlots(state)
  for (const device of state.devices.values()) {
    device.active = countActive(state, device)
    selectRules(state, device, () => undefined)
  }
  state.clock = header.clock
  state.withdrawn.unshift(...header.withdrawn)
  return state
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
    series: saved.series.map((spec) => ({ ...spec, key: seriesKey(spec.metric, spec.labels) })),
    starts: Int32Array.from(starts),
    rules: Int32Array.from(kept, (entry) => indexOf(saved.rules[entry] as number)),
    feeds: [],
    users: 0,
  }
  return { plan, kept }
}

type OldRule = Header['rules'][number] & { now: unknown; phases: Uint8Array }

function withdraw(
  header: Header,
  { context, newestMs, watches, bindings }: Header['devices'][number],
  old: readonly OldRule[],
): AlertTransition[] {
  const gone = new Map<string, AlertTransition>()
  const add = (index: number, slot: number, labels: Record<string, string>): void => {
    const rule = old[index]
    if (rule === undefined || rule.now !== undefined || rule.phases[slot] !== FIRING) return
    const fingerprint = `${rule.name}|${seriesKey(rule.metric, labels)}`
    gone.set(fingerprint, {
      kind: 'resolved',
      rule: rule.name,
      ruleVersion: rule.version,
      cause: rule.cause === null ? fingerprint : renderTemplate(rule.cause, labels),
      client: context.client,
      device: context.device,
      metric: rule.metric,
      labels,
      fingerprint,
      atMs: newestMs,
      evidence: {
        value: null,
        unit: '',
        threshold: null,
        forecast: null,
        points: [],
        sentence: `The rule ${rule.name} was withdrawn.`,
      },
    })
  }
  for (const { rule, slot } of watches) add(rule, slot, old[rule]?.labels ?? {})
  for (const { plan: index, entrySlots } of bindings) {
    const plan = header.plans[index]
    plan?.series.forEach(({ labels }, series) => {
      for (let entry = plan.starts[series] as number; entry < (plan.starts[series + 1] as number); entry++)
        add(plan.rules[entry] as number, entrySlots[entry] as number, labels)
    })
  }
  return [...gone.values()]
}

function claimSlots(state: EngineState): void {
  const series = new Set<number>()
  const entries = state.rules.map(() => new Set<number>())
  for (const { watches, bindings } of state.devices.values()) {
    for (const { rule, slot } of watches) entries[rule]?.add(slot)
    for (const binding of bindings) {
      for (const slot of binding.seriesSlots) series.add(slot)
      binding.entrySlots.forEach((slot, entry) => entries[binding.plan.rules[entry] as number]?.add(slot))
    }
  }
  state.series.slots.claim(series)
  state.rules.forEach(({ slots }, index) => slots.claim(entries[index] ?? new Set()))
}

function countActive(state: EngineState, { watches, bindings }: DeviceState): number {
  const active = new Set<string>()
  const add = (rule: number, slot: number): void => {
    if (state.rules[rule]?.alerts.columns.phase[slot] !== INACTIVE) active.add(`${rule}|${slot}`)
  }
  for (const { rule, slot } of watches) add(rule, slot)
  for (const { plan, entrySlots } of bindings)
    entrySlots.forEach((slot, entry) => add(plan.rules[entry] as number, slot))
  return active.size
}
