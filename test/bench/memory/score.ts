import type { Case } from '../../sim/memory/inject.ts'

/** Figures over cases; an incident counts when it opens at most 7 days before the memory is full, else it is false. */
export type Score = {
  series: number
  leaks: number
  recall2h: number
  recall24h: number
  medianLeadHours: number
  precision: number
  falsePerDeviceMonth: number
  false: number
}

const WEEK = 7 * 1440

/** Scores the minutes at which incidents opened, by series. */
export function score(cases: readonly Case[], incidents: ReadonlyMap<string, readonly number[]>): Score {
  let wrong = 0
  let minutes = 0
  const leads: number[] = []
  for (const { series, values, fullAtMinute } of cases) {
    minutes += (values.length - 1) * 5
    let first: number | null = null
    for (const minute of incidents.get(series) ?? []) {
      const lead = fullAtMinute === null ? -1 : fullAtMinute - minute
      if (lead < 0 || lead > WEEK) wrong++
      else first ??= lead / 60
    }
    if (first !== null) leads.push(first)
  }
  const leaks = cases.filter(({ fullAtMinute }) => fullAtMinute !== null).length
  const share = (hours: number): number => leads.filter((lead) => lead >= hours).length / Math.max(1, leaks)
  return {
    series: cases.length,
    leaks,
    recall2h: share(2),
    recall24h: share(24),
    medianLeadHours: leads.toSorted((a, b) => a - b)[leads.length >> 1] ?? 0,
    precision: leads.length / Math.max(1, leads.length + wrong),
    falsePerDeviceMonth: wrong / (minutes / 60 / 24 / 30.4),
    false: wrong,
  }
}
