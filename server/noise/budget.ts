import { sql } from 'kysely'
import type { NoiseFinding } from '../../contract/noise.ts'
import type { RuleSpec } from '../../contract/rules.ts'
import type { Records } from '../records/records.ts'
import { at, ms } from '../records/schema.ts'
import { propose, type Ignored } from './propose.ts'

const DAY_MS = 86_400_000
/** Budgets count incidents of so long. */
const BUDGET_DAYS = 30
/** A budget is written for so many devices. */
const PER_DEVICES = 50
/** Fewer incidents are never noise, however small the client. */
const LEAST = 3

/**
 * The rules that opened more incidents at a client within 30 days than their budget (per 50 devices, pro rata, at
 * least 3) without anyone acting: each ended by itself, no remedy was sent, no person touched its ticket, and no
 * other incident explains it. With a proposed override; nothing is applied.
 */
export function findNoise(
  records: Records,
  rule: (name: string) => RuleSpec | undefined,
  query: { client?: string | undefined; nowMs: number },
): Promise<NoiseFinding[]> {
  return records.operator(async (db) => {
    let select = db
      .selectFrom('incident')
      .select(['client_id', 'rule', 'opened_at', 'resolved_at', 'evidence'])
      .select(sql<boolean>`state = 'resolved' and resolved_by = 'itself' and merged_into is null`.as('alone'))
      .select((eb) =>
        eb
          .exists(
            eb
              .selectFrom('job')
              .select('job_id')
              .whereRef('job.incident_id', '=', 'incident.incident_id')
              .where('job.sent_at', 'is not', null),
          )
          .as('mended'),
      )
      .select((eb) =>
        eb
          .exists(
            eb
              .selectFrom('ticket')
              .innerJoin('ticket_event', 'ticket_event.ticket_id', 'ticket.ticket_id')
              .select('ticket.ticket_id')
              .whereRef('ticket.incident_id', '=', 'incident.incident_id')
              .where('ticket_event.who', '<>', 'vigia'),
          )
          .as('handled'),
      )
      .where('opened_at', '>', at(query.nowMs - BUDGET_DAYS * DAY_MS))
      .where('scope', '=', 'device')
    if (query.client !== undefined) select = select.where('client_id', '=', query.client)
    const rows = await select.execute()
    const counts = await db
      .selectFrom('device')
      .select('client_id')
      .select((eb) => eb.fn.countAll<number>().as('devices'))
      .where('revoked_at', 'is', null)
      .groupBy('client_id')
      .execute()
    const devicesOf = new Map(counts.map((row) => [row.client_id, row.devices]))
    const groups = Map.groupBy(rows, (row) => `${row.client_id}\n${row.rule}`)
    return [...groups.values()]
      .flatMap((group): NoiseFinding[] => {
        const [first] = group
        const spec = first === undefined ? undefined : rule(first.rule)
        if (first === undefined || spec === undefined) return []
        const devices = devicesOf.get(first.client_id) ?? 0
        const budget = budgetFor(spec.noiseBudget, devices)
        const ignored: Ignored[] = group
          .filter((row) => row.alone && !row.mended && !row.handled)
          .map((row) => ({
            lastedMs: ms(row.resolved_at ?? row.opened_at) - ms(row.opened_at),
            value: row.evidence.value,
          }))
        if (ignored.length <= budget) return []
        const proposal = propose(spec, { client: first.client_id, ignored, budget, devices })
        return [
          {
            ...{ client: first.client_id, rule: spec.name, ignored: ignored.length },
            ...{ incidents: group.length, devices, budget, proposal },
          },
        ]
      })
      .toSorted((a, b) => b.ignored - b.budget - (a.ignored - a.budget))
  })
}

/** How many incidents of a rule a client of so many devices may ignore in a month. */
export function budgetFor(noiseBudget: number, devices: number): number {
  return Math.max(LEAST, Math.round((noiseBudget * devices) / PER_DEVICES))
}
