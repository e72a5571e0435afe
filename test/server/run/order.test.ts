import { describe, expect, it } from 'vitest'
import { ana, on, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

let fleet: Fleet
let client: string
fleetSuite((fresh) => ({ fleet, client } = fresh))

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
