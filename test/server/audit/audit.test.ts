import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createAudit, type Audit } from '../../../server/audit/audit.ts'
import { canonicalText, CHAIN_START } from '../../../server/audit/chain.ts'
import { withClient } from '../../../server/records/migrate.ts'
import { testRecords } from '../records/clusters.ts'

describe('audit', () => {
  let on: Awaited<ReturnType<typeof testRecords>>
  let audit: Audit
  let nowMs = 1_700_000_000_000
  const entry = {
    who: 'ana',
    action: 'device.revoke',
    client: 'acme',
    subject: 'd-1',
    detail: { why: 'lost' },
  }

  beforeAll(async () => {
    on = await testRecords()
    audit = createAudit({ records: on.records, clock: () => nowMs++ })
  })
  afterAll(() => on.close())
  beforeEach(() => asOwner((client) => client.query('truncate audit restart identity')))

  /** What a thief of the database's own password could do. */
  function asOwner(work: (client: pg.Client) => Promise<unknown>): Promise<unknown> {
    return withClient(on.owner, work)
  }

  it('is empty and whole at first', async () => {
    expect(await audit.head()).toBeNull()
    expect(await audit.verify()).toEqual({ ok: true, rows: 0, head: null })
  })

  it('keeps one chain under concurrent appends', async () => {
    const heads = await Promise.all(
      Array.from({ length: 60 }, (_, index) => audit.append({ ...entry, subject: `s${index}` })),
    )
    const verdict = await audit.verify()
    expect(verdict).toMatchObject({ ok: true, rows: 60 })
    expect(new Set(heads.map(({ hash }) => hash)).size).toBe(60)
    expect(verdict).toMatchObject({ head: await audit.head() })
  })

  it('hashes the same text again after the database has kept it, whatever the detail', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 1, maxLength: 8 }),
        async (details) => {
          for (const detail of details) await audit.append({ ...entry, detail })
          expect(await audit.verify()).toMatchObject({ ok: true })
        },
      ),
      { numRuns: 15 },
    )
    await audit.append({ ...entry, who: 'a\0b', detail: { 'k\0': '\ud800', 10: 1, 9: 2, __proto__: null } })
    expect(await audit.verify()).toMatchObject({ ok: true })
  })

  it('writes the canonical text as documented', () => {
    const row = {
      timeMs: 5,
      who: 'a',
      action: 'b',
      client: null,
      subject: 's',
      detail: { b: [1, { d: 2, c: 3 }], 10: 1, 9: 2 },
    }
    expect(canonicalText({ hash: CHAIN_START, id: 7 }, row)).toBe(
      `["${CHAIN_START}",7,5,"a","b",null,"s",{"10":1,"9":2,"b":[1,{"c":3,"d":2}]}]`,
    )
    expect(canonicalText({ hash: CHAIN_START, id: 7 }, row, 1)).toBe(
      `["${CHAIN_START}",5,"a","b",null,"s",{"10":1,"9":2,"b":[1,{"c":3,"d":2}]}]`,
    )
  })

  it('names the first broken row: changed, removed, put in between, or cut off at the end', async () => {
    for (let count = 0; count < 5; count++) await audit.append(entry)
    const anchor = (await audit.head())!
    expect(await audit.verify({ anchor })).toMatchObject({ ok: true, rows: 5 })
    expect(await audit.verify({ fromId: 3 })).toMatchObject({ ok: true, rows: 3 })

    await asOwner((client) => client.query(`update audit set detail = '{"why":"stolen"}' where audit_id = 3`))
    expect(await audit.verify()).toMatchObject({ ok: false, id: 3 })
    await asOwner((client) => client.query(`update audit set detail = '{"why":"lost"}' where audit_id = 3`))
    expect(await audit.verify()).toMatchObject({ ok: true })

    await asOwner((client) => client.query('delete from audit where audit_id = 2'))
    expect(await audit.verify()).toMatchObject({ ok: false, id: 3 })
    await asOwner((client) => client.query('delete from audit where audit_id in (1, 3)'))
    expect(await audit.verify()).toMatchObject({ ok: false, id: 4 })
    await asOwner((client) => client.query('delete from audit'))
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 0 })
    expect(await audit.verify({ anchor })).toMatchObject({ ok: false, id: 5 })
  })

  it('sees a whole chain that was made anew, by the anchor', async () => {
    for (let count = 0; count < 3; count++) await audit.append(entry)
    const anchor = (await audit.head())!
    await asOwner((client) => client.query('truncate audit restart identity'))
    for (let count = 0; count < 4; count++) await audit.append({ ...entry, who: 'forger' })
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 4 })
    expect(await audit.verify({ anchor })).toMatchObject({ ok: false, id: anchor.id })
  })

  it('commits with the deed or not at all', async () => {
    const work = on.records.operator(async (db) => {
      await audit.appendIn(db, entry)
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await audit.head()).toBeNull()
  })

  it('lists newest first, by client', async () => {
    await audit.append(entry)
    await audit.append({ ...entry, client: null, subject: 'server' })
    expect((await audit.list({ limit: 10 })).map(({ subject }) => subject)).toEqual(['server', 'd-1'])
    expect(await audit.list({ client: 'acme', limit: 10 })).toMatchObject([
      { subject: 'd-1', detail: { why: 'lost' } },
    ])
  })

  it('lists what was done to one subject, and one deed or all of a kind', async () => {
    for (const action of ['job.order', 'job.end', 'jobs.count', 'run.order'])
      await audit.append({ ...entry, action, subject: action === 'run.order' ? 'r' : 'j' })
    const found = async (query: { subject?: string; action?: string }): Promise<string[]> =>
      (await audit.list({ ...query, limit: 10 })).map(({ action }) => action)
    expect(await found({ subject: 'r' })).toEqual(['run.order'])
    expect(await found({ action: 'job' })).toEqual(['job.end', 'job.order'])
    expect(await found({ action: 'job.end' })).toEqual(['job.end'])
    expect(await found({ action: 'jo' })).toEqual([])
  })

  it('lists with a subject also what names it: a session on a device, what was ordered for a device, an order of a job', async () => {
    const opened = { ...entry, action: 'remote.open', subject: 'd-7', detail: { session: 's' } }
    for (const row of [
      opened,
      { ...entry, action: 'job.end', subject: 'j', detail: { device: 'd-7' } },
      { ...entry, action: 'command.send', subject: 'd-7', detail: { job: 'j' } },
      { ...entry, action: 'run.order', subject: 'r', detail: { schedule: 'p', reason: 'd-7' } },
      { ...entry, action: 'server.start', subject: 'x' },
    ])
      await audit.append(row)
    const found = async (subject: string): Promise<string[]> =>
      (await audit.list({ subject, limit: 10 })).map(({ action }) => action)
    expect(await found('s')).toEqual(['remote.open'])
    expect(await found('d-7')).toEqual(['command.send', 'job.end', 'remote.open'])
    expect(await found('j')).toEqual(['command.send', 'job.end'])
    expect(await found('p')).toEqual(['run.order'])
  })
})
