import { connect } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toJSONSchema } from 'zod'
import type * as z from 'zod'
import { usualCalendar } from '../../contract/calendar.ts'
import { EVENT_STREAM, OUTPUT_STREAM, ROUTES, type RouteName } from '../../contract/http.ts'
import { RunRequest } from '../../contract/run.ts'
import { LiveEvent } from '../../contract/views.ts'
import { createLive } from '../../server/notify/live.ts'
import { listenWithin } from '../../server/notify/seen-events.ts'
import { remoteRequest, sealRemote } from '../agent/remote/signing.ts'
import { eventually } from '../support/installation.ts'
import { NOTHING, openTwoClients, type Answer, type Person, type Things } from './two-clients.ts'
import { aboutNothing, told } from './told.ts'

const names = Object.keys(ROUTES) as RouteName[]
let site: Awaited<ReturnType<typeof openTwoClients>>

beforeAll(async () => {
  site = await openTwoClients()
}, 60_000)
afterAll(() => site.close(), 30_000)

/** Tell nothing of any client: what is the MSP's, or one's own. */
const OF_NO_CLIENT: readonly RouteName[] = [
  ...(['me', 'scripts', 'script', 'articles', 'article', 'trust', 'trustText', 'verifyAudit'] as const),
  ...(['people', 'ruleSchema', 'rulePacks', 'rulePack', 'rulePackHistory'] as const),
]
/** Tell figures without names, or what is only there for a while; each has a test of its own below. */
const APART: readonly RouteName[] = ['rules', 'backtests', 'backtest']

