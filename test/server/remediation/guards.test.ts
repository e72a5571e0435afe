import { beforeEach, describe, expect, it } from 'vitest'
import { at } from '../../../server/records/schema.ts'
import { HOURLY_CAP_SETTING, setKillSwitch } from '../../../server/remediation/settings.ts'
import { ana, deskSuite, openDesk, type Desk } from './desk.ts'

const given = deskSuite()
let desk: Desk
beforeEach(() => void (desk = given.desk()))
const recovered = { kind: 'resolved', value: 41 } as const

describe('the guards', () => {
  it('wait for 15 minutes after a start of the device, say so once, then order', async () => {
    desk.setSession({ bootTimeMs: desk.now() - 14 * 60_000 })
    await desk.alerts({})
    await desk.wait(50)
    expect(desk.orders()).toEqual([])
    expect(await desk.story()).toEqual(['opened', 'remedy-skipped'])
    await desk.wait(20)
    expect(desk.orders()).toHaveLength(1)
  })
  it('are lifted by a lab', async () => {
    desk.setSession({ bootTimeMs: desk.now() - 1000 })
    await desk.records.operator((db) =>
      db
        .updateTable('device')
        .set({ lab_until: at(desk.now() + 60_000), lab_reason: 'a lab' })
        .where('device_id', '=', desk.device)
        .execute(),
    )
    await desk.alerts({})
    expect(desk.orders()).toHaveLength(1)
  })
  it('respect a maintenance window of the client', async () => {
    await desk.records.tenant(desk.client, (db) =>
      db
        .insertInto('maintenance_window')
        .values({
          ...{ window_id: crypto.randomUUID(), client_id: desk.client, device_id: null },
          ...{
            starts_at: at(desk.now() - 1),
            ends_at: at(desk.now() + 20_000),
            reason: 'patches',
            created_by: 'ana',
          },
        })
        .execute(),
    )
    await desk.alerts({})
    expect(desk.orders()).toEqual([])
    await desk.wait(26)
    expect(desk.orders()).toHaveLength(1)
  })
  it('stop everything with the kill switch', async () => {
    await desk.records.operator((db) =>
      setKillSwitch(db, { on: true, reason: 'drill', who: 'ana' }, desk.now()),
    )
    await desk.alerts({})
    expect((await desk.ticketsOf())[0]?.body.why).toBe('remedies are switched off: drill (ana)')
    const job = { device: desk.device, script: 'device-facts', parameters: {}, expiresInS: 60 }
    await expect(desk.remediation().createJob(job, ana)).rejects.toMatchObject({ code: 'COMMAND_DISABLED' })
  })
  it('cap the whole installation', async () => {
    await desk.records.operator((db) =>
      db
        .insertInto('setting')
        .values({ name: HOURLY_CAP_SETTING, value: '1', changed_at: at(desk.now()) })
        .execute(),
    )
    await desk.alerts({})
    await desk.alerts({ cause: 'another', fingerprint: 'another' })
    expect(desk.orders()).toHaveLength(1)
    expect((await desk.ticketsOf())[0]?.body.why).toContain('may have one cause')
  })
  it('hand over what waited too long for a device that is offline', async () => {
    desk.setSession(undefined)
    await desk.alerts({})
    await desk.wait(1)
    desk.advanceMs(15 * 60_000)
    await desk.wait(1)
    expect((await desk.jobs())[0]?.state).toBe('expired')
    expect((await desk.ticketsOf())[0]?.body.why).toContain('could not be sent')
  })
  it('send what waits when the device comes online', async () => {
    desk.setSession(undefined)
    await desk.alerts({})
    desk.setSession({ commandSequence: 41 })
    await desk.remediation().sessionStarted(desk.device)
    expect(desk.orders()).toMatchObject([{ sequence: 42 }])
  })
  it('hand over what has a faulty parameter, before anything is sent', async () => {
    await desk.alerts({ labels: { mount: 'relative', fs: 'ext4' } })
    expect(desk.orders()).toEqual([])
    expect((await desk.ticketsOf())[0]?.body.why).toContain('must match')
  })
})

