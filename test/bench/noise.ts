import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import type { AlertTransition } from '../../contract/rules.ts'
import { createEngine } from '../../rules/engine/engine.ts'
import { loadRules } from '../../server/rule-packs.ts'
import { createDesk, type DeskIncident } from '../sim/fleet/desk.ts'
import { createFleet, FLEET_START_MS } from '../sim/fleet/fleet.ts'
import type { Machine } from '../sim/fleet/machine.ts'

const DAY_MS = 86_400_000
const TICK_MS = 60_000

/** Figures of a fleet in which nothing is wrong: whatever opens is noise. */
export type NoiseFigures = {
  ticketsPer50DevicesPerDay: number
  incidentsPerDevicePerMonth: number
  devices: number
  days: number
  tickets: number
  incidents: number
  samples: number
  rules: number
  seconds: number
}

/**
 * A healthy, busy fleet through the real engine with every shipped pack, the real noise control and the real
 * transitions of incidents. `--devices`, `--days`, `--seed`, `--fast SECONDS` (shortest reporting interval),
 * `--short` (100 devices, 10 days). Prints which rules fire.
 */
export function run(args: string[]): NoiseFigures {
  const { values } = parseArgs({
    args,
    options: {
      devices: { type: 'string' },
      days: { type: 'string' },
      seed: { type: 'string', default: '1' },
      fast: { type: 'string', default: '120' },
      short: { type: 'boolean', default: false },
      list: { type: 'string' },
    },
  })
  const devices = Number(values.devices ?? (values.short ? 100 : 1000))
  const days = Number(values.days ?? (values.short ? 10 : 30))
  const rules = loadRules({ packs: [], base: true }, '.')
  const specs = new Map(rules.map(({ spec }) => [spec.name, spec]))
  const fleet = createFleet({ devices, seed: Number(values.seed), fastS: Number(values.fast) })
  const endMs = FLEET_START_MS + days * DAY_MS
  const present = fleet.map(({ context }) => ({
    ...{ client: context.client, device: context.device, site: context.site, tags: context.tags },
    roams: context.tags.includes('laptop'),
    lastSeenMs: FLEET_START_MS,
  }))
  const desk = createDesk({
    rule: (name) => specs.get(name),
    devices: present,
    startMs: FLEET_START_MS,
    endMs,
  })

  const engine = createEngine({ rules })
  const out: AlertTransition[] = []
  for (const { context } of fleet) engine.expect(context, out)
  const began = performance.now()
  let samples = 0
  for (let nowMs = FLEET_START_MS; nowMs < endMs; nowMs += TICK_MS) {
    for (const [index, machine] of fleet.entries()) samples += report(machine, index)
    engine.tick(nowMs, out)
    desk.hear(out.splice(0), nowMs)
    const day = (nowMs - FLEET_START_MS) / DAY_MS
    if (day > 0 && Number.isInteger(day) && day % 5 === 0)
      console.log(`day ${day}: ${desk.incidents.length} incidents, ${elapsed(began)} s`)

    function report(machine: Machine, index: number): number {
      let count = 0
      let lives: boolean | undefined
      for (const [place, { intervalS, layout }] of machine.groups.entries()) {
        // Each device at its own moment of each interval, as the agent does.
        const offsetMs = (index * 7919 * TICK_MS) % (intervalS * 1000)
        if ((nowMs - offsetMs) % (intervalS * 1000) !== 0) continue
        lives ??= machine.live(nowMs)
        if (!lives) return count
        const values = machine.report(place, nowMs)
        engine.observe(machine.context, { layout, timeMs: nowMs, values, late: false }, out)
        const seen = present[index]
        if (seen !== undefined) seen.lastSeenMs = nowMs
        count += values.length
      }
      return count
    }
  }

  const tickets = desk.incidents.filter((incident) => asks(incident, endMs))
  tell(desk.incidents, tickets, { devices, days })
  for (const [by, count] of desk.suppressed) console.log(`suppressed by ${by}: ${count}`)
  if (values.list !== undefined)
    for (const { core, device, opened } of desk.incidents
      .filter(({ core: { rule } }) => rule === values.list)
      .slice(0, 25))
      console.log(new Date(opened).toISOString(), device, core.evidence.sentence)
  return {
    ticketsPer50DevicesPerDay: Number(((tickets.length * 50) / devices / days).toFixed(4)),
    incidentsPerDevicePerMonth: Number(((desk.incidents.length * 30) / devices / days).toFixed(4)),
    ...{ devices, days, tickets: tickets.length, incidents: desk.incidents.length, samples },
    rules: rules.length,
    seconds: elapsed(began),
  }
}

/** Did it ask a person? What has a remedy and still stands at the end was not mended. */
function asks({ core, ticketAtMs }: DeskIncident, endMs: number): boolean {
  if (ticketAtMs !== null) return true
  return core.severity !== 'info' && core.state !== 'resolved' && core.openedAtMs < endMs - 3_600_000
}

function tell(
  incidents: readonly DeskIncident[],
  tickets: readonly DeskIncident[],
  { devices, days }: { devices: number; days: number },
): void {
  const rows = [...Map.groupBy(incidents, ({ core }) => core.rule)].map(([rule, own]) => ({
    rule,
    incidents: own.length,
    tickets: tickets.filter(({ core }) => core.rule === rule).length,
    devices: new Set(own.map(({ device }) => device)).size,
  }))
  console.log(`${'rule'.padEnd(30)} incidents  tickets  devices  tickets/50/day`)
  for (const row of rows.toSorted((a, b) => b.tickets - a.tickets || b.incidents - a.incidents))
    console.log(
      `${row.rule.padEnd(30)} ${String(row.incidents).padStart(9)}  ${String(row.tickets).padStart(7)}  ${String(row.devices).padStart(7)}  ${((row.tickets * 50) / devices / days).toFixed(3).padStart(14)}`,
    )
}

function elapsed(sinceMs: number): number {
  return Math.round((performance.now() - sinceMs) / 1000)
}
