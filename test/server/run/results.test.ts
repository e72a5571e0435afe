import { describe, expect, it } from 'vitest'
import { csvHead, csvRow } from '../../../server/run/results.ts'
import { ana, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

const row = {
  ...{ device: 'd-a', client: 'acme', hostname: 'pc', wave: 0, job: null, state: 'failed' as const },
  ...{ reason: null, exitCode: 1, tookMs: 5, fields: {} },
}

describe('the table of results as CSV', () => {
  it('quotes what must be quoted and names the fields that devices told', () => {
    expect(csvHead(['free', 'a,b'])).toBe(
      'device,client,hostname,wave,job,state,reason,exit_code,took_ms,free,"a,b"\r\n',
    )
    expect(csvRow({ ...row, reason: 'said "no",\nthen left', fields: { free: '7' } }, ['free', 'x'])).toBe(
      'd-a,acme,pc,1,,failed,"said ""no"",\nthen left",1,5,7,\r\n',
    )
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '=HYPERLINK("http://x")'])(
    'lets no cell of a device be a formula: %j',
    (value) => {
      const cell = csvRow({ ...row, fields: { free: value } }, ['free']).split(',1,5,')[1]!
      expect(cell.replace(/^"/, '')).toMatch(/^'/)
    },
  )

  it('leaves figures of its own alone', () => {
    expect(csvRow({ ...row, exitCode: -1 }, [])).toContain(',-1,5\r\n')
  })
})

let fleet: Fleet
let client: string
fleetSuite((fresh) => ({ fleet, client } = fresh))

describe('the results of a long run', () => {
  it('come page by page, each device once', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 1203, { online: false })
    const { id } = await fleet.order({ script, target: { kind: 'selector', client, selector: 'true' } })
    const sizes: number[] = []
    const seen = new Set<string>()
    for await (const page of fleet.runs().results(id)) {
      sizes.push(page.length)
      for (const { device, state } of page) {
        expect(state).toBe('waiting')
        seen.add(device)
      }
    }
    expect(sizes).toEqual([500, 500, 203])
    expect([...seen].sort()).toEqual(devices.toSorted())
    await fleet.runs().cancel(id, ana)
  })
})

describe('saved views', () => {
  it('are for their owner, or for all; the same name replaces; a run may aim at one', async () => {
    const { views } = fleet.work()
    const mine = { name: `servers ${client}`, client, selector: '"server" in device.tags', shared: false }
    const first = await views.save(mine, 'ana')
    const again = await views.save({ ...mine, selector: 'device.os == "linux"' }, 'ana')
    expect(again).toMatchObject({ id: first.id, owner: 'ana', selector: 'device.os == "linux"' })
    const named = async (who: string) => (await views.list(who)).map(({ name }) => name)
    expect(await named('ana')).toContain(mine.name)
    expect(await named('berto')).not.toContain(mine.name)
    await expect(views.save({ ...mine, selector: 'device.nothing' }, 'ana')).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      faults: [{ field: 'selector' }],
    })

    const script = await fleet.script()
    const [device] = await fleet.devices(client, 1)
    const target = { kind: 'view', view: first.id } as const
    await expect(fleet.order({ script, target }, { ...ana, name: 'berto' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    const { id } = await fleet.order({ script, target })
    await fleet.ended(id)
    expect((await fleet.results(id)).map((one) => one.device)).toEqual([device])
    await expect(views.remove(first.id, 'berto', false)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await views.remove(first.id, 'ana', false)
    expect(await named('ana')).not.toContain(mine.name)
  })
})
