import type { AlertTransition } from '../../contract/rules.ts'
import { INACTIVE } from '../alert.ts'
import { BREACH } from '../detector.ts'
import { endEntry, endWatch, judgeWatch, type Run, watchClock } from './judge.ts'
import { isFresh } from './pace.ts'
import type { DeviceState, EngineClock, EngineState } from './state.ts'

/** The longest step by which silence may grow between two ticks; tick at least this often. */
const LONGEST_TICK_MS = 60_000

/** Judges what is judged by time: silent devices, series that are gone, rules that were withdrawn. */
export function tickState(state: EngineState, nowMs: number, out: AlertTransition[]): void {
  advanceClock(state.clock, nowMs)
  const atMs = state.clock.lastTickMs
  state.cohorts.refresh(atMs)
  for (const transition of state.withdrawn.splice(0)) out.push({ ...transition, atMs })
  for (const device of state.devices.values()) {
    const run: Run = { state, device, out }
    for (const watch of device.watches) {
      const running = state.rules[watch.rule]
      const clockMs = running === undefined ? 0 : watchClock(state, device, running)
      if (running === undefined || clockMs === 0) continue
      const verdict = running.bank.tick(watch.slot, clockMs)
      if (verdict === BREACH || running.alerts.columns.phase[watch.slot] !== INACTIVE)
        judgeWatch(run, running, watch, { clockMs, verdict })
    }
    if (device.active > 0 && device.bindings.length > 1) {
      endVanished(run)
      endVanishedVectors(run)
    }
  }
}

function advanceClock(clock: EngineClock, nowMs: number): void {
  if (nowMs <= clock.lastTickMs) return
  const step = nowMs - clock.lastTickMs
  clock.observedMs += clock.lastTickMs === 0 ? step : Math.min(step, LONGEST_TICK_MS)
  clock.lastTickMs = nowMs
}

function endVanished(run: Run): void {
  const { state, device } = run
  let reported: Set<number> | undefined
  for (const binding of device.bindings) {
    if (isFresh(device, binding)) continue
    const { series: all, starts, rules } = binding.plan
    for (let series = 0; series < all.length; series++)
      for (let entry = starts[series] as number; entry < (starts[series + 1] as number); entry++) {
        const rule = rules[entry] as number
        const slot = binding.entrySlots[entry] as number
        if (state.rules[rule]?.alerts.columns.phase[slot] === INACTIVE) continue
        reported ??= freshEntries(state, device)
        if (!reported.has(slot * state.rules.length + rule))
          endEntry(run, { binding, series, entry }, device.newestMs)
      }
  }
}

function endVanishedVectors(run: Run): void {
  const { state, device } = run
  for (const watch of device.vectors) {
    if (state.rules[watch.rule]?.alerts.columns.phase[watch.slot] === INACTIVE) continue
    // What a layout out of a snapshot holds is not known before it comes again.
    const bindings = device.bindings.filter(
      ({ plan }) => plan.indices === null || plan.vectors.some(({ rule }) => rule === watch.rule),
    )
    if (!bindings.some((binding) => isFresh(device, binding))) endWatch(run, watch)
  }
}

/** Entries of all layouts that still come, each as slot × rules + rule. */
function freshEntries({ rules }: EngineState, device: DeviceState): Set<number> {
  const entries = new Set<number>()
  for (const binding of device.bindings)
    if (isFresh(device, binding))
      binding.entrySlots.forEach((slot, entry) =>
        entries.add(slot * rules.length + (binding.plan.rules[entry] as number)),
      )
  return entries
}
