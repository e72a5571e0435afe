import { beforeEach, describe, expect, it } from 'vitest'
import { createPeople } from '../../../server/access/people.ts'
import { setKillSwitch } from '../../../server/remediation/settings.ts'
import { ana, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

const given = fleetSuite()
let fleet: Fleet
let client: string
beforeEach(() => {
  fleet = given.fleet()
  client = given.client()
})
const on = (devices: string[]) => ({ kind: 'devices', devices }) as const

describe('a run over many devices', () => {
  it('reaches each of them once, wave by wave, and tells how each ended', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 120)
    fleet.setAnswer((order) => ({
      outcome: 'exited',
      exitCode: 0,
      durationMs: 1500,
      fields: { device: order.device },
    }))
    const ordered = await fleet.order({ script, target: on(devices) })
    expect(ordered).toMatchObject({ state: 'running', devices: 120, waves: [1, 2, 12, 120] })
    await fleet.ended(ordered.id)
    const run = await fleet.runs().get(ordered.id)
    expect(run).toMatchObject({ state: 'done', why: null, wave: 3, counts: { succeeded: 120 } })
    expect(fleet.orders.map(({ device }) => device).sort()).toEqual(devices.toSorted())
    const results = await fleet.results(run.id)
    expect(results).toHaveLength(120)
    expect(results[0]).toMatchObject({
      ...{ wave: 0, state: 'succeeded', exitCode: 0, tookMs: 1500, client },
      ...{ device: fleet.orders[0]!.device, fields: { device: fleet.orders[0]!.device } },
    })
    expect(results.map(({ wave }) => wave)).toEqual(results.map(({ wave }) => wave).toSorted((a, b) => a - b))
    const waveOf = new Map(results.map(({ device, wave }) => [device, wave]))
    const waves = fleet.orders.map(({ device }) => waveOf.get(device)!)
    expect(waves).toEqual(waves.toSorted((a, b) => a - b))
  })

  it('stops by itself at the first device when the script fails everywhere', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 60)
    fleet.setAnswer(() => ({ outcome: 'exited', exitCode: 3 }))
    const { id } = await fleet.order({ script, target: on(devices) })
    await fleet.ended(id)
    await fleet.tick(10)
    expect(fleet.orders).toHaveLength(1)
    const run = await fleet.runs().get(id)
    expect(run).toMatchObject({ state: 'stopped', counts: { failed: 1, 'left-out': 59 } })
    expect(run.why).toMatch(/1 of 1 failed/)
    const results = await fleet.results(id)
    expect(results[0]).toMatchObject({ state: 'failed', reason: 'exit code 3', exitCode: 3 })
    expect(results[1]).toMatchObject({ state: 'left-out', job: null, reason: 'the run was stopped' })
  })

  it('reaches at most ten devices when the tenth is the first to fail, however they are mixed', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 200)
    fleet.setAnswer(() => ({ outcome: 'exited', exitCode: fleet.orders.length >= 10 ? 1 : 0 }))
    const waves = [{ percent: 100 }]
    const { id } = await fleet.order({ script, target: on(devices), waves, concurrency: 100 })
    await fleet.ended(id)
    expect(await fleet.runs().get(id)).toMatchObject({ state: 'stopped' })
    expect(fleet.orders).toHaveLength(10)
  })

  it('has no more at work at once than its cap', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 60)
    let atWork = 0
    let most = 0
    fleet.setAnswer((order) => {
      atWork += 1
      most = Math.max(most, atWork)
      setTimeout(() => {
        atWork -= 1
        void fleet.says(order, { outcome: 'exited', exitCode: 0 })
      }, 100)
      return 'silent'
    })
    const { id } = await fleet.order({ script, target: on(devices), concurrency: 4 })
    await fleet.ended(id)
    expect(fleet.orders).toHaveLength(60)
    expect(most).toBe(4)
  })

  it('goes on after the server was killed, from the rows alone, and orders nothing twice', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 40)
    const { id } = await fleet.order({ script, target: on(devices) })
    for (let kill = 1; kill <= 5; kill++) {
      await fleet.reached(kill * 6)
      await fleet.restart()
      await fleet.tick(6)
    }
    for (let round = 0; round < 200 && (await fleet.runs().get(id)).state === 'running'; round++)
      await fleet.tick(6)
    expect(await fleet.runs().get(id)).toMatchObject({ state: 'done', counts: { succeeded: 40 } })
    expect(new Set(fleet.orders.map(({ job }) => job)).size).toBe(40)
    expect(fleet.orders).toHaveLength(40)
  })

  it('waits for devices that are away, holds nobody up for them, and lets them go when they are too late', async () => {
    const script = await fleet.script()
    const here = await fleet.devices(client, 5)
    const [away, never] = await fleet.devices(client, 2, { online: false })
    const { id } = await fleet.order({
      script,
      target: on([...here, away!, never!]),
      waves: [{ devices: 2 }],
      expiresInS: 600,
    })
    await fleet.reached(5)
    await fleet.until('all who are here', async () => (await fleet.runs().get(id)).counts['succeeded'] === 5)
    expect(await fleet.runs().get(id)).toMatchObject({ state: 'running', counts: { waiting: 2 } })
    await fleet.come(client, [away!])
    await fleet.tick(5)
    await fleet.until('the one who came', async () => (await fleet.runs().get(id)).counts['succeeded'] === 6)
    await fleet.tick(590)
    expect((await fleet.runs().get(id)).state).toBe('running')
    await fleet.tick(10)
    await fleet.ended(id)
    expect(await fleet.runs().get(id)).toMatchObject({
      state: 'done',
      counts: { succeeded: 6, 'left-out': 1 },
    })
    const late = (await fleet.results(id)).find(({ device }) => device === never)
    expect(late).toMatchObject({ state: 'expired', reason: 'COMMAND_EXPIRED', job: null })
  })

  it('leaves out who is away when it is told to', async () => {
    const script = await fleet.script()
    const here = await fleet.devices(client, 1)
    const away = await fleet.devices(client, 1, { online: false })
    const request = { script, target: on([...here, ...away]), offline: 'skip' } as const
    const { id } = await fleet.order(request)
    await fleet.ended(id)
    expect(await fleet.runs().get(id)).toMatchObject({ state: 'done', devices: 1 })
    await expect(fleet.order({ ...request, target: on(away) })).rejects.toMatchObject({
      code: 'DEVICE_OFFLINE',
    })
  })

  it('tries again what nobody knows of, only with a script that may run twice, and three times at most', async () => {
    fleet.setAnswer(() => ({ outcome: 'unknown', code: 'JOB_UNKNOWN' }))
    const [device] = await fleet.devices(client, 1)
    const once = await fleet.order({ script: await fleet.script(), target: on([device!]) })
    await fleet.ended(once.id)
    expect(fleet.orders).toHaveLength(1)
    expect(await fleet.runs().get(once.id)).toMatchObject({ state: 'stopped', counts: { unknown: 1 } })

    const again = await fleet.script({ idempotent: true })
    const run = await fleet.order({ script: again, target: on([device!]) })
    for (let tried = 1; tried <= 3; tried++) {
      await fleet.reached(1 + tried)
      await fleet.tick(12)
    }
    await fleet.ended(run.id)
    expect(fleet.orders).toHaveLength(1 + 3)
    expect(await fleet.runs().get(run.id)).toMatchObject({ state: 'stopped', counts: { unknown: 1 } })
    expect(new Set(fleet.orders.map(({ job }) => job)).size).toBe(4)
  })

  it('is ended by a person: what waits never goes, and what runs is told to end until it has', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 3)
    fleet.setAnswer(() => 'silent')
    const { id } = await fleet.order({ script, target: on(devices), waves: [{ percent: 100 }] })
    await fleet.reached(1)
    const [order] = fleet.orders
    await fleet.says(order!, { outcome: 'started' })
    const run = await fleet.runs().cancel(id, ana)
    expect(run).toMatchObject({ state: 'cancelled', why: 'cancelled by ana' })
    expect(fleet.cancels).toEqual([order!.job])
    await fleet.restart()
    await fleet.tick(6)
    expect(fleet.cancels).toEqual([order!.job, order!.job])
    await fleet.says(order!, { outcome: 'cancelled' })
    await fleet.tick(6)
    expect(fleet.cancels).toHaveLength(2)
    expect(fleet.orders).toHaveLength(1)
    expect((await fleet.runs().get(id)).counts).toEqual({ cancelled: 1, 'left-out': 2 })
    await expect(fleet.runs().cancel(id, ana)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('lets nobody go while commands are switched off', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 3)
    fleet.setAnswer(() => 'silent')
    const { id } = await fleet.order({ script, target: on(devices) })
    await fleet.reached(1)
    const turn = (isOn: boolean) =>
      fleet.records.operator((db) =>
        setKillSwitch(db, { on: isOn, reason: 'attack', who: 'ana' }, fleet.now()),
      )
    await turn(true)
    await fleet.says(fleet.orders[0]!, { outcome: 'exited', exitCode: 0 })
    await fleet.tick(6)
    await fleet.tick(6)
    expect(fleet.orders).toHaveLength(1)
    await expect(fleet.order({ script, target: on(devices) })).rejects.toMatchObject({
      code: 'COMMAND_DISABLED',
    })
    await turn(false)
    await fleet.tick(6)
    await fleet.reached(2)
    await fleet.runs().cancel(id, ana)
  })

  it('runs again on the devices where it failed, and on no other', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 6)
    const bad: string[] = []
    fleet.setAnswer(({ device }) => {
      if (fleet.orders.length <= 4) return { outcome: 'exited', exitCode: 0 }
      bad.push(device)
      return { outcome: 'exited', exitCode: 1 }
    })
    const stop = { failures: 100, percent: 100 }
    const all = on(devices)
    const { id } = await fleet.order({ script, target: all, stop, waves: [{ percent: 100 }] })
    await fleet.ended(id)
    const first = await fleet.runs().get(id)
    expect(first.counts).toEqual({ succeeded: 4, failed: 2 })
    fleet.setAnswer(() => ({ outcome: 'exited', exitCode: 0 }))
    const again = await fleet.runs().rerunFailed(id, ana)
    await fleet.ended(again.id)
    expect((await fleet.results(again.id)).map(({ device }) => device).sort()).toEqual(bad.toSorted())
    await expect(fleet.runs().rerunFailed(again.id, ana)).rejects.toMatchObject({ code: 'RUN_TARGET_EMPTY' })
  })
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
