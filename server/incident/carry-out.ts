import { randomUUID } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { IncidentEvent, IncidentMember } from '../../contract/incident.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import type { Host, Step } from '../../rules/noise/state.ts'
import type { Db } from '../records/records.ts'
import { at, json, ms, text, type Tables } from '../records/schema.ts'
import { tell, toColumns, toCore } from './rows.ts'
import { siteAlert, siteFacts } from './site.ts'
import { transition, type Outcome, type RuleFacts } from './transition.ts'

/** What became of an incident, for the stages that come next. */
export type IncidentChange = {
  change: 'opened' | 'reopened' | 'updated' | 'resolved'
  id: string
  client: string
  device: string
  rule: string
  worsened: boolean
  why: string
}

/** What is to be done about incidents; the log of suppressions is kept elsewhere. */
export type IncidentStep = Exclude<Step, { do: 'suppress' | 'release' }>

type IncidentRow = Selectable<Tables['incident']>
/** One transaction's work for one client. */
type Work = { db: Db; client: string; rule: (name: string, device: string) => RuleFacts | undefined }
/** Of a whole site only so many devices are named; the count stays right. */
const MOST_MEMBERS = 500

/** Carries one step out; undefined when it changes nothing, since it was done before or its incident is gone. */
export async function carryOut(work: Work, step: IncidentStep): Promise<IncidentChange | undefined> {
  switch (step.do) {
    case 'fire':
    case 'clear':
      return applyAlert(work, step.alert)
    case 'site': {
      const alert = siteAlert(work.client, step)
      return alert === undefined ? undefined : applyAlert(work, alert, step.site)
    }
    case 'site-over': {
      const row = await hostOf(work, { of: 'site', site: step.site })
      if (row === undefined) return undefined
      const over = { ...row.evidence, value: 0, sentence: 'Fewer than half of its devices are silent.' }
      return applyAlert(
        work,
        { ...alertOf(row), kind: 'resolved', atMs: step.atMs, evidence: over },
        step.site,
      )
    }
    case 'merge':
      return merge(work, step)
    case 'join':
    case 'leave':
      return member(work, step)
    case 'flapping':
      return flapping(work, step)
    default:
      return step satisfies never
  }
}

async function applyAlert(
  work: Work,
  alert: AlertTransition,
  site?: string,
): Promise<IncidentChange | undefined> {
  const { db, client } = work
  const row = await newestOf(db, alert, site)
  const facts = site === undefined ? work.rule(alert.rule, alert.device) : siteFacts(client, site)
  const outcome = transition(row ? toCore(row) : null, alert, facts)
  if (outcome.change === 'none' || outcome.incident === null) return undefined
  const device = site !== undefined && row && outcome.change !== 'opened' ? row.device_id : alert.device
  const id = await store(db, { client, device, present: row?.incident_id, site }, outcome)
  await tell(db, { client, id }, outcome.events)
  const { change, worsened, why } = outcome
  return { change, id, client, device, rule: alert.rule, worsened, why }
}

/** The newest incident of a cause, an open one first; locked. */
function newestOf(
  db: Db,
  { device, cause }: AlertTransition,
  site: string | undefined,
): Promise<IncidentRow | undefined> {
  const select = db
    .selectFrom('incident')
    .selectAll()
    .orderBy(sql`state <> 'resolved'`, 'desc')
    .orderBy('opened_at', 'desc')
    .limit(1)
    .forUpdate()
  return site === undefined
    ? select.where('device_id', '=', device).where('cause', '=', cause).executeTakeFirst()
    : select.where('scope', '=', 'site').where('site', '=', site).executeTakeFirst()
}

async function store(
  db: Db,
  where: { client: string; device: string; present: string | undefined; site: string | undefined },
  outcome: Outcome,
): Promise<string> {
  if (outcome.incident === null) throw new VigiaError('INTERNAL', 'an incident without content')
  const columns = toColumns(outcome.incident)
  if (outcome.change !== 'opened' && where.present !== undefined) {
    const again = outcome.change === 'reopened' ? { merged_into: null, flapping_since: null } : {}
    await db
      .updateTable('incident')
      .set({ ...columns, ...again })
      .where('incident_id', '=', where.present)
      .execute()
    return where.present
  }
  const id = randomUUID()
  const scope = where.site === undefined ? {} : { scope: 'site' as const, site: text(where.site) }
  await db
    .insertInto('incident')
    .values({ ...columns, ...scope, incident_id: id, client_id: where.client, device_id: where.device })
    .execute()
  return id
}

