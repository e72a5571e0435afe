import { FIRING, INACTIVE } from '../alert.ts'
import { BREACH, CLEAR } from '../detector.ts'
import { exactLabels } from '../language/matcher.ts'
import { evidenceOf, seriesText, transitionOf } from './evidence.ts'
import { advance, type Run } from './judge.ts'
import type { Binding, DeviceState, EngineState, Plan, RunningRule, VectorWatch } from './state.ts'

/** A value counts while it is younger than this, than an interval, or than four of its gaps. */
const SHORTEST_FRESH_MS = 120_000
const FRESH_GAPS = 4
/** An interval that ended longer ago than this many intervals is the past: nothing is said about it. */
const PAST_INTERVALS = 4

/**
 * Takes a report in for rules over several series. An interval of the grid ends with the first report after it,
 * whatever the layout; what was newest then is judged as of the end of the interval.
 */
export function observeVectors(
  run: Run,
  binding: Binding,
  timeMs: number,
  values: ArrayLike<number | null>,
): void {
  const { state, device } = run
  for (const watch of device.vectors) {
    const running = state.rules[watch.rule]
    const everyMs = running?.vector?.everyMs ?? 60_000
    const endMs = Math.ceil(timeMs / everyMs) * everyMs
    if (endMs <= watch.dueMs) continue
    if (watch.dueMs === 0 && running !== undefined) running.alerts.columns.bornMs[watch.slot] = timeMs
    if (watch.dueMs > 0 && timeMs - watch.dueMs <= PAST_INTERVALS * everyMs) closeInterval(run, watch)
    watch.dueMs = endMs
  }
  const { vectors } = binding.plan
  for (let at = 0; at < vectors.length; at++) {
    const { rule, indices } = vectors[at] as (typeof vectors)[number]
    const watch = device.vectors.find((one) => one.rule === rule)
    if (watch === undefined) continue
    const places = placesOf(state, device, binding, at)
    for (let index = 0; index < indices.length; index++) {
      const place = places[index] as number
      const value = values[indices[index] as number]
      if (place < 0 || value == null || value - value !== 0) continue
      const beforeMs = watch.timesMs[place] as number
      if (timeMs <= beforeMs) continue
      watch.gapsMs[place] = beforeMs === 0 ? 0 : timeMs - beforeMs
      watch.timesMs[place] = timeMs
      watch.values[place] = value
    }
  }
}

/** Whether the newest value in a place counts at a time of the device's clock. */
export function isFreshPlace(
  { timesMs, gapsMs }: VectorWatch,
  place: number,
  { atMs, everyMs }: { atMs: number; everyMs: number },
): boolean {
  const valueMs = timesMs[place] as number
  const limitMs = Math.max(SHORTEST_FRESH_MS, everyMs, FRESH_GAPS * (gapsMs[place] as number))
  return valueMs > 0 && atMs - valueMs <= limitMs
}

function closeInterval(run: Run, watch: VectorWatch): void {
  const { state, device, out } = run
  const running = state.rules[watch.rule] as RunningRule
  const { vector, alerts } = running
  if (vector === null) return
  const { dueMs, slot, names } = watch
  const vectorNow = new Float64Array(names.length).fill(NaN)
  let known = 0
  for (let place = 0; place < names.length; place++) {
    if (!isFreshPlace(watch, place, { atMs: dueMs, everyMs: vector.everyMs })) continue
    vectorNow[place] = watch.values[place] as number
    known++
  }
  if (known === 0) return
  watch.isStepped = true
  const verdict = vector.bank.step(slot, dueMs, vectorNow)
  const phase = alerts.columns.phase[slot]
  if (phase === INACTIVE && verdict !== BREACH) return
  if (phase === FIRING && verdict !== CLEAR && alerts.columns.clearMs[slot] === 0) return
  const kind = advance(device, running, slot, {
    verdict,
    timeMs: dueMs,
    gapMs: 0,
    usualGapMs: 0,
  })
  if (kind === null) return
  const { signal } = running.rule.spec
  const labels = exactLabels(signal)
  const main = mainOf(watch)
  const value = main === undefined ? NaN : (vectorNow[main.place] ?? NaN)
  const moment = { timeMs: dueMs, value: Number.isNaN(value) ? null : value, unit: main?.unit ?? '' }
  const evidence = evidenceOf(vector.bank.explain(slot, moment, names), seriesText(signal.metric, labels), [])
  out.push(
    transitionOf(running, device.context, {
      kind,
      atMs: dueMs,
      slot,
      labels,
      evidence,
    }),
  )
}

