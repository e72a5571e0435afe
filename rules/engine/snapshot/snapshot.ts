import type { Slab } from '../../state/slab.ts'
import { exactLabels } from '../../language/matcher.ts'
import type { Group } from '../group.ts'
import { type Header, joinSnapshot, type SlabHead } from './format.ts'
import type { DeviceState, EngineState, Plan } from '../state.ts'

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
  const groups = [...state.groups.values()]
  const places = new Map(groups.map(({ id }, index) => [id, index]))
  const nameOf = (group: Group): string => state.rules.find(({ id }) => id === group.id)?.rule.spec.name ?? ''
  const header: Header = {
    clock: { ...state.clock },
    peersRefreshedMs: state.cohorts.refreshedMs(),
    series: dump(state.series.slab, state.series.slots.high()),
    groups: groups.map((group) => {
      const peers = state.cohorts.slab(group.id)
      const high = group.slots.high()
      return {
        name: nameOf(group),
        stateVersion: group.stateVersion,
        alerts: dump(group.alerts, high),
        bank: dump(group.bank.slab, high),
        peers: peers === undefined ? null : dump(peers, high),
      }
    }),
    rules: state.rules.map(({ rule, id }) => ({
      name: rule.spec.name,
      version: rule.version,
      driven: rule.detector.driven,
      group: places.get(id) ?? 0,
      metric: rule.spec.signal.metric,
      labels: exactLabels(rule.spec.signal),
      cause: rule.spec.cause ?? null,
    })),
    plans: [...plans.keys()].map(({ hash, series, starts, rules }) => ({
      hash,
      series: series.map(({ metric, labels, unit }) => ({
        metric,
        labels,
        unit,
      })),
      starts: [...starts],
      rules: [...rules],
    })),
    devices: [...state.devices.values()].map((device) => saveDevice(device, plans)),
    withdrawn: state.withdrawn,
  }
  return joinSnapshot(header, body)
}

function saveDevice(
  { context, newestMs, awakeMs, seenMs, watches, vectors, bindings }: DeviceState,
  plans: ReadonlyMap<Plan, number>,
): Header['devices'][number] {
  return {
    context: { ...context, tags: [...context.tags] },
    newestMs,
    awakeMs,
    seenMs,
    watches,
    vectors: vectors.map(({ names, values, timesMs, gapsMs, ...watch }) => ({
      ...watch,
      names,
      values: Array.from(values.subarray(0, names.length), (value) => (Number.isNaN(value) ? null : value)),
      timesMs: [...timesMs.subarray(0, names.length)],
      gapsMs: [...gapsMs.subarray(0, names.length)],
    })),
    bindings: bindings.map((binding) => ({
      plan: plans.get(binding.plan) ?? 0,
      lastMs: binding.lastMs,
      awakeMs: binding.awakeMs,
      usualGapMs: binding.usualGapMs,
      lastGapMs: binding.lastGapMs,
      regularMs: binding.regularMs,
      seriesSlots: [...binding.seriesSlots],
      entrySlots: [...binding.entrySlots],
    })),
  }
}