/** The alert leaves its own incident; when it was the last, that one is over since another explains it. */
async function merge(
  work: Work,
  { alert, into, atMs, why }: Extract<Step, { do: 'merge' }>,
): Promise<IncidentChange | undefined> {
  const [own, host] = [await openOf(work, alert.device, alert.cause), await hostOf(work, into)]
  if (own === undefined || host === undefined || !own.fingerprints.includes(text(alert.fingerprint)))
    return undefined
  const fingerprints = own.fingerprints.filter((one) => one !== text(alert.fingerprint))
  const over = fingerprints.length === 0
  const ended = { state: 'resolved', resolved_at: at(atMs), resolved_by: 'itself' } as const
  await work.db
    .updateTable('incident')
    .set({ fingerprints, ...(over ? { ...ended, merged_into: host.incident_id } : {}) })
    .where('incident_id', '=', own.incident_id)
    .execute()
  const detail = { into: host.incident_id, rule: alert.rule, fingerprint: alert.fingerprint, why }
  return changed(work, own, { kind: 'merged', atMs, detail }, over ? 'resolved' : 'updated')
}

/** An alert begins or ceases to be something that this incident explains. */
async function member(
  work: Work,
  step: Extract<Step, { do: 'join' | 'leave' }>,
): Promise<IncidentChange | undefined> {
  const { alert, atMs } = step
  const host = await hostOf(work, step.do === 'join' ? step.into : step.from)
  if (host === undefined) return undefined
  const present = host.members.find(
    (one) => one.device === alert.device && one.fingerprint === alert.fingerprint && one.untilMs === null,
  )
  if ((step.do === 'join') === (present !== undefined)) return undefined
  const joined = step.do === 'join' ? await memberOf(work, alert) : undefined
  const members =
    joined === undefined
      ? host.members.map((one) => (one === present ? { ...one, untilMs: atMs } : one))
      : [...host.members, joined].slice(-MOST_MEMBERS)
  await work.db
    .updateTable('incident')
    .set({ members: json(members) })
    .where('incident_id', '=', host.incident_id)
    .execute()
  const { sentence, value, unit, threshold } = alert.evidence
  const figures = { metric: alert.metric, value, unit, threshold, sentence }
  const who = {
    device: alert.device,
    hostname: joined?.hostname ?? present?.hostname ?? '',
    rule: alert.rule,
    fingerprint: alert.fingerprint,
  }
  const why = step.do === 'join' ? { why: step.why } : {}
  const kind = step.do === 'join' ? 'joined' : 'left'
  return changed(work, host, { kind, atMs, detail: { ...who, ...figures, ...why } }, 'updated')
}

async function memberOf({ db }: Work, alert: AlertTransition): Promise<IncidentMember> {
  const device = await db
    .selectFrom('device')
    .select('hostname')
    .where('device_id', '=', alert.device)
    .executeTakeFirst()
  return {
    device: alert.device,
    hostname: device?.hostname ?? '',
    rule: alert.rule,
    fingerprint: alert.fingerprint,
    sinceMs: alert.atMs,
    untilMs: null,
    sentence: alert.evidence.sentence,
  }
}

async function flapping(
  work: Work,
  { alert, on, fires, atMs }: Extract<Step, { do: 'flapping' }>,
): Promise<IncidentChange | undefined> {
  const row = await openOf(work, alert.device, alert.cause)
  if (row === undefined) return undefined
  await work.db
    .updateTable('incident')
    .set({ flapping_since: on ? at(atMs) : null })
    .where('incident_id', '=', row.incident_id)
    .execute()
  const why = on
    ? `it came and went ${fires} times within an hour; the incident is kept open until it is quiet`
    : 'it has been quiet for half an hour'
  const detail = { rule: alert.rule, fingerprint: alert.fingerprint, fires, on, why }
  return changed(work, row, { kind: on ? 'flapping' : 'note', atMs, detail }, 'updated')
}

async function changed(
  { db, client }: Work,
  row: IncidentRow,
  event: IncidentEvent,
  change: IncidentChange['change'],
): Promise<IncidentChange> {
  await tell(db, { client, id: row.incident_id }, [event])
  const { incident_id: id, device_id: device, rule } = row
  return { change, id, client, device, rule, worsened: false, why: event.kind }
}

function openOf({ db }: Work, device: string, cause: string): Promise<IncidentRow | undefined> {
  return db
    .selectFrom('incident')
    .selectAll()
    .where('device_id', '=', device)
    .where('cause', '=', text(cause))
    .where('state', '<>', 'resolved')
    .forUpdate()
    .executeTakeFirst()
}

function hostOf(work: Work, host: Host): Promise<IncidentRow | undefined> {
  if (host.of === 'alert') return openOf(work, host.device, host.cause)
  return work.db
    .selectFrom('incident')
    .selectAll()
    .where('scope', '=', 'site')
    .where('site', '=', text(host.site))
    .where('state', '<>', 'resolved')
    .forUpdate()
    .executeTakeFirst()
}

function alertOf(row: IncidentRow): AlertTransition {
  return {
    kind: 'firing',
    rule: row.rule,
    ruleVersion: row.rule_version,
    cause: row.cause,
    client: row.client_id,
    device: row.device_id,
    metric: row.metric,
    labels: row.labels,
    fingerprint: row.fingerprints[0] ?? '',
    atMs: ms(row.opened_at),
    evidence: row.evidence,
  }
}
