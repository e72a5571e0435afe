import type { Updateable } from 'kysely'
import { describe, expect, it, vi } from 'vitest'
import { verifyOutputs } from '../../../server/audit/outputs.ts'
import { json, type Tables } from '../../../server/records/schema.ts'
import { outputHashes } from '../../../server/remediation/output-hash.ts'
import { ana, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

let fleet: Fleet
let client: string
fleetSuite((fresh) => ({ fleet, client } = fresh))

describe('the outputs that are kept', () => {
  const verify = () => verifyOutputs(fleet.records, outputHashes)
  const change = (job: string, to: Updateable<Tables['job']>) =>
    fleet.records.operator((db) => db.updateTable('job').set(to).where('job_id', '=', job).execute())

  async function ended(stdout: string): Promise<string> {
    const script = await fleet.script()
    const [device] = await fleet.devices(client, 1)
    const transcript = [{ stream: 'stdout', text: stdout, skipped: 3 } as const]
    const fields = { zeta: '1', alfa: 'ñ\u0000' }
    fleet.setAnswer(() => ({ outcome: 'exited', exitCode: 0, stdout, stderr: '\u0000', fields, transcript }))
    const order = { device: device!, script, parameters: {}, expiresInS: 60 }
    const { id } = await fleet.work().remediation.createJob(order, ana)
    await vi.waitFor(async () => expect((await fleet.work().remediation.job(id)).state).toBe('succeeded'))
    return id
  }

  it('are held to the audit chain: whatever is shown of a job and was changed is named, and what is gone is said', async () => {
    const before = await verify()
    expect(before).toMatchObject({ differing: 0, unknown: 0 })
    const jobs: string[] = []
    for (let count = 0; count < 30; count++) jobs.push(await ended(`line ${String(count)}\u0000 ñ\n`))
    const whole = await verify()
    expect(whole).toEqual({ ...before, equal: before.equal + 30 })

    const [one, two, three, four, five] = jobs.slice(25) as [string, string, string, string, string]
    await change(one, { stdout: 'line 25 ñ\n' })
    await change(two, { transcript: json([{ stream: 'stderr', text: 'line 26\ufffd ñ\n', skipped: 3 }]) })
    await change(three, { fields: json({ alfa: 'ñ\ufffd', zeta: '2' }) })
    await change(four, { exit_code: 1 })
    const told = await verify()
    expect(told.differ.map(({ job, what }) => [job, what])).toEqual([
      [one, ['output']],
      [two, ['transcript or fields']],
      [three, ['transcript or fields']],
      [four, ['exit code']],
    ])
    const rows = await fleet.audit.list({ subject: one, action: 'job.end', limit: 1 })
    expect(told.differ[0]?.row).toBe(rows[0]?.id)
    expect(told).toMatchObject({ equal: whole.equal - 4, differing: 4, gone: whole.gone })

    await fleet.records.operator((db) => db.deleteFrom('job').where('job_id', 'in', [one, five]).execute())
    await change(four, { exit_code: 0 })
    expect(await verify()).toMatchObject({ equal: whole.equal - 4, differing: 2, gone: whole.gone + 2 })
  }, 60_000)

  it('of a job that printed nothing are nothing, and one whose end comes late is held to that end', async () => {
    const script = await fleet.script()
    const [away] = await fleet.devices(client, 1, { online: false })
    const { remediation } = fleet.work()
    const order = { script, parameters: {}, expiresInS: 60 }
    const { id } = await remediation.createJob({ ...order, device: away! }, ana)
    await remediation.cancelJob(id, ana)
    const before = await verify()
    await change(id, { stdout: 'it printed this' })
    expect(await verify()).toMatchObject({
      differ: expect.arrayContaining([expect.objectContaining({ job: id, what: ['output'] })]) as unknown,
    })
    await change(id, { stdout: '' })

    const [device] = await fleet.devices(client, 1)
    fleet.setAnswer(() => 'silent')
    const late = await remediation.createJob({ ...order, device: device! }, ana)
    await fleet.until('it is sent', async () => fleet.orders.some(({ job }) => job === late.id))
    const says = (over: object) => fleet.says({ job: late.id, client, device: device! }, over)
    await says({ outcome: 'unknown', stdout: 'first' })
    await says({ outcome: 'exited', exitCode: 0, stdout: 'all of it' })
    expect((await remediation.job(late.id)).stdout).toBe('all of it')
    expect((await verify()).differing).toBe(before.differing)
  })

  it('that stand in no row are counted', async () => {
    const id = await ended('x')
    const { unknown } = await verify()
    await fleet.records.operator(async (db) => {
      const job = await db.selectFrom('job').selectAll().where('job_id', '=', id).executeTakeFirstOrThrow()
      const { words: _words, parameters, fields, transcript, ...row } = job
      const made = { parameters: json(parameters), fields: json(fields), transcript: json(transcript) }
      await db
        .insertInto('job')
        .values({ ...row, ...made, job_id: crypto.randomUUID(), sequence: null, run_id: null })
        .execute()
    })
    expect((await verify()).unknown).toBe(unknown + 1)
  })
})
