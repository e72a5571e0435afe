import { createDecipheriv, createECDH, createHash, hkdfSync } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { SealedSecret } from '../../../contract/command.ts'
import { ana, type Fleet } from './fleet.ts'
import { fleetSuite } from './suite.ts'

let fleet: Fleet
let client: string
fleetSuite((fresh) => ({ fleet, client } = fresh))

const VALUE = 'correct horse battery staple'
const note = async (): Promise<void> => undefined
const parameters = { key: { type: 'secret', help: '' } } as const

/** What the session's own key opens, as the agent does it (contract/command.ts, SealedSecret). */
function open(
  { key, sealed }: SealedSecret,
  job: string,
  parameter: string,
  device: Fleet['sealing'],
): string {
  const shared = device.computeSecret(key, 'base64url')
  const wide = hkdfSync('sha256', shared, Buffer.alloc(0), `vigia secret v1 ${job} ${parameter}`, 32)
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(wide), Buffer.alloc(12))
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString()
}

describe('a secret', () => {
  it("reaches the device sealed for its session, a client's own before the one for all, and stands nowhere in clear", async () => {
    const { secrets } = fleet.work()
    await secrets.set({ name: 'vpn', client: null, value: 'for all' }, 'ana', note)
    await secrets.set({ name: 'vpn', client, value: 'first' }, 'ana', note)
    await secrets.set({ name: 'vpn', client, value: VALUE }, 'ana', note)
    const script = await fleet.script({ parameters })
    const devices = await fleet.devices(client, 1)
    const target = { kind: 'devices', devices } as const
    const { id } = await fleet.order({ script, target, parameters: { key: 'vpn' } })
    await fleet.ended(id)
    const [order] = fleet.orders
    const [sealed] = fleet.sealed
    expect(Object.keys(order!.secrets!)).toEqual(['key'])
    expect(open(sealed!['key']!, order!.job, 'key', fleet.sealing)).toBe(VALUE)
    expect(() => open(sealed!['key']!, order!.job, 'other', fleet.sealing)).toThrow()
    expect(() => open(sealed!['key']!, order!.job, 'key', createOther())).toThrow()

    const everything = await fleet.records.operator(async (db) => [
      await db.selectFrom('job').selectAll().where('run_id', '=', id).execute(),
      await db.selectFrom('run').selectAll().where('run_id', '=', id).execute(),
      await db.selectFrom('audit').selectAll().execute(),
      (await db.selectFrom('secret').selectAll().execute()).map((row) => row.sealed.toString('latin1')),
    ])
    expect(JSON.stringify(everything)).toContain('"key":"vpn"')
    expect(JSON.stringify(everything)).not.toContain(VALUE)
    expect(JSON.stringify(await secrets.list())).not.toContain(VALUE)
  })

  it('that is not there refuses the order before anything is sent, and names it', async () => {
    const script = await fleet.script({ parameters })
    const devices = await fleet.devices(client, 1)
    const other = await fleet.client()
    await fleet.work().secrets.set({ name: 'only-theirs', client: other, value: VALUE }, 'ana', note)
    const request = {
      script,
      target: { kind: 'devices', devices },
      parameters: { key: 'only-theirs' },
    } as const
    await expect(fleet.order(request)).rejects.toMatchObject({ code: 'SECRET_MISSING' })
    const job = { device: devices[0]!, script, parameters: request.parameters, expiresInS: 60 }
    await expect(fleet.work().remediation.createJob(job, ana)).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      message: expect.stringContaining('only-theirs') as string,
    })
    expect(fleet.orders).toEqual([])
  })

  it('that was taken away before its order left refuses the job', async () => {
    const { secrets, remediation } = fleet.work()
    await secrets.set({ name: 'short-lived', client, value: VALUE }, 'ana', note)
    const script = await fleet.script({ parameters })
    const [device] = await fleet.devices(client, 1, { online: false })
    const order = { device: device!, script, parameters: { key: 'short-lived' }, expiresInS: 600 }
    const job = await remediation.createJob(order, ana)
    await secrets.remove({ name: 'short-lived', client }, note)
    await expect(secrets.remove({ name: 'short-lived', client }, note)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    await fleet.come(client, [device!])
    const ended = await remediation.job(job.id)
    expect(ended).toMatchObject({ state: 'refused' })
    expect(ended.reason).toMatch(/^SECRET_MISSING/)
    expect(fleet.orders).toEqual([])
  })
})

