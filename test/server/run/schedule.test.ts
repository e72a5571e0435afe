import { describe, expect, it } from 'vitest'
import { createPeople } from '../../../server/access/people.ts'
import { ana, on, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

let fleet: Fleet
let client: string
fleetSuite((fresh) => ({ fleet, client } = fresh))

describe('a schedule', () => {
  const nightly = { kind: 'cron', cron: '0 10 * * *', timeZone: 'UTC' } as const

  it('makes a run each time, over the devices of that time, with the version that was ordered', async () => {
    const script = await fleet.script()
    const target = { kind: 'selector', client, selector: 'device.os == "linux"' } as const
    await fleet.devices(client, 1)
    const schedule = await fleet.order({ script, target, when: nightly })
    expect(schedule).toMatchObject({ state: 'scheduled', devices: 0 })
    expect(new Date(schedule.nextMs!).toISOString()).toBe('2026-11-29T10:00:00.000Z')
    await fleet.tick(60)
    expect(fleet.orders).toEqual([])
    await fleet.devices(client, 1)
    await fleet.script({ name: script, version: 2 })
    await fleet.tick(29 * 60 + 1)
    const [made] = await fleet.runs().list({ schedule: schedule.id, limit: 1 })
    expect(made).toMatchObject({ schedule: schedule.id, devices: 2, scriptVersion: 1 })
    await fleet.ended(made!.id)
    expect(fleet.orders).toHaveLength(2)
    const next = await fleet.runs().get(schedule.id)
    expect(next).toMatchObject({ state: 'scheduled', why: null })
    expect(new Date(next.nextMs!).toISOString()).toBe('2026-11-30T10:00:00.000Z')
  })

  it('lists the runs that it made, the newest first, and no others', async () => {
    const script = await fleet.script()
    await fleet.devices(client, 1)
    const target = { kind: 'selector', client, selector: 'true' } as const
    const when = { kind: 'cron', cron: '0 * * * *', timeZone: 'UTC' } as const
    const { id } = await fleet.order({ script, target, when })
    const other = await fleet.order({ script, target, when })
    const made = (schedule: string, limit = 10) => fleet.runs().list({ schedule, limit })
    expect(await made(id)).toEqual([])
    const hours: number[] = []
    for (const seconds of [30 * 60 + 1, 60 * 60]) {
      await fleet.tick(seconds)
      hours.push(fleet.now())
      for (const run of [...(await made(id)), ...(await made(other.id))]) await fleet.ended(run.id)
    }
    const runs = await made(id)
    expect(runs.map((run) => [run.schedule, run.state, run.createdAtMs])).toEqual(
      hours.toReversed().map((atMs) => [id, 'done', atMs]),
    )
    expect(await made(id, 1)).toEqual(runs.slice(0, 1))
    for (const each of [id, other.id]) await fleet.runs().cancel(each, ana)
  })

  it('leaves out what was missed, what overlaps, and whom its owner may not reach', async () => {
    const script = await fleet.script()
    const other = await fleet.client()
    await fleet.devices(client, 1)
    await fleet.devices(other, 1)
    fleet.setAnswer(() => 'silent')
    const target = { kind: 'selector', client: null, selector: 'true' } as const
    const when = { kind: 'cron', cron: '0 * * * *', timeZone: 'UTC' } as const
    const limited = { ...ana, clients: [client] }
    const { id } = await fleet.order({ script, target, when }, limited)
    await fleet.tick(30 * 60 + 20 * 60)
    expect((await fleet.runs().get(id)).why).toMatch(/missed/)
    await fleet.tick(40 * 60)
    await fleet.reached(1)
    const [made] = await fleet.runs().list({ schedule: id, limit: 1 })
    expect(made).toMatchObject({ schedule: id, devices: 1 })
    expect((await fleet.results(made!.id)).map((row) => row.client)).toEqual([client])
    await fleet.says(fleet.orders[0]!, { outcome: 'started' })
    fleet.advanceMs(60 * 60_000)
    await fleet.work().runs.tick(fleet.now())
    expect((await fleet.runs().get(id)).why).toMatch(/at work/)
    await fleet.runs().cancel(id, limited)
    expect(await fleet.runs().get(id)).toMatchObject({ state: 'cancelled', nextMs: null })
  })

  it('reaches no client that was taken from its person since, and nobody for one who only reads now', async () => {
    const script = await fleet.script()
    const other = await fleet.client()
    await fleet.devices(client, 1)
    await fleet.devices(other, 1)
    const people = createPeople({ records: fleet.records, clock: fleet.now })
    const name = `eva-${client}`
    await people.create({ name, password: 'a long enough password', role: 'technician', clients: null })
    const target = { kind: 'selector', client: null, selector: 'true' } as const
    const when = { kind: 'cron', cron: '0 * * * *', timeZone: 'UTC' } as const
    const { id } = await fleet.order({ script, target, when }, { ...ana, name, clients: [client, other] })
    await people.setClients(name, [client])
    await fleet.tick(30 * 60 + 1)
    await fleet.reached(1)
    const [made] = await fleet.runs().list({ schedule: id, limit: 1 })
    expect((await fleet.results(made!.id)).map((row) => row.client)).toEqual([client])
    await fleet.ended(made!.id)
    await fleet.records.operator((db) =>
      db.updateTable('person').set({ role: 'viewer' }).where('name', '=', name).execute(),
    )
    await fleet.tick(60 * 60)
    expect((await fleet.runs().get(id)).why).toMatch(/^FORBIDDEN/)
    expect(fleet.orders).toHaveLength(1)
    await fleet.runs().cancel(id, ana)
  })

  it('keeps what a view of somebody else chose when it was ordered', async () => {
    const script = await fleet.script()
    await fleet.devices(client, 1, { tags: ['a'] })
    await fleet.devices(client, 1, { tags: ['b'] })
    const { views } = fleet.work()
    const view = { name: `v-${client}`, client, shared: true, selector: '"a" in device.tags' }
    const { id: shared } = await views.save(view, 'luis')
    const target = { kind: 'view', view: shared } as const
    const when = { kind: 'cron', cron: '0 * * * *', timeZone: 'UTC' } as const
    const theirs = await fleet.order({ script, target, when })
    const own = await fleet.order({ script, target, when }, { ...ana, name: 'luis' })
    await views.save({ ...view, selector: 'true' }, 'luis')
    await fleet.tick(30 * 60 + 1)
    for (const [{ id }, devices] of [
      [theirs, 1],
      [own, 2],
    ] as const) {
      expect(await fleet.runs().list({ schedule: id, limit: 1 })).toMatchObject([{ devices }])
      await fleet.runs().cancel(id, ana)
    }
  })

  it('asks who is connected when its time has come, and not before', async () => {
    const script = await fleet.script()
    const [device] = await fleet.devices(client, 1, { online: false })
    const when = { kind: 'cron', cron: '0 * * * *', timeZone: 'UTC' } as const
    const { id } = await fleet.order({ script, target: on([device!]), when, offline: 'skip' })
    await fleet.tick(30 * 60 + 1)
    expect((await fleet.runs().get(id)).why).toMatch(/^DEVICE_OFFLINE/)
    await fleet.come(client, [device!])
    await fleet.tick(60 * 60)
    await fleet.reached(1)
    expect((await fleet.runs().get(id)).why).toBeNull()
    await fleet.runs().cancel(id, ana)
  })

  it('may not be ended by somebody for whose clients it is not', async () => {
    const script = await fleet.script()
    await fleet.devices(client, 1)
    const target = { kind: 'selector', client: null, selector: 'true' } as const
    const { id } = await fleet.order({ script, target, when: nightly })
    await expect(fleet.runs().cancel(id, { ...ana, clients: [client] })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
  })

  it('runs once at its time, and is missed beyond the grace', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 1)
    const at = (minutes: number) => ({ kind: 'at', atMs: fleet.now() + minutes * 60_000 }) as const
    const soon = await fleet.order({ script, target: on(devices), when: at(5) })
    await fleet.tick(300)
    await fleet.ended(soon.id)
    expect(await fleet.runs().get(soon.id)).toMatchObject({ state: 'done', devices: 1 })
    const late = await fleet.order({ script, target: on(devices), when: at(5) })
    await fleet.tick(300 + 16 * 60)
    expect(await fleet.runs().get(late.id)).toMatchObject({ state: 'stopped', nextMs: null })
    expect(fleet.orders).toHaveLength(1)
  })
})
