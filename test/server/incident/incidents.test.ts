import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LiveEvent } from '../../../contract/views.ts'
import { Incident, IncidentEvent } from '../../../contract/incident.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import { createIncidents, type Incidents } from '../../../server/incident/incidents.ts'
import type { Records } from '../../../server/records/records.ts'
import { at } from '../../../server/records/schema.ts'
import { testRecords } from '../records/clusters.ts'
import { alert, ruleFacts } from './alerts.ts'

const NOW = 1_800_000_000_000
let opened: Awaited<ReturnType<typeof testRecords>>
let records: Records
let incidents: Incidents
let events: LiveEvent[]

beforeAll(async () => {
  opened = await testRecords()
  records = opened.records
  await records.operator(async (db) => {
    for (const client of ['demo', 'other'])
      await db
        .insertInto('client')
        .values({ client_id: client, name: client, created_at: at(NOW) })
        .execute()
    for (const [device, client] of [
      ['d-aaaaaaaaaaaaaaaa', 'demo'],
      ['d-bbbbbbbbbbbbbbbb', 'other'],
    ] as const)
      await db
        .insertInto('device')
        .values({
          ...{ device_id: device, client_id: client, site: null, hostname: 'pc', os: 'linux', arch: 'x64' },
          ...{ machine_id: null, certificate_serial: '1', certificate_expires_at: at(NOW), boot_time: null },
          ...{ last_seen: null, lab_until: null, lab_reason: null, enrolled_at: at(NOW), revoked_at: null },
        })
        .execute()
  })
})
afterAll(() => opened.close())
beforeEach(() => {
  events = []
  incidents = createIncidents({
    records,
    rule: (name) => (name === 'gone' ? undefined : ruleFacts()),
    emit: (event) => void events.push(event),
  })
})
const one = (cause: string, over: Partial<AlertTransition> & { value?: number } = {}) =>
  alert({ cause, atMs: NOW, ...over })

describe('incidents in the records', () => {
  it('are stored, shown and told as the contract says', async () => {
    const [change] = await incidents.apply([one('a')])
    expect(change).toMatchObject({ change: 'opened', client: 'demo', device: 'd-aaaaaaaaaaaaaaaa' })
    expect(events).toEqual([{ type: 'incident', id: change?.id, device: 'd-aaaaaaaaaaaaaaaa' }])
    const { incident, events: story } = await incidents.get(change!.id)
    expect(Incident.parse(incident)).toMatchObject({ hostname: 'pc', remedy: 'clear-temp', ticket: null })
    expect(story.map((line) => IncidentEvent.parse(line).kind)).toEqual(['opened'])
    await incidents.apply([one('a', { kind: 'resolved', atMs: NOW + 5 })])
    expect((await incidents.get(change!.id)).incident).toMatchObject({
      state: 'resolved',
      resolvedAtMs: NOW + 5,
    })
  })

  it('are exactly one for a cause, however many open it at once', async () => {
    const alerts = Array.from({ length: 24 }, (_x, i) => [one('race', { fingerprint: `f${i % 6}` })])
    const changes = (await Promise.all(alerts.map((list) => incidents.apply(list)))).flat()
    expect(changes.filter((change) => change.change === 'opened')).toHaveLength(1)
    expect(new Set(changes.map((change) => change.id)).size).toBe(1)
    const rows = await records.operator((db) =>
      db.selectFrom('incident').select(['fingerprints', 'state']).where('cause', '=', 'race').execute(),
    )
    expect(rows).toHaveLength(1)
    expect([...rows[0]!.fingerprints].sort()).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'f5'])
  })

  it('neither deadlock nor differ when batches name the same causes in another order', async () => {
    const causes = ['x1', 'x2', 'x3', 'x4', 'x5']
    const batch = (list: string[]) => incidents.apply(list.map((cause) => one(cause)))
    await Promise.all(Array.from({ length: 12 }, (_x, i) => batch(i % 2 ? causes : causes.toReversed())))
    const rows = await records.operator((db) =>
      db.selectFrom('incident').select('cause').where('cause', 'in', causes).execute(),
    )
    expect(rows.map((row) => row.cause).sort()).toEqual(causes)
  })

  it('take a replay of what was applied before without a second incident', async () => {
    const alerts = [one('again'), one('again', { kind: 'resolved', atMs: NOW + 1000 })]
    await incidents.apply(alerts)
    expect(await incidents.apply(alerts)).toEqual([])
  })

  it('belong to their client: rows of one are not seen as another', async () => {
    await incidents.apply([one('mine'), one('theirs', { client: 'other', device: 'd-bbbbbbbbbbbbbbbb' })])
    const seen = await records.tenant('other', (db) => db.selectFrom('incident').select('cause').execute())
    expect(seen).toEqual([{ cause: 'theirs' }])
    expect((await incidents.list({ limit: 100, client: 'other' })).map((row) => row.cause)).toEqual([
      'theirs',
    ])
  })

  it('are not made for devices that are unknown or another client’s, and the rest of the batch goes on', async () => {
    const changes = await incidents.apply([
      one('stranger', { device: 'd-zzzzzzzzzzzzzzzz' }),
      one('stranger', { device: 'd-bbbbbbbbbbbbbbbb' }),
      one('stranger', { rule: 'gone' }),
      one('known'),
    ])
    expect(changes).toHaveLength(1)
  })

  it('survive what a hostile device puts into its labels', async () => {
    const hostile = 'a\0b\ud800<script>alert(1)</script>'
    const over = { cause: hostile, fingerprint: hostile, labels: { mount: hostile }, metric: `x${hostile}` }
    const [change] = await incidents.apply([one('', over)])
    expect(change?.change).toBe('opened')
    expect(await incidents.apply([one('', { ...over, kind: 'resolved', atMs: NOW + 1 })])).toMatchObject([
      { change: 'resolved', id: change?.id },
    ])
  })

  it('leave nothing when one of a batch cannot be stored', async () => {
    const bad = one('bad', { evidence: { ...alert().evidence, sentence: 1n as never } })
    await expect(incidents.apply([one('good'), bad])).rejects.toThrow()
    expect((await incidents.list({ limit: 1000 })).some((row) => row.cause === 'good')).toBe(false)
    expect(events).toEqual([])
  })

  it('are listed newest first, by state, device and time', async () => {
    await incidents.apply([one('older', { atMs: NOW - 5000 }), one('newer', { atMs: NOW + 50_000 })])
    const all = await incidents.list({ limit: 1000, client: 'demo' })
    expect(all[0]?.cause).toBe('newer')
    expect(all.map((row) => row.openedAtMs)).toEqual(
      all.map((row) => row.openedAtMs).toSorted((a, b) => b - a),
    )
    expect((await incidents.list({ limit: 1000, sinceMs: NOW + 1 })).map((row) => row.cause)).toEqual([
      'newer',
    ])
    expect(
      (await incidents.list({ limit: 1000, state: 'resolved' })).every((row) => row.state === 'resolved'),
    ).toBe(true)
    expect(await incidents.list({ limit: 1, device: 'd-bbbbbbbbbbbbbbbb' })).toHaveLength(1)
    await expect(incidents.get(crypto.randomUUID())).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