/** The only one of the series that the rule's own signal matches, where there is just one. */
function mainOf({ mains }: VectorWatch): { place: number; unit: string } | undefined {
  const places = mains.flatMap((unit, place) => (unit === null ? [] : [{ place, unit }]))
  return places.length === 1 ? places[0] : undefined
}

/** The place of each value of one vector of a binding; -1 for those that find none. */
function placesOf(state: EngineState, device: DeviceState, binding: Binding, at: number): Int32Array {
  binding.places ??= binding.plan.vectors.map((vector) => {
    const watch = device.vectors.find((one) => one.rule === vector.rule)
    if (watch === undefined) return new Int32Array(vector.keys.length).fill(-1)
    takePlaces(state, device, watch, vector.keys)
    noteMains(state, watch, binding.plan, vector)
    return Int32Array.from(vector.keys, (key) => watch.names.indexOf(key))
  })
  return binding.places[at] as Int32Array
}

function noteMains(
  { rules }: EngineState,
  watch: VectorWatch,
  { all }: Plan,
  { keys, indices }: Plan['vectors'][number],
): void {
  keys.forEach((key, index) => {
    const place = watch.names.indexOf(key)
    const spec = all[indices[index] as number]
    if (place < 0 || spec === undefined) return
    watch.mains[place] = rules[watch.rule]?.rule.watches(spec) === true ? spec.unit : null
  })
}

function takePlaces(
  state: EngineState,
  device: DeviceState,
  watch: VectorWatch,
  keys: readonly string[],
): void {
  const width = watch.values.length
  const fresh = keys.filter((key) => !watch.names.includes(key))
  if (fresh.length === 0) return
  if (watch.isStepped && watch.names.length + fresh.length <= width) {
    addPlaces(watch, fresh)
    return
  }
  const reported = new Set(
    device.bindings.flatMap(({ plan }) =>
      plan.vectors.flatMap((vector) => (vector.rule === watch.rule ? vector.keys : [])),
    ),
  )
  // What a layout out of a snapshot holds is not known before it comes again.
  if (device.bindings.some(({ plan }) => plan.indices === null))
    for (const name of watch.names) reported.add(name)
  const anyGone = watch.names.some((name) => !reported.has(name))
  if (watch.isStepped && !anyGone) {
    addPlaces(watch, fresh.slice(0, Math.max(0, width - watch.names.length)))
    return
  }
  giveAnew(
    state,
    device,
    watch,
    chosen([...reported], watch, state)
      .slice(0, width)
      .toSorted(),
  )
}

function addPlaces({ names, mains }: VectorWatch, fresh: readonly string[]): void {
  for (const name of fresh) {
    names.push(name)
    mains.push(null)
  }
}

/** The rule's own series come first where there is no place for all. */
function chosen(names: readonly string[], { rule }: VectorWatch, state: EngineState): string[] {
  const metric = state.rules[rule]?.rule.spec.signal.metric ?? ''
  const isMain = (name: string): number => Number(name === metric || name.startsWith(`${metric}{`))
  return names.toSorted((a, b) => isMain(b) - isMain(a) || (a < b ? -1 : a > b ? 1 : 0))
}

function giveAnew(state: EngineState, device: DeviceState, watch: VectorWatch, names: string[]): void {
  const before = watch.names.map((name, place) => ({
    name,
    main: watch.mains[place] ?? null,
    value: watch.values[place] as number,
    timeMs: watch.timesMs[place] as number,
    gapMs: watch.gapsMs[place] as number,
  }))
  if (watch.isStepped) state.rules[watch.rule]?.bank.slab.open(watch.slot)
  watch.isStepped = false
  watch.names = names
  watch.mains = []
  names.forEach((name, place) => {
    const known = before.find((one) => one.name === name)
    watch.mains.push(known?.main ?? null)
    watch.values[place] = known?.value ?? NaN
    watch.timesMs[place] = known?.timeMs ?? 0
    watch.gapsMs[place] = known?.gapMs ?? 0
  })
  for (const binding of device.bindings) binding.places = null
}
