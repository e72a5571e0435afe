import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wasRemoved } from '../../../server/access/former.ts'
import { createPeople, tokenHash, type People } from '../../../server/access/people.ts'
import { clientsOf } from '../../../server/access/rights.ts'
import { createAudit, type Audit } from '../../../server/audit/audit.ts'
import { testRecords } from '../records/clusters.ts'

const PASSWORD = 'correct horse battery'
const NOW_MS = Date.UTC(2026, 10, 3)
const here = '127.0.0.1'

describe('a person who is removed', () => {
  let on: Awaited<ReturnType<typeof testRecords>>
  let people: People
  let audit: Audit

  beforeAll(async () => {
    on = await testRecords()
    await on.records.operator((db) =>
      db
        .insertInto('client')
        .values({ client_id: 'acme', name: 'Acme', created_at: new Date(NOW_MS) })
        .execute(),
    )
    audit = createAudit({ records: on.records, clock: () => NOW_MS })
  })
  afterAll(() => on.close())
  beforeEach(async () => {
    await on.records.operator((db) => db.deleteFrom('person').execute())
    people = createPeople({ records: on.records, clock: () => NOW_MS })
    await add('Ana', 'owner')
    await add('Blas', 'owner')
    await add('Caro', 'technician')
  })

  const add = (name: string, role: 'owner' | 'technician' | 'viewer', clients: string[] | null = null) =>
    people.create({ name, password: PASSWORD, role, clients })
  const login = (name: string) => people.login({ name, password: PASSWORD, address: here })
  const remove = (name: string, who = 'local'): Promise<string> =>
    people.remove(name, { who, keys: [], note: (db, entry) => audit.appendIn(db, entry) }).then(
      () => 'removed',
      (thrown: { code: string }) => thrown.code,
    )
  const names = async (): Promise<string[]> => (await people.list()).map(({ name }) => name)
  const rights = (name: string) => on.records.operator((db) => clientsOf(db, name))

  it('is signed out at once, signs in no more, runs code for nobody, and keeps no secret here', async () => {
    const { token } = await login('Caro')
    await on.records.operator(async (db) => {
      const { person_id } = await db
        .selectFrom('person')
        .select('person_id')
        .where('name', '=', 'Caro')
        .executeTakeFirstOrThrow()
      await db
        .updateTable('person')
        .set({ totp_secret: Buffer.from('secret'), totp_last_step: 1, recovery_hashes: ['one'] })
        .where('name', '=', 'Caro')
        .execute()
      await db
        .insertInto('person_passkey')
        .values({
          ...{ credential_id: 'c', person_id, relying_party: 'localhost', name: 'n', transports: [] },
          ...{ public_key: Buffer.from('k'), sign_count: 0, created_at: new Date(NOW_MS), used_at: null },
        })
        .execute()
    })
    expect(await rights('Caro')).toBeNull()
    expect(await remove('Caro', 'Ana')).toBe('removed')
    expect(await people.session(token)).toBeUndefined()
    await expect(login('Caro')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await rights('Caro')).toEqual([])
    expect(await names()).toEqual(['Ana', 'Blas'])
    expect(await people.former()).toEqual([
      { name: 'Caro', role: 'technician', removedAtMs: NOW_MS, removedBy: 'Ana' },
    ])
    const [row, passkeys] = await on.records.operator(async (db) => [
      await db.selectFrom('person').selectAll().where('name', '=', 'Caro').executeTakeFirstOrThrow(),
      await db.selectFrom('person_passkey').select('name').execute(),
    ])
    expect(row).toMatchObject({ password_hash: '', totp_secret: null, recovery_hashes: [] })
    expect(passkeys).toEqual([])
    await expect(people.setPassword('Caro', PASSWORD)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(people.setClients('Caro', null)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await remove('Caro')).toBe('NOT_FOUND')
    expect(await remove('Eva')).toBe('NOT_FOUND')
  })

  it('stands in the audit chain, which holds with all that they did', async () => {
    await audit.append({ who: 'Caro', action: 'job.order', client: 'acme', subject: 'j' })
    await remove('Caro', 'Ana')
    expect(await audit.list({ limit: 2 })).toMatchObject([
      { who: 'Ana', action: 'person.remove', subject: 'Caro', detail: { role: 'technician', clients: null } },
      { who: 'Caro', action: 'job.order' },
    ])
    expect(await audit.verify()).toMatchObject({ ok: true })
  })

  it('gets no session out of a login that was under way', async () => {
    const under = Array.from({ length: 8 }, () => login('Caro').catch(() => undefined))
    expect(await remove('Caro')).toBe('removed')
    const tokens = (await Promise.all(under)).flatMap((session) => session?.token ?? [])
    const kept = await on.records.operator((db) => db.selectFrom('person_session').selectAll().execute())
    expect(kept.filter(({ token_hash }) => tokens.map(tokenHash).includes(token_hash))).toEqual([])
  })

  it('is never the last owner, nor the last who works for all clients, nor oneself', async () => {
    expect(await remove('Ana', 'Ana')).toBe('OWN_ACCOUNT')
    expect(await remove('Blas', 'Ana')).toBe('removed')
    expect(await remove('Ana', 'Ana')).toBe('OWN_ACCOUNT')
    expect(await remove('Ana')).toBe('LAST_OWNER')
    await add('Dora', 'owner', ['acme'])
    expect(await remove('Ana')).toBe('LAST_OWNER')
    expect(await remove('Dora')).toBe('removed')
    await add('Eva', 'owner')
    expect(await remove('Ana')).toBe('removed')
    expect(await names()).toEqual(['Caro', 'Eva'])
  })

  it('leaves an owner when owners remove each other at once', async () => {
    for (let round = 0; round < 5; round++) {
      const ends = await Promise.all([remove('Ana', 'Blas'), remove('Blas', 'Ana')])
      expect(ends.sort()).toEqual(['LAST_OWNER', 'removed'])
      const [gone] = await people.former()
      await people.create({
        ...{ name: gone!.name, password: PASSWORD, role: 'owner', clients: null, returns: true },
      })
    }
  })

  it('leaves a name that nobody else is given, however it is written, and that they take up again', async () => {
    const { token } = await login('Caro')
    await remove('Caro')
    for (const name of ['Caro', 'CARO', 'caro', '\uff23aro'])
      await expect(add(name, 'viewer'), name).rejects.toMatchObject({
        code: 'NAME_OF_FORMER',
        message: 'Caro was removed on 2026-11-03, and what they did is told by that name',
      })
    await expect(add('ANA', 'viewer')).rejects.toMatchObject({ code: 'CONFLICT' })
    const returns = { password: 'another password altogether', role: 'viewer', clients: ['acme'] } as const
    for (const name of ['Ana', 'Eva', 'caro'])
      await expect(
        people.create({ name, ...returns, clients: ['acme'], returns: true }),
      ).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await people.create({ name: 'Caro', ...returns, clients: ['acme'], returns: true })
    expect(await people.session(token)).toBeUndefined()
    await expect(login('Caro')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    const { me } = await people.login({ name: 'Caro', password: returns.password, address: here })
    expect(me).toMatchObject({ role: 'viewer', clients: ['acme'], secondFactor: false })
    expect(await people.former()).toEqual([])
  })

  it('is told from who was never there, and from another of a name that reads alike', async () => {
    const removed = (name: string) => on.records.operator((db) => wasRemoved(db, name))
    await remove('Caro')
    expect(await Promise.all(['Caro', 'caro', 'Ana', 'Tess'].map(removed))).toEqual([
      true,
      true,
      false,
      false,
    ])
    // As an installation may have had them before names were told apart.
    await on.records.operator((db) =>
      db
        .insertInto('person')
        .values({
          ...{ person_id: crypto.randomUUID(), name: 'caro', password_hash: '', role: 'technician' },
          ...{ created_at: new Date(NOW_MS), totp_secret: null, totp_last_step: null, clients: null },
        })
        .execute(),
    )
    expect(await Promise.all(['Caro', 'caro'].map(removed))).toEqual([true, false])
  })
})
