import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Incident } from '../../../contract/incident.ts'
import { Suppression } from '../../../contract/noise.ts'
import { FLAP_QUIET_MS } from '../../../rules/noise/judge.ts'
import { at } from '../../../server/records/schema.ts'
import { sweepSuppressions } from '../../../server/noise/suppressions.ts'
import { tell } from '../../../server/incident/rows.ts'
import { MIN, openDesk } from './desk.ts'

let desk: Awaited<ReturnType<typeof openDesk>>
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk.close())

describe('a site that goes offline', () => {
  it('is one incident with thirty machines, lets them go as they come back, and is over', async () => {
    const machines = await desk.addClient('thirty', 30, 'Madrid')
    const words = machines.map((device) => desk.word('thirty', device, 'device-offline'))
    for (const some of [words.slice(0, 10), words.slice(10, 20), words.slice(20)])
      await desk.incidents.apply(some)
    await desk.wait(3 * MIN)
    const [incident, ...more] = await desk.openOf('thirty')
    expect(more).toEqual([])
    expect(Incident.parse(incident)).toMatchObject({
      ...{
        scope: 'site',
        site: 'Madrid',
        hostname: 'Madrid',
        rule: 'site-offline',
        tier: 'L2',
        priority: 'P1',
      },
      ...{ device: machines[0], remedy: null },
    })
    expect(incident?.members).toHaveLength(30)
    expect(incident?.evidence.value).toBe(30)
    expect(await desk.log('thirty')).toHaveLength(30)

    const back = (device: string) => desk.word('thirty', device, 'device-offline', { kind: 'resolved' })
    await desk.incidents.apply(machines.slice(0, 4).map(back))
    const [fewer] = await desk.openOf('thirty')
    expect(fewer?.members?.filter(({ untilMs }) => untilMs === null)).toHaveLength(26)
    expect(fewer?.evidence.value).toBe(26)
    await desk.incidents.apply(machines.slice(4, 28).map(back))
    expect(await desk.openOf('thirty')).toEqual([])
    await desk.wait(6 * MIN)
    const rest = await desk.openOf('thirty')
    expect(rest.map(({ rule, device }) => [rule, device]).toSorted()).toEqual(
      machines.slice(28).map((device) => ['device-offline', device]),
    )
    const log = await desk.log('thirty')
    expect(log.every(({ by, endedAtMs }) => by === 'site' && endedAtMs !== null)).toBe(true)
  })

  it('is one for each of two clients whose sites have one name', async () => {
    for (const client of ['one', 'two']) {
      const machines = await desk.addClient(client, 4, 'Office')
      await desk.incidents.apply(machines.map((device) => desk.word(client, device, 'device-offline')))
      const open = await desk.openOf(client)
      expect(open.map(({ scope, members }) => [scope, members?.length])).toEqual([['site', 4]])
    }
  })
})

describe('an alert that another explains', () => {
  it('joins its incident, also when it had one of its own, and gets one when the other is over', async () => {
    const [device] = await desk.addClient('inhibit', 1)
    desk.rules.set('backup-failed', { inhibitedBy: [{ rule: 'disk-space', on: [] }] })
    await desk.incidents.apply([desk.word('inhibit', device!, 'backup-failed')])
    await desk.incidents.apply([desk.word('inhibit', device!, 'disk-space')])
    const [incident, ...more] = await desk.openOf('inhibit')
    expect(more).toEqual([])
    expect(incident?.members).toMatchObject([{ rule: 'backup-failed', device, untilMs: null }])
    const all = await desk.incidents.list({ client: 'inhibit', limit: 10 })
    const own = all.find(({ rule }) => rule === 'backup-failed')
    expect(own).toMatchObject({ state: 'resolved', mergedInto: incident?.id })
    const { events } = await desk.incidents.get(incident!.id)
    expect(events.map(({ kind }) => kind)).toEqual(['opened', 'joined'])
    expect(await desk.log('inhibit')).toMatchObject([
      { by: 'inhibition', byId: 'disk-space|x', endedAtMs: null },
    ])
    await desk.wait(20 * MIN)
    await desk.incidents.apply([desk.word('inhibit', device!, 'disk-space', { kind: 'resolved' })])
    expect((await desk.openOf('inhibit')).map(({ rule }) => rule)).toEqual(['backup-failed'])
    expect(await desk.log('inhibit')).toMatchObject([{ endedAtMs: desk.now() }])
  })
})

