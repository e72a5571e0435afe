import { REOPEN_WITHIN_MS } from '../../../server/incident/transition.ts'

/** A rule of a peer: takes the samples of one disk in order and says whether its condition holds. */
type Condition = (minute: number, value: number) => boolean

const REOPEN_MINUTES = REOPEN_WITHIN_MS / 60_000

/** Commonly shipped: used space over 90 % for ten minutes, clear under it. */
export function staticBound(): Condition {
  return (_minute, value) => value > 90
}

/** As Prometheus' node mixin warns: a line through the last six hours is full within 24 hours, at over 60 % used. */
export function predictLinear(): Condition {
  const [minutes, values]: [number[], number[]] = [[], []]
  let [from, w, t, v, tt, tv] = [0, 0, 0, 0, 0, 0]
  return (minute, value) => {
    minutes.push(minute)
    values.push(value)
    w++
    t += minute
    v += value
    tt += minute * minute
    tv += minute * value
    while ((minutes[from] ?? minute) < minute - 360) {
      const [oldMinute, oldValue] = [minutes[from] ?? 0, values[from] ?? 0]
      from++
      w--
      t -= oldMinute
      v -= oldValue
      tt -= oldMinute * oldMinute
      tv -= oldMinute * oldValue
    }
    const spread = tt - (t * t) / w
    if (w < 2 || spread <= 0) return false
    const slope = (tv - (t * v) / w) / spread
    return value > 60 && v / w + slope * (minute + 1440 - t / w) > 99.5
  }
}

/** The minutes at which a condition that must hold for a while opens incidents; what is soon back is the same one. */
export function incidentsOf(
  condition: Condition,
  forMinutes: number,
  minutes: ArrayLike<number>,
  values: ArrayLike<number>,
): number[] {
  const opened: number[] = []
  let [since, firing, endedAt] = [-1, false, -Infinity]
  for (let index = 0; index < minutes.length; index++) {
    const minute = minutes[index] ?? 0
    if (!condition(minute, values[index] ?? 0)) {
      if (firing) endedAt = minute
      firing = false
      since = -1
      continue
    }
    if (since < 0) since = minute
    if (firing || minute - since < forMinutes) continue
    firing = true
    if (minute - endedAt > REOPEN_MINUTES) opened.push(minute)
  }
  return opened
}
