import { beforeEach, describe, expect, it } from 'vitest'
import { createPeople } from '../../../server/access/people.ts'
import { ana, on, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

const given = fleetSuite()
let fleet: Fleet
let client: string
beforeEach(() => {
  fleet = given.fleet()
  client = given.client()
})

describe('the order of a run', () => {
  it('is refused with code and place before anything is stored', async () => {
    const script = await fleet.script({
      parameters: { count: { type: 'integer', min: 1, max: 9, help: '' } },
    })
    const [device] = await fleet.devices(client, 1)
    const windows = await fleet.devices(client, 1, { os: 'windows' })
    const other = await fleet.client()
    const foreign = await fleet.devices(other, 1)
    const limited = { ...ana, clients: [client] }
    const parameters = { count: 3 }
    const cases = [
      [{ script: 'no-such', target: on([device!]) }, { code: 'NOT_FOUND' }],
      [{ script, parameters, target: on(['d-zzzzzzzzzzzzzzzz']) }, { code: 'NOT_FOUND' }],
      [
        { script, parameters: { count: 99, other: 1 }, target: on([device!]) },
        { code: 'COMMAND_MALFORMED', faults: [{ field: 'other' }, { field: 'count' }] },
      ],
      [{ script, parameters, target: on(windows) }, { code: 'SCRIPT_UNSUPPORTED' }],
      [{ script, parameters, target: on([device!, ...foreign]) }, { code: 'FORBIDDEN' }],
      [{ script, parameters, target: on([device!]), dryRun: true }, { code: 'SCRIPT_NO_DRY_RUN' }],
      [
        { script, parameters, target: { kind: 'selector', client: null, selector: 'device.oss == "x"' } },
        { code: 'REQUEST_INVALID', faults: [{ field: 'target.selector' }] },
      ],
      [
        { script, parameters, target: { kind: 'selector', client, selector: 'device.hostname == "no"' } },
        { code: 'RUN_TARGET_EMPTY' },
      ],
      [
        { script, parameters, target: on([device!]), when: { kind: 'at', atMs: 1000 } },
        { code: 'REQUEST_INVALID' },
      ],
    ] as const
    for (const [request, refusal] of cases)
      await expect(fleet.order(request as never, limited), JSON.stringify(request)).rejects.toMatchObject(
        refusal,
      )
    expect(await fleet.runs().list({ state: 'running', limit: 10 })).toEqual([])
    expect(fleet.orders).toEqual([])
  })

  it('shows beforehand whom it reaches in which wave, and whom it leaves out and why', async () => {
    const script = await fleet.script()
    const here = await fleet.devices(client, 3, { tags: ['server'] })
    const [away] = await fleet.devices(client, 1, { tags: ['server'], online: false })
    const [windows] = await fleet.devices(client, 1, { os: 'windows', tags: ['server'] })
    await fleet.devices(client, 2)
    const other = await fleet.client()
    const [foreign] = await fleet.devices(other, 1, { tags: ['server'] })
    const target = { kind: 'selector', client: null, selector: '"server" in device.tags' } as const
    const limited = { ...ana, clients: [client] }
    const request = {
      script,
      target,
      parameters: {},
      when: { kind: 'cron', cron: '0 3 * * *', timeZone: 'UTC' },
    }
    const plan = await fleet.runs().plan(fleet.request(request), limited)
    expect(plan).toMatchObject({ script, version: 1, waves: [1, 2, 3, 4] })
    expect(plan.devices.map(({ device }) => device).sort()).toEqual([...here, away!].sort())
    expect(plan.devices.at(-1)).toMatchObject({ device: away, online: false, wave: 3 })
    expect(plan.omitted.map(({ device, code }) => [device, code]).sort()).toEqual(
      [
        [windows, 'SCRIPT_UNSUPPORTED'],
        [foreign, 'FORBIDDEN'],
      ].sort(),
    )
    expect(plan.nextMs.slice(0, 2).map((time) => new Date(time).toISOString())).toEqual([
      '2026-11-30T03:00:00.000Z',
      '2026-12-01T03:00:00.000Z',
    ])
    expect(await fleet.runs().list({ limit: 100, state: 'scheduled' })).toEqual([])
  })

  it('stands in the audit chain with everything that it says, and every command after it', async () => {
    const script = await fleet.script({ dryRun: true })
    const devices = await fleet.devices(client, 2)
    const { id } = await fleet.order({ script, target: on(devices), dryRun: true, reason: 'ticket 7' })
    await fleet.ended(id)
    expect(fleet.orders.every((order) => order.dryRun === true)).toBe(true)
    const deeds = await fleet.audit.list({ limit: 50 })
    const order = deeds.find(({ action, subject }) => action === 'run.order' && subject === id)
    expect(order).toMatchObject({
      who: 'ana',
      detail: {
        reason: 'ticket 7',
        proof: 'second factor',
        target: on(devices),
        dryRun: true,
        parameters: {},
      },
    })
    expect(
      deeds.filter(({ action, subject }) => action === 'command.send' && devices.includes(subject)),
    ).toHaveLength(2)
    expect(deeds.some(({ action, subject }) => action === 'run.end' && subject === id)).toBe(true)
    expect((await fleet.audit.verify()).ok).toBe(true)
  })
})

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
    const [made] = await fleet.runs().list({ limit: 1 })
    expect(made).toMatchObject({ schedule: schedule.id, devices: 2, scriptVersion: 1 })
    await fleet.ended(made!.id)
    expect(fleet.orders).toHaveLength(2)
    const next = await fleet.runs().get(schedule.id)
    expect(next).toMatchObject({ state: 'scheduled', why: null })
    expect(new Date(next.nextMs!).toISOString()).toBe('2026-11-30T10:00:00.000Z')
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
    const [made] = await fleet.runs().list({ limit: 1 })
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
    const made = (await fleet.runs().list({ limit: 500 })).find((run) => run.schedule === id)
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
    const runs = await fleet.runs().list({ limit: 500 })
    const made = [theirs, own].map(({ id }) => runs.find((run) => run.schedule === id)?.devices)
    expect(made).toEqual([1, 2])
    for (const { id } of [theirs, own]) await fleet.runs().cancel(id, ana)
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
