import type { Clock } from '../../contract/clock.ts'
import type { LiveEvent } from '../../contract/views.ts'
import { createMaintenance, type Maintenance } from '../fleet/maintenance.ts'
import { createIncidents, type Incidents } from '../incident/incidents.ts'
import type { Records } from '../records/records.ts'
import { due } from '../sla/targets.ts'
import { createTickets, type Tickets } from '../ticket/tickets.ts'
import { createNoise, type Noise } from './noise.ts'
import type { RuleParts } from './rules.ts'

/** What becomes of alerts: noise control with its windows, incidents and tickets. It has read what is silenced now. */
export async function openDesk(needs: {
  records: Records
  clock: Clock
  emit: (event: LiveEvent) => void
  rules: Pick<RuleParts, 'rule'>
}): Promise<{ noise: Noise; incidents: Incidents; maintenance: Maintenance; tickets: Tickets }> {
  const { records, clock, emit, rules } = needs
  const noise = createNoise({
    records,
    clock,
    rule: (name, device) => rules.rule(name, device),
    incidents: () => incidents,
  })
  const incidents = createIncidents({
    records,
    rule: (name, device) => rules.rule(name, device),
    emit,
    noise: noise.control,
  })
  const maintenance = createMaintenance({ records })
  await maintenance.makeWindows(clock())
  await noise.changed(null)
  await noise.account()
  return { noise, incidents, maintenance, tickets: createTickets({ records, clock, emit, due }) }
}
