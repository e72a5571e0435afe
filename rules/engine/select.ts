import { INACTIVE, PENDING } from '../alert.ts'
import { applyOverrides, overridesFor } from '../language/variant.ts'
import type { DeviceContext } from '../selector.ts'
import {
  addRule,
  type DeviceState,
  type EngineState,
  giveSlot,
  type RunningRule,
  type Selection,
  takeSlot,
  type VectorWatch,
  type Watch,
} from './state.ts'

/** The rules that select a device, and its watches; keeps the state of watches that go on. */
export function selectRules(state: EngineState, device: DeviceState, onDrop: (watch: Watch) => void): void {
  const selected: RunningRule[] = []
  const disabled: number[] = []
  for (let base = 0; base < state.bases; base++) {
    if (state.rules[base]?.rule.selects(device.context) !== true) continue
    const running = variantFor(state, base, device.context)
    if (running === undefined) disabled.push(base)
    else selected.push(running)
  }
  const rules = selected.map(({ index }) => index)
  Object.assign(device, selectionOf(state, rules, disabled))
  device.watches = keepWatches(state, {
    before: device.watches,
    wanted: selected.filter(({ rule }) => rule.detector.driven === 'time'),
    make: (rule, slot): Watch => ({ rule, slot }),
    onDrop,
  })
  device.vectors = keepWatches(state, {
    before: device.vectors,
    wanted: selected.filter(({ vector }) => vector !== null),
    make: newVector,
    onDrop,
  })
  forgetLinks(device)
}

/** The one object that says which rules run: thousands of devices share a few. */
function selectionOf({ selections }: EngineState, rules: number[], disabled: number[]): Selection {
  const selection = rules.join(',')
  const key = `${selection}|${disabled.join(',')}`
  const known = selections.get(key)
  if (known !== undefined) return known
  const made = { selected: Int32Array.from(rules), selection, disabled: Int32Array.from(disabled) }
  selections.set(key, made)
  return made
}

/** What the bindings of a device keep of each other is to be looked up anew. */
export function forgetLinks({ bindings }: DeviceState): void {
  for (const binding of bindings) binding.links = null
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

/** Makes the variants that a device will need, so that state out of a snapshot finds them. */
export function prepareVariants(state: EngineState, context: DeviceContext): void {
  for (let base = 0; base < state.bases; base++)
    if ((state.rules[base]?.rule.overrides.length ?? 0) > 0) variantFor(state, base, context)
}

/** The variant of a rule that runs on a device, made on first need; undefined where it is switched off. */
function variantFor(state: EngineState, base: number, device: DeviceContext): RunningRule | undefined {
  const running = state.rules[base] as RunningRule
  const overrides = overridesFor(running.rule, device)
  if (overrides.length === 0) return running.rule.spec.enabled ? running : undefined
  const key = `${base}|${overrides.map((override) => running.rule.overrides.indexOf(override)).join(',')}`
  const known = state.variants.get(key)
  if (known !== undefined) return known === null ? undefined : state.rules[known]
  const { rule } = applyOverrides(running.rule, overrides)
  const same = state.rules.find(
    (other) => other.base === base && other.rule.version === rule.version && other.stateVersion !== '',
  )
  const variant = rule.spec.enabled ? (same ?? addRule(state, rule, base)) : undefined
  state.variants.set(key, variant?.index ?? null)
  return variant
}

/** Moves what stands in one slot of a rule to another of the same rule: its alert, not its detector's state. */
export function moveAlert(from: RunningRule, fromSlot: number, to: RunningRule, toSlot: number): void {
  const source = from.alerts.columns
  const target = to.alerts.columns
  target.phase[toSlot] = source.phase[fromSlot] as number
  target.sinceMs[toSlot] = source.sinceMs[fromSlot] as number
  target.clearMs[toSlot] = source.clearMs[fromSlot] as number
  // It waits since then, on samples that the detector of its slot has not seen.
  if (source.phase[fromSlot] === PENDING && (target.bornMs[toSlot] as number) > 0)
    target.bornMs[toSlot] = source.sinceMs[fromSlot] as number
  source.phase[fromSlot] = INACTIVE
  source.sinceMs[fromSlot] = 0
  source.clearMs[fromSlot] = 0
}

function keepWatches<W extends Watch>(
  state: EngineState,
  {
    before,
    wanted,
    make,
    onDrop,
  }: {
    before: readonly W[]
    wanted: readonly RunningRule[]
    make: (rule: number, slot: number, running: RunningRule) => W
    onDrop: (watch: Watch) => void
  },
): W[] {
  const left = new Map(before.map((watch) => [state.rules[watch.rule]?.base, watch]))
  const watches = wanted.map((running) => {
    const old = left.get(running.base)
    const from = old === undefined ? undefined : state.rules[old.rule]
    left.delete(running.base)
    if (old !== undefined && from?.id === running.id) {
      old.rule = running.index
      return old
    }
    const watch = make(running.index, takeSlot(running), running)
    if (old !== undefined && from !== undefined) {
      moveAlert(from, old.slot, running, watch.slot)
      giveSlot(state, from, old.slot)
    }
    return watch
  })
  for (const watch of left.values()) {
    onDrop(watch)
    giveSlot(state, state.rules[watch.rule], watch.slot)
  }
  return watches
}

function newVector(rule: number, slot: number, { vector }: RunningRule): VectorWatch {
  const width = vector?.bank.width ?? 0
  return {
    rule,
    slot,
    dueMs: 0,
    isStepped: false,
    names: [],
    mains: [],
    values: new Float64Array(width).fill(NaN),
    timesMs: new Float64Array(width),
    gapsMs: new Float64Array(width),
  }
}
