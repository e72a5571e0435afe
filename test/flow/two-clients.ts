import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { ServerApi } from '../../cli/server-api.ts'
import { editRoot } from '../../cli/trust/edit.ts'
import { readRoot } from '../../contract/trust/chain.ts'
import { ROOT_TYPE } from '../../contract/trust/dsse.ts'
import { RunRequest } from '../../contract/run.ts'
import type { Db, Records } from '../../server/records/records.ts'
import { envelope, makeSigner, trusted } from '../agent/act/signing.ts'
import { deviceId, seedClient } from '../server/records/seed.ts'
import { openServer } from './whole-server.ts'

/** One client's things: all ids of its rows by table, and a word that stands in its texts. */
export type Things = { client: string; device: string; word: string; ids: Record<Table, string> }
/** `limited` is an owner who works for `theirs` only, `whole` for all. */
export type Person = 'limited' | 'whole'
export type Answer = { status: number; text: string }

const TABLES = {
  ...{ incident: 'incident_id', ticket: 'ticket_id', job: 'job_id', run_device: 'run_id' },
  ...{ silence: 'silence_id', maintenance_window: 'window_id', maintenance_schedule: 'schedule_id' },
  ...{ saved_view: 'view_id', remote_session: 'session_id' },
} as const
type Table = keyof typeof TABLES

const PASSWORD = 'a long enough password'
/** More than a budget of noise takes. */
const IGNORED = 5

const NO_ID = randomUUID()
/** What does not exist. */
export const NOTHING: Things = {
  ...{ client: 'no-such-works', device: deviceId(31), word: 'nothing at all' },
  ids: Object.fromEntries(Object.keys(TABLES).map((table) => [table, NO_ID])) as Things['ids'],
}

/** A whole server whose records hold a row of each kind for two clients, and two people who are signed in. */
export async function openTwoClients() {
  const [approver, technician] = [makeSigner('approver'), makeSigner('limited')]
  const site = await openServer([trusted(approver)])
  const { dataDir, local, records, url } = site
  await records.operator(async (db) => {
    await seedClient(db, 'lemon-works', deviceId(1), 'lemon')
    await seedClient(db, 'quince-works', deviceId(2), 'quince')
    await makeSound(db)
  })
  const theirs = await thingsOf(records, { client: 'lemon-works', device: deviceId(1), word: 'lemon' })
  const other = await thingsOf(records, { client: 'quince-works', device: deviceId(2), word: 'quince' })
  mkdirSync(join(dataDir, 'recordings'), { recursive: true })
  for (const { client, device, word } of [theirs, other]) {
    writeFileSync(join(dataDir, 'recordings', `${client}.cast`), `{"title":"${word}"}\n`)
    // So that the rules learn of it.
    await local.call('setTags', { params: { device }, body: { tags: ['server'] } })
  }
  const cookies = {
    limited: await signIn(url, local, 'limited', [theirs.client]),
    whole: await signIn(url, local, 'whole', null),
  }
  // The limited person may open remote sessions.
  const { text } = await local.call('trustText')
  const next = editRoot(readRoot(text), { addTechnician: [`limited=${technician.publicKey}`] })
  await local.call('applyTrust', { body: envelope(ROOT_TYPE, next, [approver]) })
  // Their second factor stands, and was shown.
  await records.operator(async (db) => {
    await sql`update person set totp_secret = '\\x00'`.execute(db)
    await sql`update person_session set proven_until = now() + interval '1 hour'`.execute(db)
  })

  const headers = (person: Person) => ({ cookie: cookies[person], origin: url })

  return {
    ...{ ...site, theirs, other, technician, headers },
    async ask(person: Person, path: string, change?: { method: string; body?: unknown }): Promise<Answer> {
      const answer = await fetch(url + path, {
        method: change?.method ?? 'GET',
        headers: {
          ...headers(person),
          ...(change?.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(change?.body === undefined ? {} : { body: JSON.stringify(change.body) }),
      })
      return { status: answer.status, text: await answer.text() }
    },
  }
}

async function signIn(
  url: string,
  local: ServerApi,
  name: string,
  clients: string[] | null,
): Promise<string> {
  await local.call('createPerson', { body: { name, password: PASSWORD, role: 'owner', clients } })
  const { headers } = await fetch(`${url}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: PASSWORD }),
  })
  return headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

/** Makes of rows that a database takes such as routes show: of a script that ships, a rule that is known, and so on. */
async function makeSound(db: Db): Promise<void> {
  const { digest } = await db
    .selectFrom('script')
    .select('digest')
    .where('name', '=', 'battery-report')
    .executeTakeFirstOrThrow()
  const target = { kind: 'devices', devices: [deviceId(1), deviceId(2)] }
  const request = JSON.stringify(RunRequest.parse({ script: 'battery-report', target }))
  const evidence = {
    value: 1,
    unit: 'percent',
    threshold: 2,
    forecast: null,
    points: [],
    sentence: 'Unusual.',
  }
  const body = JSON.stringify({ cause: 'c', evidence, runbook: 'r', tried: [], why: 'w' })
  const ended = { state: 'resolved', resolved_by: 'itself', resolved_at: new Date(), opened_at: new Date() }
  for (const statement of [
    sql`update job set script_digest = ${digest}`,
    sql`update run set script_digest = ${digest}, state = 'done', request = ${request},
      schedule_id = run_id`,
    sql`delete from script where name = 'fix'`,
    sql`update incident set rule = 'cpu-unusual', evidence = ${JSON.stringify(evidence)}`,
    sql`insert into incident select (jsonb_populate_record(null::incident, to_jsonb(incident)
      || ${JSON.stringify(ended)}::jsonb || jsonb_build_object('incident_id', gen_random_uuid()))).*
      from incident, generate_series(1, ${IGNORED}::integer)`,
    sql`update ticket set body = ${body}`,
    sql`update ledger set after = 1`,
    sql`update saved_view set selector = 'client == "none"'`,
    sql`update silence set ends_at = now() + interval '1 day'`,
    sql`update maintenance_window set ends_at = now() + interval '1 day'`,
    sql`update remote_session set recording = client_id || '.cast'`,
  ])
    await statement.execute(db)
}

async function thingsOf(records: Records, of: Omit<Things, 'ids'>): Promise<Things> {
  const ids = await records.operator((db) =>
    Promise.all(
      Object.entries(TABLES).map(async ([table, column]) => {
        const { rows } = await sql<{
          id: string
        }>`select ${sql.ref(column)}::text as id from ${sql.table(table)}
          where client_id = ${of.client} limit 1`.execute(db)
        return [table, rows[0]?.id ?? ''] as const
      }),
    ),
  )
  return { ...of, ids: Object.fromEntries(ids) as Things['ids'] }
}