describe('a person who works for some clients only', () => {
  const reading = names.filter((name) => {
    const { method, access } = ROUTES[name]
    return method === 'GET' && (access === 'person' || access === 'owner')
  })

  it.each(reading)('hears from %s as if the others were not there', async (name) => {
    expect(await told(site, 'limited', name, site.other)).toEqual({ shows: [], differs: [], faults: [] })
    const { shows, differs, faults } = await told(site, 'whole', name, site.other)
    // Else this test would not see what is told, and the route belongs into one of the lists above.
    expect([shows.length + differs.length > 0, faults]).toEqual([
      !OF_NO_CLIENT.includes(name) && !APART.includes(name),
      [],
    ])
    const own = await told(site, 'limited', name, site.theirs)
    expect(own.faults).toEqual([])
    if (name !== 'me')
      expect(own.shows.length + own.differs.length > 0).toBe(shows.length + differs.length > 0)
  })

  it('has rules counted on their devices', async () => {
    await site.ask('whole', '/api/rules/coverage')
    const devicesOf = async (person: Person): Promise<number> => {
      const { rules } = JSON.parse((await site.ask(person, '/api/rules')).text) as {
        rules: { name: string; devices: Record<string, number> }[]
      }
      const rule = rules.find(({ name }) => name === 'cpu-unusual')
      return Object.values(rule?.devices ?? {}).reduce((sum, count) => sum + count, 0)
    }
    expect([await devicesOf('limited'), await devicesOf('whole')]).toEqual([1, 2])
  })

  it('has backtests go through their devices, and knows of no other', async () => {
    const start = async (person: Person, body: object): Promise<string> => {
      const { text } = await site.ask(person, '/api/rules/backtests', { method: 'POST', body })
      return (JSON.parse(text) as { id: string }).id
    }
    const ended = (person: Person, id: string) =>
      eventually('the end of a backtest', 20_000, async () => {
        const { text } = await site.ask(person, `/api/rules/backtests/${id}`)
        const view = JSON.parse(text) as { id: string; state: string; progress: object; error: object | null }
        return view.state === 'running' ? undefined : view
      })
    const foreign: string[] = []
    for (const body of [{}, { client: site.other.client }]) {
      const id = await start('whole', body)
      await ended('whole', id)
      foreign.push(id)
    }
    const own = await ended('limited', await start('limited', {}))
    expect(own).toMatchObject({ state: 'done', progress: { devices: 1 } })
    const listed = JSON.parse((await site.ask('limited', '/api/rules/backtests')).text) as {
      backtests: object[]
    }
    expect(listed.backtests).toEqual([own])
    for (const id of foreign) {
      expect((await site.ask('limited', `/api/rules/backtests/${id}`)).status).toBe(404)
      const cancel = await site.ask('limited', `/api/rules/backtests/${id}/cancel`, {
        method: 'POST',
        body: {},
      })
      expect(cancel.status).toBe(404)
    }
    const [named, absent] = [
      await ended('limited', await start('limited', { device: site.other.device })),
      await ended('limited', await start('limited', { device: NOTHING.device })),
    ]
    expect(named).toMatchObject({ state: 'failed', error: { code: 'NOT_FOUND' } })
    expect(aboutNothing(JSON.stringify(named.error), site.other)).toBe(JSON.stringify(absent.error))
  }, 60_000)

  it('is not told the metrics, which count over all clients', async () => {
    expect((await site.ask('limited', '/metrics')).status).toBe(403)
    expect((await site.ask('whole', '/metrics')).text).toContain('vigia_broker_sessions')
  })

  it('plans a run over their devices alone', async () => {
    const planned = async (person: Person, target: object): Promise<Answer> =>
      site.ask(person, '/api/runs/plan', { method: 'POST', body: { script: 'battery-report', target } })
    const every = { kind: 'selector', client: null, selector: 'true' }
    expect((await planned('whole', every)).text).toContain(site.other.device)
    const own = await planned('limited', every)
    expect(own.text).toContain(site.theirs.device)
    expect(own.text).not.toContain(site.other.device)
    const named = await planned('limited', { kind: 'devices', devices: [site.other.device] })
    expect(named.status).toBe(404)
  })

  it('hears of what happens at their clients, and of nothing else, whatever its kind', async () => {
    const live = createLive((error) => expect.unreachable(String(error)))
    const heard: LiveEvent[] = []
    const { records, theirs, other } = site
    const options = {
      records,
      clients: [theirs.client],
      onFault: (error: unknown) => expect.unreachable(String(error)),
    }
    const stop = listenWithin(live.events, options, (event) => void heard.push(event))
    const eventsOf = ({ device, ids }: Things): LiveEvent[] =>
      LiveEvent.options.map(({ shape }) => {
        const type = shape.type.value
        const id = ids[type === 'run' ? 'run_device' : type === 'remote' ? 'remote_session' : (type as 'job')]
        return LiveEvent.parse({ type, device, id, timeMs: 1 })
      })
    for (const event of [...eventsOf(other), ...eventsOf(theirs)]) live.events.emit(event)
    await expect.poll(() => heard.length).toBeGreaterThan(0)
    const byType = (events: LiveEvent[]): LiveEvent[] => events.toSorted((a, b) => (a.type < b.type ? -1 : 1))
    expect(byType(heard)).toEqual(byType(eventsOf(theirs)))
    stop()
  })

  it('is streamed the events and outputs of their clients', async () => {
    const events = await follow(EVENT_STREAM)
    for (const { device } of [site.other, site.theirs])
      await site.local.call('setTags', { params: { device }, body: { tags: ['laptop'] } })
    await expect.poll(events).toContain(site.theirs.device)
    expect(events()).not.toContain(site.other.device)
    const output = (things: Things) => OUTPUT_STREAM.replace(':id', things.ids.job)
    const refused = await site.ask('limited', output(site.other))
    const absent = await site.ask('limited', output(NOTHING))
    expect([refused.status, aboutNothing(refused.text, site.other)]).toEqual([404, absent.text])
    expect((await follow(output(site.theirs)))()).toContain('retry')
  })

  it('changes nothing of others, as if they were not there, and nothing that is for all', async () => {
    const before = await rowsOf(site.other)
    for (const [name, { table = 'job', body: bodyOf }] of Object.entries(CHANGES)) {
      const change = async (about: Things): Promise<Answer & { code: string }> => {
        const { method, path } = ROUTES[name as RouteName]
        const id = about.ids[table]
        const where = path
          .replace(':device', about.device)
          .replace(':client', about.client)
          .replace(':id', id)
        const query = name === 'removeSecret' ? `?client=${about.client}` : ''
        const body = bodyOf?.(about)
        const answer = await site.ask('limited', where.replace(':name', 'vpn') + query, { method, body })
        return { ...answer, code: (JSON.parse(answer.text) as { code?: string }).code ?? 'ok' }
      }
      const refused = await change(site.other)
      const absent = await change(NOTHING)
      expect([name, refused.code]).toEqual([name, 'NOT_FOUND'])
      expect(aboutNothing(refused.text, site.other)).toBe(absent.text)
      expect(['NOT_FOUND', 'FORBIDDEN', 'REQUEST_INVALID']).not.toContain((await change(site.theirs)).code)
    }
    expect(await rowsOf(site.other)).toEqual(before)
    const wide = { startsAtMs: 0, endsAtMs: 4e12, reason: 'all', matchers: { rule: 'cpu-unusual' } }
    for (const [path, body] of [
      ['/api/silences', wide],
      ['/api/secrets', { name: 'vpn', client: null, value: 'v' }],
      ['/api/rules/reload', undefined],
    ] as const)
      expect([path, (await site.ask('limited', path, { method: 'POST', body })).status]).toEqual([path, 403])
  })

  it('opens no session on a device of others, and is told no more of it than of one that is not there', async () => {
    const open = async (about: Things): Promise<Answer> => {
      const { client, device } = about
      const request = remoteRequest(Date.now(), { client, device, technician: 'limited' })
      const body = sealRemote(request, [site.technician])
      const { path, method } = ROUTES.openRemote
      return site.ask('limited', path, { method, body })
    }
    const [refused, absent] = [await open(site.other), await open(NOTHING)]
    expect([refused.status, aboutNothing(refused.text, site.other)]).toEqual([404, absent.text])
    expect((await open({ ...site.other, client: site.theirs.client })).text).toBe(refused.text)
    const own = JSON.parse((await open(site.theirs)).text) as { code: string }
    expect(own.code).toBe('REMOTE_UNAVAILABLE')
  })

  it('learns from no body that names a device whether it is there', async () => {
    const window = { startsAtMs: 0, endsAtMs: 4e12, reason: 'r' }
    const every = { kind: 'devices' } as const
    const bodies: Partial<Record<RouteName, (device: string) => unknown>> = {
      addMaintenance: (device) => ({ ...window, client: site.theirs.client, device }),
      addMaintenanceSchedule: (device) => ({ ...weekly(site.theirs.client), device }),
      addSilence: (device) => ({ ...window, client: site.theirs.client, matchers: { device } }),
      createJob: (device) => ({ device, script: 'battery-report', parameters: {} }),
      createRun: (device) => ({ script: 'battery-report', target: { ...every, devices: [device] } }),
      planRun: (device) => ({ script: 'battery-report', target: { ...every, devices: [device] } }),
    }
    const asking = names.filter((name) => {
      const { method, access, body }: { method: string; access: string; body?: z.ZodType } = ROUTES[name]
      const shape = body && JSON.stringify(toJSONSchema(body, { io: 'input', unrepresentable: 'any' }))
      return method !== 'GET' && access !== 'local' && /"(device|devices)":/.test(shape ?? '')
    })
    // A backtest says so when it has ended: see above.
    expect([...Object.keys(bodies), 'startBacktest'].sort()).toEqual(asking.sort())
    for (const [name, bodyOf] of Object.entries(bodies)) {
      const { method, path } = ROUTES[name as RouteName]
      const told = async ({ device }: Things): Promise<Answer> => {
        const { status, text } = await site.ask('limited', path, { method, body: bodyOf(device) })
        return { status, text: text.replaceAll(/"(id|(startedAt|madeAt|createdAt)Ms)":("[^"]*"|\d+)/g, '') }
      }
      const [foreign, absent] = [await told(site.other), await told(NOTHING)]
      expect([name, foreign.status]).toEqual([name, absent.status])
      expect(aboutNothing(foreign.text, site.other)).toBe(absent.text)
    }
  })

  it('sees of a run over several clients the rows of theirs, however long the table is', async () => {
    const run = await longRun()
    const table = `/api/runs/${run}/results?format=csv`
    expect((await site.ask('whole', table)).text.match(/quince-\d/g)).toHaveLength(LONG / 2)
    // Behind another request in the same connection: what is sent then is asked for by the end of the other.
    const own = await pipelined(['/healthz', table])
    expect(own.match(/lemon-\d/g)).toHaveLength(LONG / 2)
    expect(own).not.toContain('quince')
    const { text } = await site.ask('limited', `/api/runs/${run}`)
    expect(JSON.parse(text)).toMatchObject({
      devices: LONG / 2,
      request: { target: { devices: [site.theirs.device] } },
    })
  })
})

const weekly = (client: string) => ({
  client,
  recurrence: { timeZone: 'UTC', weekdays: ['sun'], from: '02:00', minutes: 60 },
  reason: 'r',
})

/** Every route that changes something of a client, the second factor shown, and what it is sent. */
const CHANGES: Partial<
  Record<RouteName, { table?: keyof Things['ids']; body?: (about: Things) => unknown }>
> = {
  setTags: { body: () => ({ tags: ['server'] }) },
  updateTicket: { table: 'ticket', body: () => ({ action: 'note', text: 'hm' }) },
  createJob: { body: ({ device }) => ({ device, script: 'battery-report', parameters: {} }) },
  cancelJob: { table: 'job', body: () => ({}) },
  createRun: {
    body: ({ device }) => ({ script: 'battery-report', target: { kind: 'devices', devices: [device] } }),
  },
  rerunFailed: { table: 'run_device', body: () => ({}) },
  cancelRun: { table: 'run_device', body: () => ({}) },
  closeRemote: { table: 'remote_session', body: () => ({}) },
  saveView: { body: ({ client }) => ({ name: 'mine', client, selector: 'true', shared: true }) },
  removeView: { table: 'saved_view' },
  setSecret: { body: ({ client }) => ({ name: 'vpn', client, value: 'v' }) },
  removeSecret: {},
  addSilence: { body: ({ client }) => ({ client, startsAtMs: 0, endsAtMs: 4e12, reason: 'r' }) },
  changeSilence: { table: 'silence', body: () => ({ reason: 'changed' }) },
  endSilence: { table: 'silence' },
  addMaintenance: {
    body: ({ client }) => ({ client, device: null, startsAtMs: 0, endsAtMs: 4e12, reason: 'r' }),
  },
  endMaintenance: { table: 'maintenance_window' },
  addMaintenanceSchedule: {
    body: ({ client }) => weekly(client),
  },
  endMaintenanceSchedule: { table: 'maintenance_schedule' },
  setHours: { body: () => usualCalendar('UTC') },
}

it('the changing routes above are all that change something of a client and are not of the machine alone', () => {
  const changing = names.filter((name) => {
    const route = ROUTES[name]
    return (
      route.method !== 'GET' &&
      route.access !== 'local' &&
      !['own', 'none', 'everyone'].includes(route.touches)
    )
  })
  expect(Object.keys(CHANGES).sort()).toEqual(changing.sort())
})

async function follow(path: string): Promise<() => string> {
  let text = ''
  const answer = await fetch(site.url + path, { headers: site.headers('limited') })
  void (async () => {
    for await (const piece of answer.body ?? []) text += Buffer.from(piece as Uint8Array).toString()
  })().catch(() => undefined)
  await expect.poll(() => text).toContain('retry')
  return () => text
}

async function rowsOf({ client }: Things): Promise<unknown> {
  return site.records.operator(async (db) => {
    const tables = [
      'device',
      'ticket',
      'ticket_event',
      'job',
      'silence',
      'maintenance_window',
      'secret',
      'saved_view',
    ]
    const all = [...tables, 'maintenance_schedule', 'client_calendar', 'remote_session', 'run_device']
    const rows = all.map((table) =>
      sql`select to_jsonb(t) - 'last_seen' as row from ${sql.table(table)} t where client_id = ${client} order by 1`.execute(
        db,
      ),
    )
    return (await Promise.all(rows)).map((one) => one.rows)
  })
}

/** Sends requests of the limited person at once in one connection, and answers all that comes back. */
async function pipelined(paths: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(site.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    paths
      .map((path, index) => {
        const last = index === paths.length - 1 ? 'close' : 'keep-alive'
        return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${site.headers('limited').cookie}\r\nConnection: ${last}\r\n\r\n`
      })
      .join(''),
  )
  let text = ''
  for await (const piece of socket) text += String(piece)
  return text
}

const LONG = 1200

/** A run over many devices of both clients, in turn. */
async function longRun(): Promise<string> {
  const { theirs, other } = site
  const id = theirs.ids.run_device.replace(/^.{8}/, '00000000')
  const device = sql`'d-' || rpad(translate(i::text, '0123456789', 'abcdefghij'), 16, 'k')`
  const client = sql`case when i % 2 = 0 then ${theirs.client} else ${other.client} end`
  const target = { kind: 'devices', devices: [theirs.device, other.device] }
  await site.records.operator(async (db) => {
    await sql`insert into device select (jsonb_populate_record(null::device, to_jsonb(d) || jsonb_build_object(
      'device_id', ${device}, 'client_id', ${client}, 'machine_id', null, 'certificate_serial', i::text,
      'hostname', case when i % 2 = 0 then 'lemon-' else 'quince-' end || i))).*
      from device d, generate_series(1, ${LONG}::integer) i where device_id = ${theirs.device}`.execute(db)
    await sql`insert into run select (jsonb_populate_record(null::run, to_jsonb(run) || jsonb_build_object(
      'run_id', ${id}::text, 'request', ${JSON.stringify(RunRequest.parse({ script: 'battery-report', target }))}::jsonb))).*
      from run where run_id = ${theirs.ids.run_device}`.execute(db)
    await sql`insert into run_device (run_id, client_id, device_id, wave, place)
      select ${id}::uuid, ${client}, ${device}, 0, i from generate_series(1, ${LONG}::integer) i`.execute(db)
  })
  return id
}
