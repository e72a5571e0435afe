import { randomBytes, randomUUID } from 'node:crypto'
import type { Db } from '../../../server/records/records.ts'
import { at, json } from '../../../server/records/schema.ts'

const START_MS = 1_700_000_000_000
const TITLE = { en: 'Disk fills', es: 'El disco se llena' }

/** A device's id from a number. */
export function deviceId(number: number): string {
  return `d-${'abcdefghijklmnopqrstuvwxyz234567'[number % 32]}${'a'.repeat(15)}`
}

/** One row in every table that holds rows of clients, and what they refer to. Answers the ids. */
export async function seedClient(
  db: Db,
  client: string,
  device: string,
  words = 'words',
): Promise<{ incident: string; job: string; ticket: string }> {
  const own = { client_id: client, device_id: device }
  const [incident, job, ticket] = [randomUUID(), randomUUID(), randomUUID()]
  const hash = randomBytes(32).toString('hex')
  await db
    .insertInto('client')
    .values({ client_id: client, name: words, created_at: at(START_MS) })
    .execute()
  await db
    .insertInto('device')
    .values({
      ...own,
      ...{ hostname: 'pc', os: 'linux', arch: 'x64', certificate_serial: hash, tags: [words] },
      certificate_expires_at: at(START_MS + 1),
      enrolled_at: at(START_MS),
      policy: json({ services: [words] }),
    })
    .execute()
  await db
    .insertInto('device_layout')
    .values({ ...own, hash: 'a', layout: json({ v: 1, hash: 'a', series: [] }), seen_at: at(START_MS) })
    .execute()
  await db
    .insertInto('device_fact')
    .values({ ...own, kind: 'os', at: at(START_MS), document: json({ words }) })
    .execute()
  await db
    .insertInto('enrol_token')
    .values({
      ...{ token_id: hash.slice(0, 16), client_id: client, secret_hash: hash },
      ...{ created_at: at(START_MS), expires_at: at(START_MS + 1) },
    })
    .execute()
  await db
    .insertInto('script')
    .values({
      ...{ digest: hash, name: 'fix', version: 1, approved_by: ['a'], approved_at: at(START_MS) },
      ...{ content: json({}), envelope: json({}) },
    })
    .execute()
  await db
    .insertInto('incident')
    .values({
      ...{ ...own, incident_id: incident, rule: 'disk-full', rule_version: '1', title: json(TITLE) },
      ...{
        cause: words,
        metric: 'disk.used_percent',
        labels: json({ mount: '/' }),
        fingerprints: ['a', 'b'],
      },
      ...{ severity: 'warning', impact: 'low', tier: 'L1', priority: 'P3', state: 'open' },
      ...{ opened_at: at(START_MS), evidence: json({ value: 1 }), runbook: words, remedy: null },
    })
    .execute()
  await db
    .insertInto('incident_event')
    .values({
      client_id: client,
      incident_id: incident,
      at: at(START_MS),
      kind: 'opened',
      detail: json({ words }),
    })
    .execute()
  await db
    .insertInto('job')
    .values({
      ...{ ...own, job_id: job, incident_id: incident, script_digest: hash, parameters: json({}) },
      ...{
        state: 'pending',
        ordered_by: 'a',
        created_at: at(START_MS),
        expires_at: at(START_MS),
        sequence: 7,
      },
      stdout: words,
    })
    .execute()
  await db
    .insertInto('ticket')
    .values({
      ...{ ...own, ticket_id: ticket, incident_id: incident, title: json(TITLE), body: json({ why: words }) },
      ...{ tier: 'L1', priority: 'P3', state: 'new', opened_at: at(START_MS), due_at: at(START_MS) },
    })
    .execute()
  await db
    .insertInto('ticket_event')
    .values({ client_id: client, ticket_id: ticket, at: at(START_MS), who: 'a', kind: 'note', text: words })
    .execute()
  await db
    .insertInto('ledger')
    .values({
      ...{ ...own, ledger_id: randomUUID(), incident_id: incident, job_id: job, rule: 'disk-full' },
      ...{ title: json(TITLE), remedy: 'clear-temp', at: at(START_MS), detected_at: at(START_MS) },
      ...{ unit: 'percent', before: 97.5, after: Number.NaN, took_ms: 1 },
    })
    .execute()
  await db
    .insertInto('maintenance_window')
    .values({
      ...{ ...own, window_id: randomUUID(), reason: words, created_by: 'a' },
      ...{ starts_at: at(START_MS), ends_at: at(START_MS + 1) },
    })
    .execute()
  await db
    .insertInto('maintenance_schedule')
    .values({
      ...{ ...own, schedule_id: randomUUID(), reason: words, created_by: 'a', created_at: at(START_MS) },
      recurrence: json({ timeZone: 'UTC', weekdays: ['sun'], weeks: [], from: '02:00', minutes: 60 }),
    })
    .execute()
  await db
    .insertInto('silence')
    .values({
      ...{ silence_id: randomUUID(), client_id: client, matchers: json({ rule: words }), reason: words },
      ...{ starts_at: at(START_MS), ends_at: at(START_MS + 1), created_by: 'a', created_at: at(START_MS) },
    })
    .execute()
  await db
    .insertInto('client_calendar')
    .values({
      ...{ client_id: client, changed_at: at(START_MS), changed_by: words },
      calendar: json({ timeZone: 'UTC', hours: {}, holidays: [] }),
    })
    .execute()
  await db
    .insertInto('alert_state')
    .values({ ...own, fingerprint: words, firing: true, alert: json({ words }), judged: json({}) })
    .execute()
  await db
    .insertInto('suppression')
    .values({
      ...{ ...own, rule: 'disk-full', fingerprint: words, what: 'incident', by_kind: 'silence', by_id: 'a' },
      ...{ why: words, started_at: at(START_MS) },
    })
    .execute()
  await db
    .insertInto('hostile_sample')
    .values({
      ...own,
      at: at(START_MS),
      reason: 'x',
      topic: 't',
      bytes: 3,
      head: Buffer.from([0, 9, 10, 92, 255]),
    })
    .execute()
  await db
    .insertInto('presence')
    .values({ ...own, online_at: at(START_MS) })
    .execute()
  const run = randomUUID()
  await db
    .insertInto('run')
    .values({
      ...{ run_id: run, script_digest: hash, request: json({ words }), state: 'running', ordered_by: words },
      ...{ created_at: at(START_MS), waves: [1, 100], wave_started_at: [at(START_MS)], why: null },
      ...{ schedule_id: null, allowed_clients: [client], started_at: null, ended_at: null, next_at: null },
    })
    .execute()
  await db
    .insertInto('run_device')
    .values({ ...own, run_id: run, wave: 0, place: 0, job_id: job, left_out: null })
    .execute()
  await db
    .insertInto('saved_view')
    .values({ view_id: run, name: words, client_id: client, selector: words, shared: true, owner: client })
    .execute()
  await db
    .insertInto('secret')
    .values({
      ...{ secret_id: run, name: 'vpn', client_id: client, sealed: Buffer.from([0, 10, 92, 255]) },
      ...{ changed_at: at(START_MS), changed_by: words },
    })
    .execute()
  await db
    .insertInto('remote_session')
    .values({
      ...{ ...own, session_id: run, kind: 'terminal', control: true, technician: words, keyid: hash },
      ...{ reason: words, request: json({ words }), state: 'closed', why: null, requested_at: at(START_MS) },
      ...{ opened_at: null, closed_at: null, recording: null, recording_sha256: null },
    })
    .execute()
  await db
    .insertInto('audit')
    .values({
      ...{
        at: at(START_MS),
        who: 'a',
        action: 'b',
        client_id: client,
        subject: 's',
        detail: json({ words }),
      },
      ...{ previous_hash: hash, hash },
    })
    .execute()
  return { incident, job, ticket }
}
