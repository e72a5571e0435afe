import type { Binding, DeviceState } from './state.ts'

/** What stands for the usual gap of a layout until it is known: a day and some slack. */
const UNKNOWN_GAP_MS = 26 * 3_600_000
/** Gaps shorter than this count as this long, so that a layout has two minutes at the least. */
const SHORTEST_GAP_MS = 40_000
/** A series that its device has not reported for this many usual gaps of its layout is gone. */
const GONE_AFTER_GAPS = 3
/** Two gaps are alike when the longer is at most this many times the shorter. */
const ALIKE = 1.5
/** For how long reports must have come at like gaps to show their pace; a start reports twice at once. */
const REGULAR_MS = 120_000
/** A step of a device's clock that is longer, and twice the gap of the layout it came with, is a pause. */
const LONGEST_STEP_MS = 60_000

/** Notes when a layout was reported: moves the device's clocks on and learns the layout's usual gap. */
export function noteReport(device: DeviceState, binding: Binding, timeMs: number): void {
  const stepMs = timeMs - device.newestMs
  if (stepMs > 0) {
    if (device.newestMs > 0) device.awakeMs += isPause(stepMs, binding) ? LONGEST_STEP_MS : stepMs
    device.newestMs = timeMs
  }
  if (timeMs <= binding.lastMs) return
  if (binding.lastMs > 0) learnGap(binding, timeMs - binding.lastMs)
  binding.lastMs = timeMs
  binding.awakeMs = device.awakeMs
}

/** Hands what is known of the pace of a layout on to a binding that stands for the same layout. */
export function inheritPace(to: Binding, from: Binding): void {
  to.lastMs = from.lastMs
  to.awakeMs = from.awakeMs
  to.usualGapMs = from.usualGapMs
  to.lastGapMs = from.lastGapMs
  to.regularMs = from.regularMs
}

/** Whether a layout may still come: its device was not awake for three of its gaps (two minutes) without it. */
export function isFresh(device: DeviceState, binding: Binding): boolean {
  const idleMs = device.awakeMs - binding.awakeMs
  return idleMs < GONE_AFTER_GAPS * SHORTEST_GAP_MS || idleMs < GONE_AFTER_GAPS * gapOf(binding)
}

/** The binding to give up: one whose group has gone on to another layout, else the one idle for most of its gaps. */
export function leastUsed(device: DeviceState, except: Binding): Binding | undefined {
  const others = device.bindings.filter((binding) => binding !== except)
  const superseded = others.filter((binding) => binding.kin.some(({ lastMs }) => lastMs > binding.lastMs))
  const idle = (binding: Binding): number => (device.awakeMs - binding.awakeMs) / gapOf(binding)
  return (superseded.length > 0 ? superseded : others).reduce<Binding | undefined>(
    (most, binding) => (most === undefined || idle(binding) > idle(most) ? binding : most),
    undefined,
  )
}

/** Links a binding to those that share a series with it: a group reports a series under one layout after another. */
export function linkKin(binding: Binding, others: readonly Binding[]): void {
  const slots = new Set(binding.seriesSlots)
  for (const other of others) {
    if (other === binding || !other.seriesSlots.some((slot) => slots.has(slot))) continue
    binding.kin.push(other)
    other.kin.push(binding)
  }
}

/** Takes a binding out of the kin of those that stay. */
export function unlinkKin(binding: Binding): void {
  for (const other of binding.kin) other.kin = other.kin.filter((one) => one !== binding)
  binding.kin = []
}

function isPause(stepMs: number, { usualGapMs }: Binding): boolean {
  return stepMs > LONGEST_STEP_MS && stepMs > 2 * usualGapMs
}

function learnGap(binding: Binding, realGapMs: number): void {
  const gapMs = Math.max(realGapMs, SHORTEST_GAP_MS)
  const beforeMs = binding.lastGapMs
  const isAlike = gapMs <= ALIKE * beforeMs && beforeMs <= ALIKE * gapMs
  binding.regularMs = isAlike ? binding.regularMs + realGapMs : realGapMs
  if (isAlike && binding.regularMs >= REGULAR_MS) binding.usualGapMs = Math.max(gapMs, beforeMs)
  binding.lastGapMs = gapMs
}

/** The usual gap of a layout, milliseconds; while it is unknown that of the layout with which its group goes on. */
export function gapOf({ usualGapMs, lastMs, kin }: Binding): number {
  if (usualGapMs > 0) return usualGapMs
  const next = kin.filter((other) => other.lastMs > lastMs && other.usualGapMs > 0)
  return next.length === 0 ? UNKNOWN_GAP_MS : Math.max(...next.map((other) => other.usualGapMs))
}
