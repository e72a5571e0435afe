import { describe, expect, it } from 'vitest'
import { createPeople } from '../../../server/access/people.ts'
import { ana, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

let fleet: Fleet
let client: string
fleetSuite((fresh) => ({ fleet, client } = fresh))

describe('a run at work', () => {
  it('is stopped with the reason when a client of it is taken from its person, or they only read now', async () => {
    const script = await fleet.script()
    const other = await fleet.client()
    const people = createPeople({ records: fleet.records, clock: fleet.now })
    const name = `ida-${client}`
    await people.create({ name, password: 'a long enough password', role: 'technician', clients: null })
    fleet.setAnswer(() => 'silent')
    const order = async (): Promise<string> => {
      const devices = [...(await fleet.devices(client, 3)), ...(await fleet.devices(other, 3))]
      const target = { kind: 'devices', devices } as const
      const waves = [{ percent: 100 }]
      const { id } = await fleet.order({ script, target, waves, concurrency: 1 }, { ...ana, name })
      return id
    }
    const first = await order()
    await fleet.reached(1)
    await people.setClients(name, [client, other])
    await fleet.runs().reconsider(name)
    const waiting = await fleet.work().remediation.createJob(
      {
        device: (await fleet.devices(other, 1, { online: false }))[0]!,
        script,
        parameters: {},
        expiresInS: 600,
      },
      { ...ana, name },
    )
    expect(await fleet.runs().get(first)).toMatchObject({ state: 'running' })
    await people.setClients(name, [client])
    await fleet.runs().reconsider(name)
    await fleet.ended(first)
    const stopped = await fleet.runs().get(first)
    expect(stopped).toMatchObject({ state: 'stopped', why: `${name} may run code no more for ${other}` })
    await fleet.come(other, [waiting.device])
    await fleet.until('the job is cancelled', async () => {
      const { state } = await fleet.work().remediation.job(waiting.id)
      return state === 'cancelled'
    })
    const { reason } = await fleet.work().remediation.job(waiting.id)
    expect(reason).toBe(`${name} may run code no more for ${other}`)

    await people.setClients(name, null)
    const second = await order()
    await fleet.reached(2)
    await fleet.records.operator((db) =>
      db.updateTable('person').set({ role: 'viewer' }).where('name', '=', name).execute(),
    )
    await fleet.tick(6)
    await fleet.ended(second)
    expect((await fleet.runs().get(second)).why).toMatch(/may run code no more for/)
    expect(fleet.orders).toHaveLength(2)
  })
})