describe('results', () => {
  it('of another device change nothing', async () => {
    await desk.alerts({})
    const other = await openDesk(desk.records)
    const job = desk.lastJob()
    expect(await other.says('exited', { job })).toBe('foreign')
    expect(await other.remediation().owns(other.address, { job })).toBe(false)
    expect(await desk.remediation().owns(desk.address, { job })).toBe(true)
    expect((await desk.jobs())[0]?.state).toBe('sent')
  })
  it('that come twice or out of order are harmless, and hostile text is stored as text', async () => {
    await desk.alerts({})
    expect(await desk.says('exited', { stdout: 'a\0b\ud800c' })).toBe('applied')
    expect(await desk.says('started')).toBe('ignored')
    expect(await desk.says('exited', { exitCode: 1 })).toBe('ignored')
    expect((await desk.jobs())[0]).toMatchObject({
      state: 'succeeded',
      exitCode: 0,
      stdout: 'a\ufffdb\ufffdc',
    })
  })
  it('all at once leave one ending and one ledger entry', async () => {
    await desk.alerts({})
    const job = desk.lastJob()
    desk.advanceMs(1000)
    const { id } = await desk.incident()
    await Promise.all([
      ...Array.from({ length: 8 }, () => desk.says('exited', { job })),
      ...Array.from({ length: 4 }, () => desk.alerts(recovered)),
      ...Array.from({ length: 4 }, () => desk.remediation().follow(id)),
      desk.remediation().tick(desk.now()),
    ])
    expect(await desk.ledger()).toHaveLength(1)
    expect(await desk.incident()).toMatchObject({ resolvedBy: 'remedy' })
    expect((await desk.story()).filter((kind) => kind === 'resolved' || kind === 'verified')).toHaveLength(2)
  })
})

describe('a job of a person', () => {
  const request = (over = {}) => ({
    device: desk.device,
    script: 'top-processes',
    parameters: { count: 3 },
    expiresInS: 60,
    ...over,
  })
  it('runs, rests at succeeded, and belongs to no incident', async () => {
    const job = await desk.remediation().createJob(request(), ana)
    expect(job).toMatchObject({ state: 'sent', orderedBy: 'ana', incident: null, parameters: { count: 3 } })
    await desk.says('started')
    await desk.says('exited')
    desk.advanceMs(700_000)
    await desk.wait(6)
    expect((await desk.remediation().job(job.id)).state).toBe('succeeded')
  })
  it('is refused with every fault before anything is stored', async () => {
    const create = (over: object) => desk.remediation().createJob(request(over), ana)
    await expect(create({ parameters: { count: 99, other: 1 } })).rejects.toMatchObject({
      code: 'COMMAND_MALFORMED',
      faults: [{ field: 'other' }, { field: 'count' }],
    })
    await expect(create({ script: 'no-such' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(create({ device: 'd-zzzzzzzzzzzzzzzz' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(desk.sent).toEqual([])
  })
  it('can be cancelled while it waits, through the device while it runs, and not when it is over', async () => {
    desk.setSession(undefined)
    const waiting = await desk.remediation().createJob(request(), ana)
    expect(await desk.remediation().cancelJob(waiting.id, ana)).toMatchObject({ state: 'cancelled' })
    await expect(desk.remediation().cancelJob(waiting.id, ana)).rejects.toMatchObject({ code: 'CONFLICT' })
    desk.setSession({})
    const running = await desk.remediation().createJob(request(), ana)
    await desk.says('started')
    await desk.remediation().cancelJob(running.id, ana)
    expect(desk.sent.at(-1)).toEqual({ type: 'cancel', job: running.id })
    await desk.says('cancelled', { job: running.id })
    expect((await desk.remediation().job(running.id)).state).toBe('cancelled')
  })
})
