import { describe, expect, it } from 'vitest'
import { setKillSwitch } from '../../../server/remediation/settings.ts'
import { ana, on, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

let fleet: Fleet
let client: string
fleetSuite((fresh) => ({ fleet, client } = fresh))

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
    // Nothing is left to end, and why it stopped stays written.
    await expect(fleet.runs().cancel(id, ana)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await fleet.runs().get(id)).toMatchObject({ state: 'stopped', why: run.why })
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