describe('jobs', () => {
  it('are found by words that were printed in colour, or by a program that moves the cursor', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 1)
    const stdout =
      '\x1b[1;31mFAILED\x1b[0m unit \x1b[38;5;208mnginx\x1b[m.service\x1b[K\r\x1b]8;;http://host\x07manual\x1b]8;;\x07 pre\x1b[4mfix\x1b[24med'
    fleet.setAnswer(() => ({
      outcome: 'exited',
      exitCode: 0,
      stdout,
      stderr: '\x1b[33mwarning\x1b[39m: low',
    }))
    const { id } = await fleet.order({ script, target: { kind: 'devices', devices } })
    await fleet.ended(id)
    for (const word of ['failed', 'nginx.service', 'manual', 'prefixed', 'warning', '"FAILED unit"']) {
      const [job] = await fleet.work().remediation.jobs({ find: word, run: id, limit: 10 })
      expect(job?.excerpt, word).toContain('«')
      expect(job?.excerpt).not.toContain('\x1b')
    }
    expect(await fleet.work().remediation.jobs({ find: '31mfailed', run: id, limit: 10 })).toEqual([])
  })

  it('are found by words of their output, with the place where they stand', async () => {
    const script = await fleet.script()
    const devices = await fleet.devices(client, 3)
    const outputs = [
      'the spooler restarted cleanly',
      'printer spooler is jammed',
      `${'x'.repeat(900)} nothing here`,
    ]
    fleet.setAnswer((order) => ({
      outcome: 'exited',
      exitCode: 0,
      stdout: outputs[devices.indexOf(order.device)]!,
      stderr: 'warning: toner low',
    }))
    const target = { kind: 'devices', devices } as const
    const { id } = await fleet.order({ script, target })
    await fleet.ended(id)
    const find = async (words: string) => {
      const jobs = await fleet.work().remediation.jobs({ find: words, run: id, limit: 10 })
      return jobs.map(({ device, excerpt }) => [outputs[devices.indexOf(device)], excerpt])
    }
    expect((await find('spooler')).map(([output]) => output).sort()).toEqual(outputs.slice(0, 2).sort())
    expect(await find('spooler -jammed')).toEqual([
      [outputs[0], expect.stringContaining('«spooler» restarted cleanly')],
    ])
    expect(await find('"is jammed"')).toHaveLength(1)
    expect(await find('toner')).toHaveLength(3)
    expect((await find('nothing'))[0]?.[1]).toMatch(/^…x{79} «nothing» here/)
    expect(await find('no such words')).toEqual([])
    expect(await find("'); drop table job; --")).toEqual([])
    const all = await fleet.work().remediation.jobs({ run: id, limit: 2 })
    expect(all).toHaveLength(2)
    expect(all[0]).not.toHaveProperty('stdout')
    expect(all[0]).toMatchObject({ hostname: expect.stringMatching(/^pc-/) as string, excerpt: null })
  })

  it('of one device are refused for somebody for whose client they are not, and stand in the audit chain', async () => {
    const script = await fleet.script({ dryRun: true })
    const [device] = await fleet.devices(client, 1)
    const order = { device: device!, script, parameters: {}, expiresInS: 60, dryRun: true, reason: 'look' }
    const other = { ...ana, clients: ['other'] }
    const { remediation } = fleet.work()
    await expect(remediation.createJob(order, other)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    fleet.setAnswer(() => 'silent')
    const job = await remediation.createJob(order, { ...ana, clients: [client] })
    expect(job).toMatchObject({ dryRun: true, state: 'sent' })
    await expect(remediation.cancelJob(job.id, other)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const deeds = (await fleet.audit.list({ limit: 20 })).filter(({ subject }) => subject === job.id)
    expect(deeds).toMatchObject([
      {
        who: 'ana',
        action: 'job.order',
        detail: { device, dryRun: true, reason: 'look', proof: 'second factor' },
      },
    ])
    await remediation.cancelJob(job.id, ana)
    expect(fleet.cancels).toEqual([job.id])
  })

  it('leave their end in the audit chain: state, exit code and the hash of what they printed', async () => {
    const script = await fleet.script()
    const [device] = await fleet.devices(client, 1)
    // As Windows tells an access violation: beyond what a signed 32-bit column holds.
    fleet.setAnswer(() => ({ outcome: 'exited', exitCode: 0xc0000005, stdout: 'so far\n', stderr: 'ouch' }))
    const order = { device: device!, script, parameters: {}, expiresInS: 60 }
    const { id } = await fleet.work().remediation.createJob(order, ana)
    const job = await vi.waitFor(async () => {
      const now = await fleet.work().remediation.job(id)
      expect(now.state).toBe('failed')
      return now
    })
    expect(job.exitCode).toBe(0xc0000005 | 0)
    const deeds = (await fleet.audit.list({ limit: 20 })).filter(({ subject }) => subject === id)
    const output = createHash('sha256')
      .update(JSON.stringify([job.stdout, job.stderr]))
      .digest('hex')
    expect(deeds[0]).toMatchObject({
      ...{ who: 'server', action: 'job.end', client },
      detail: { device, state: 'failed', exitCode: 0xc0000005 | 0, output },
    })
    expect((await fleet.audit.verify()).ok).toBe(true)
  })
})

function createOther(): Fleet['sealing'] {
  const other = createECDH('prime256v1')
  other.generateKeys()
  return other
}
