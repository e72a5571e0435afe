import { type Alert, INACTIVE, nextAlert } from '../../../rules/alert.ts'
import type { Verdict } from '../../../rules/detector.ts'
import { ROW_MS, type Server } from './data.ts'

/** An incident that opened at most this long before an event still announces it. */
const LEAD_ROWS = 12
const WEEK_ROWS = (7 * 86_400_000) / ROW_MS

/** Says the verdict of each row of a server, from its first row on, causally. */
export type Judge = (server: Server) => (values: Float64Array, timeMs: number) => Verdict
/** Incident as [opened, resolved] in rows. */
type Incident = [number, number]
/** `touching` incidents are neither a find nor false: they were open long before the event that they overlap. */
export type Outcome = {
  found: number
  events: number
  false: number
  touching: number
  incidents: number
  weeks: number
}

/** A Monday at midnight: the data say minutes since their start only. */
const START_MS = Date.UTC(2024, 0, 1)

/** Streams a server through a judge and the alert state (for 0, `keepMs`); incidents opened in the labelled part. */
export function outcomeOf(server: Server, judge: Judge, keepMs: number): Outcome {
  const incidents = incidentsOf(server, judge(server), keepMs)
  const found = new Set<number>()
  let falseOnes = 0
  let touching = 0
  for (const [opened, resolved] of incidents) {
    let touches = false
    let finds = false
    server.events.forEach(([from, to], event) => {
      if (opened >= to || resolved < from) return
      touches = true
      if (opened < from - LEAD_ROWS) return
      finds = true
      found.add(event)
    })
    if (!touches) falseOnes++
    else if (!finds) touching++
  }
  return {
    found: found.size,
    events: server.events.length,
    false: falseOnes,
    touching,
    incidents: incidents.length,
    weeks: (server.rows.length - server.testFrom) / WEEK_ROWS,
  }
}

function incidentsOf(server: Server, judge: ReturnType<Judge>, keepMs: number): Incident[] {
  const incidents: Incident[] = []
  let alert: Alert = { phase: INACTIVE, sinceMs: 0, clearMs: 0 }
  server.rows.forEach((values, row) => {
    const timeMs = START_MS + row * ROW_MS
    const verdict = judge(values, timeMs)
    const times = { forMs: 0, keepMs }
    const next = nextAlert(alert, { verdict, timeMs, gapMs: ROW_MS, usualGapMs: ROW_MS }, times)
    alert = next.alert
    if (next.change === 'firing') incidents.push([row, server.rows.length - 1])
    const last = incidents.at(-1)
    if (next.change === 'resolved' && last !== undefined) last[1] = row
  })
  return incidents.filter(([opened]) => opened >= server.testFrom)
}

/** Outcomes of several servers in one. */
export function sumOf(outcomes: readonly Outcome[]): Outcome {
  const total = { found: 0, events: 0, false: 0, touching: 0, incidents: 0, weeks: 0 }
  for (const outcome of outcomes)
    for (const key of Object.keys(total) as (keyof Outcome)[]) total[key] += outcome[key]
  return total
}

/** Found events as a share of all. */
export function recallOf({ found, events }: Outcome): number {
  return events === 0 ? 0 : found / events
}

/** False incidents in a machine-week. */
export function falsePerWeek(outcome: Outcome): number {
  return outcome.false / outcome.weeks
}

/** The setting with the highest recall at `limit` false incidents a machine-week or fewer; null when none keeps it. */
export function bestSetting(bySetting: readonly Outcome[], limit: number): number | null {
  let best: number | null = null
  bySetting.forEach((outcome, setting) => {
    if (falsePerWeek(outcome) > limit) return
    const so = best === null ? undefined : bySetting[best]
    const better =
      so === undefined || outcome.found > so.found || (outcome.found === so.found && outcome.false < so.false)
    if (better) best = setting
  })
  return best
}

/**
 * Each server judged with the setting that was best on all the others: `outcomes[setting][server]`. Where no
 * setting keeps the limit on the others, the first (the least sensitive) is taken.
 */
export function leaveOneOut(outcomes: readonly (readonly Outcome[])[], limit: number): Outcome {
  const servers = outcomes[0]?.length ?? 0
  return sumOf(
    Array.from({ length: servers }, (_, left) => {
      const others = outcomes.map((row) => sumOf(row.filter((_outcome, server) => server !== left)))
      const setting = bestSetting(others, limit) ?? 0
      return outcomes[setting]?.[left] ?? sumOf([])
    }),
  )
}