describe('what is hushed', () => {
  it('by a silence opens when it ends, and at once when a person ends it', async () => {
    const [device, other] = await desk.addClient('silent', 2, 'Lab')
    const silence = await desk.silences.create(
      {
        ...{ client: 'silent', reason: 'lab', createdBy: 'ana' },
        matchers: { site: '~La.', rule: 'cpu-high' },
        startsAtMs: desk.now(),
        endsAtMs: desk.now() + 60 * MIN,
      },
      desk.now(),
    )
    await desk.incidents.apply([
      desk.word('silent', device!, 'cpu-high'),
      desk.word('silent', device!, 'memory-high'),
      desk.word('silent', other!, 'cpu-high'),
    ])
    expect((await desk.openOf('silent')).map(({ rule }) => rule)).toEqual(['memory-high'])
    const log = await desk.log('silent')
    expect(log.map((row) => Suppression.parse(row))).toHaveLength(2)
    expect(log[0]).toMatchObject({
      by: 'silence',
      byId: silence.id,
      what: 'incident',
      why: 'silenced by ana: lab',
    })
    await desk.incidents.apply([desk.word('silent', other!, 'cpu-high', { kind: 'resolved' })])
    await desk.wait(5 * MIN)
    await desk.silences.end(silence.id, desk.now())
    desk.incidents.review('silent')
    const changes = await desk.wait(1000)
    expect(changes.map(({ change, device: of }) => [change, of])).toEqual([['opened', device]])
    await expect(desk.silences.end(silence.id, desk.now())).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await desk.log('silent')).filter(({ endedAtMs }) => endedAtMs === null)).toEqual([])
  })

  it('by a silence of every client', async () => {
    const [device] = await desk.addClient('everyone', 1)
    const made = await desk.silences.create(
      {
        ...{ client: null, matchers: { rule: 'dns-failed' }, reason: 'provider', createdBy: 'ana' },
        startsAtMs: desk.now(),
        endsAtMs: desk.now() + 10 * MIN,
      },
      desk.now(),
    )
    await desk.incidents.apply([desk.word('everyone', device!, 'dns-failed')])
    expect(await desk.openOf('everyone')).toEqual([])
    await desk.wait(10 * MIN)
    expect(await desk.openOf('everyone')).toHaveLength(1)
    expect(await desk.silences.list({ client: 'everyone' }, desk.now())).toEqual([])
    expect(await desk.silences.list({ all: true }, desk.now())).toContainEqual(made)
  })

  it('by a silence with faults is refused with all of them', async () => {
    const bad = { client: null, matchers: { rule: '~(', tag: '~[' }, reason: 'x', createdBy: 'a' }
    const made = desk.silences.create(
      { ...bad, startsAtMs: desk.now(), endsAtMs: desk.now() - 1 },
      desk.now(),
    )
    await expect(made).rejects.toMatchObject({ code: 'REQUEST_INVALID', faults: { length: 3 } })
  })

  it('by a recurring maintenance window of a tag', async () => {
    const [server, desktop] = await desk.addClient('recurring', 2)
    await desk.records.operator((db) =>
      db
        .updateTable('device')
        .set({ tags: ['server'] })
        .where('device_id', '=', server!)
        .execute(),
    )
    // Monday 20:00 UTC and some minutes is 22:00 in Madrid.
    const schedule = await desk.maintenance.createSchedule(
      {
        ...{
          client: 'recurring',
          device: null,
          site: null,
          tag: 'server',
          reason: 'patches',
          createdBy: 'ana',
        },
        recurrence: { timeZone: 'Europe/Madrid', weekdays: ['mon'], weeks: [], from: '22:00', minutes: 120 },
      },
      desk.now(),
    )
    expect(await desk.maintenance.makeWindows(desk.now())).toBe(0)
    const [window] = await desk.maintenance.list('recurring', desk.now())
    expect(await desk.maintenance.active({ client: 'recurring', device: server! }, desk.now())).toBe(true)
    expect(await desk.maintenance.active({ client: 'recurring', device: desktop! }, desk.now())).toBe(false)
    await desk.incidents.apply(
      [server!, desktop!].map((device) => desk.word('recurring', device, 'cpu-high')),
    )
    expect((await desk.openOf('recurring')).map(({ device }) => device)).toEqual([desktop])
    expect(await desk.log('recurring')).toMatchObject([{ by: 'maintenance', byId: window?.id }])
    await desk.maintenance.endSchedule(schedule.id, desk.now())
    desk.incidents.review('recurring')
    await desk.wait(1000)
    expect(await desk.openOf('recurring')).toHaveLength(2)
    expect(await desk.maintenance.schedules('recurring', desk.now())).toEqual([])
  })

  it('by business hours opens in the morning', async () => {
    const [device] = await desk.addClient('office', 1)
    await desk.hours.set(
      'office',
      { timeZone: 'Europe/Madrid', hours: { tue: [{ from: '08:00', to: '18:00' }] }, holidays: [] },
      'ana',
      desk.now(),
    )
    desk.rules.set('updates-missing', { during: 'business-hours' })
    await desk.incidents.apply([desk.word('office', device!, 'updates-missing')])
    expect(await desk.openOf('office')).toEqual([])
    expect(await desk.log('office')).toMatchObject([{ by: 'business-hours' }])
    const { openNow, changesMs } = await desk.hours.get('office', desk.now())
    expect([openNow, changesMs]).toEqual([false, Date.UTC(2026, 4, 5, 6)])
    await desk.wait(changesMs! - desk.now())
    expect(await desk.openOf('office')).toMatchObject([{ openedAtMs: changesMs }])
  })

  it('by flapping stays one incident until it is quiet', async () => {
    const [device] = await desk.addClient('flaps', 1)
    for (let round = 0; round < 8; round++) {
      await desk.incidents.apply([desk.word('flaps', device!, 'service-down')])
      await desk.wait(2 * MIN)
      await desk.incidents.apply([desk.word('flaps', device!, 'service-down', { kind: 'resolved' })])
      await desk.wait(2 * MIN)
    }
    const [incident, ...more] = await desk.openOf('flaps')
    expect(more).toEqual([])
    expect(incident?.flappingSinceMs).toBeTypeOf('number')
    expect(await desk.log('flaps')).toMatchObject([{ by: 'flapping', endedAtMs: null }])
    await desk.wait(FLAP_QUIET_MS)
    expect(await desk.openOf('flaps')).toEqual([])
    expect(await desk.incidents.list({ client: 'flaps', limit: 10 })).toHaveLength(1)
  })
})

