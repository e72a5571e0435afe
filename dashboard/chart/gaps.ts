type Values = readonly (number | null | undefined)[]

/**
 * Takes out the gaps that are no longer than `joinMs`: one missing report is no outage, and a line whose pace has
 * changed (a lab, an incident) would else be torn to pieces. Longer gaps stay.
 */
export function closeGaps(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  joinMs: number,
): { timesMs: number[]; values: (number | null)[] } {
  const kept = { timesMs: [] as number[], values: [] as (number | null)[] }
  let lastKnownMs = -Infinity
  let pendingMs: number | undefined
  timesMs.forEach((ms, index) => {
    const value = values[index] ?? null
    if (value === null) {
      pendingMs ??= ms
      return
    }
    if (pendingMs !== undefined && ms - lastKnownMs > joinMs) {
      kept.timesMs.push(pendingMs)
      kept.values.push(null)
    }
    pendingMs = undefined
    lastKnownMs = ms
    kept.timesMs.push(ms)
    kept.values.push(value)
  })
  if (pendingMs !== undefined) {
    kept.timesMs.push(pendingMs)
    kept.values.push(null)
  }
  return kept
}

/** Where a value stands alone between gaps: a line cannot show it, a point can. `undefined` is no sample at all. */
export function loneValues(values: Values): number[] {
  const known = values.flatMap((value, index) => (value === undefined ? [] : [index]))
  return known.filter(
    (index, place) =>
      values[index] !== null &&
      (values[known[place - 1] ?? -1] ?? null) === null &&
      (values[known[place + 1] ?? -1] ?? null) === null,
  )
}
