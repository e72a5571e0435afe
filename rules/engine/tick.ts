import type { AlertTransition } from '../../contract/rules.ts'
import { INACTIVE } from '../alert.ts'
import { BREACH } from '../detector.ts'
import { endEntry, judgeWatch, type Run, watchClock } from './judge.ts'
import type { EngineClock, EngineState } from './state.ts'

/** The longest step by which silence may grow between two ticks; tick at least this often. */
const LONGEST_TICK_MS = 60_000
/** A series that the newer layouts of its device lack for this long is gone, and so is its alert. */
const GONE_AFTER_MS = 120_000

/** Judges what is judged by time: silent devices, series that are gone, rules that were withdrawn. */
export function tickState(state: EngineState, nowMs: number, out: AlertTransition[]): void {
  advanceClock(state.clock, nowMs)
  const atMs = state.clock.lastTickMs
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
    if (device.active > 0 && device.bindings.length > 1) endVanished(run)
  }
}

function advanceClock(clock: EngineClock, nowMs: number): void {
  if (nowMs <= clock.lastTickMs) return
  const step = nowMs - clock.lastTickMs
  clock.observedMs += clock.lastTickMs === 0 ? step : Math.min(step, LONGEST_TICK_MS)
  clock.lastTickMs = nowMs
}

function endVanished(run: Run): void {
  const { device } = run
  const isFresh = (lastMs: number): boolean => device.newestMs - lastMs < GONE_AFTER_MS
  const reported = new Set<string>()
  for (const { plan, entrySlots, lastMs } of device.bindings)
    if (isFresh(lastMs)) entrySlots.forEach((slot, entry) => reported.add(`${plan.rules[entry]}|${slot}`))
  for (const binding of device.bindings) {
    const { series: all, starts, rules } = binding.plan
    if (isFresh(binding.lastMs)) continue
    for (let series = 0; series < all.length; series++)
      for (let entry = starts[series] as number; entry < (starts[series + 1] as number); entry++)
        if (!reported.has(`${rules[entry]}|${binding.entrySlots[entry]}`))
          endEntry(run, { binding, series, entry }, device.newestMs)
  }
}