describe('remedies that are held back', () => {
  it('are in the log, until they run or a person has the matter', async () => {
    const [device] = await desk.addClient('held', 1)
    const [change] = await desk.incidents.apply([desk.word('held', device!, 'disk-space')])
    const key = { client: 'held', id: change!.id }
    const say = (kind: 'remedy-skipped' | 'remedy-ordered' | 'escalated', reason: string) =>
      desk.records.operator((db) =>
        tell(db, key, [{ atMs: desk.now(), kind, detail: { reason, why: `because of ${reason}` } }]),
      )
    for (const reason of ['maintenance', 'after-boot', 'after-boot']) await say('remedy-skipped', reason)
    expect((await desk.log('held')).filter(({ endedAtMs }) => endedAtMs === null)).toMatchObject([
      { what: 'remedy', by: 'after-boot', byId: key.id, rule: 'disk-space' },
    ])
    await say('remedy-ordered', '')
    await say('escalated', 'kill-switch')
    const log = await desk.log('held')
    expect(log.map(({ by }) => by).toSorted()).toEqual(['after-boot', 'kill-switch', 'maintenance'])
    expect(log.every(({ endedAtMs }) => endedAtMs !== null)).toBe(true)
  })
})

describe('the log', () => {
  it('keeps for 90 days what is over', async () => {
    const before = (await desk.log('thirty')).length
    expect(before).toBeGreaterThan(0)
    await desk.records.operator((db) =>
      db
        .updateTable('suppression')
        .set({ ended_at: at(desk.now() - 91 * 86_400_000) })
        .where('client_id', '=', 'thirty')
        .where('ended_at', 'is not', null)
        .execute(),
    )
    expect(await sweepSuppressions(desk.records, desk.now())).toBe(before)
    expect(await desk.log('thirty')).toEqual([])
  })
})

describe('what noise control knows', () => {
  it('is in the records: another server goes on where the first one stopped', async () => {
    const rows = await desk.records.operator((db) =>
      db.selectFrom('alert_state').select('fingerprint').where('client_id', '=', 'inhibit').execute(),
    )
    expect(rows.length).toBeGreaterThan(0)
    // All that is over is forgotten within the hour.
    await desk.wait(2 * 60 * MIN)
    const left = await desk.records.operator((db) =>
      db.selectFrom('alert_state').select('firing').where('client_id', '=', 'flaps').execute(),
    )
    expect(left).toEqual([])
  })
})
