import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ROUTES } from '../../../contract/http.ts'
import { createPeople, SESSION_COOKIE, type People } from '../../../server/access/people.ts'
import { testRecords } from '../records/clusters.ts'

const HOUR_MS = 3_600_000
const PASSWORD = 'correct horse battery'
const ANA = { name: 'Ana', role: 'owner', clients: null, secondFactor: false, provenUntilMs: null }

describe('people', () => {
  let on: Awaited<ReturnType<typeof testRecords>>
  let people: People
  let nowMs: number
  const here = '127.0.0.1'

  beforeAll(async () => {
    on = await testRecords()
  })
  afterAll(() => on.close())
  beforeEach(async () => {
    nowMs = 1_700_000_000_000
    await on.records.operator(async (db) => {
      await db.deleteFrom('person').execute()
      await db.deleteFrom('setting').execute()
    })
    people = createPeople({ records: on.records, clock: () => nowMs })
  })

  async function owner(): Promise<string> {
    const token = (await people.issueSetupToken())!
    return (await people.setup({ token, name: 'Ana', password: PASSWORD, address: here })).token
  }

  it('sets up once, with the newest link only, from this machine only', async () => {
    expect(await people.setupNeeded()).toBe(true)
    const old = (await people.issueSetupToken())!
    const token = (await people.issueSetupToken())!
    const request = { token, name: 'Ana', password: PASSWORD, address: here }
    await expect(people.setup({ ...request, token: old })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(people.setup({ ...request, address: '192.0.2.7' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
    const session = await people.setup({ ...request, address: '::ffff:127.0.0.1' })
    expect(session.me).toEqual(ANA)
    expect(await people.setupNeeded()).toBe(false)
    expect(await people.issueSetupToken()).toBeUndefined()
    await expect(people.setup(request)).rejects.toMatchObject({ code: 'SETUP_DONE' })
  })

  it('makes one owner when ten set up at once', async () => {
    const token = (await people.issueSetupToken())!
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        people.setup({ token, name: `p${index}`, password: PASSWORD, address: here }),
      ),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const codes = tries.flatMap((each) =>
      each.status === 'rejected' ? [(each.reason as { code: string }).code] : [],
    )
    expect(new Set(codes)).toEqual(new Set(['SETUP_DONE']))
    expect(await people.list()).toHaveLength(1)
  })

  it('signs in and out, and keeps neither password nor token', async () => {
    await owner()
    const session = await people.login({ name: 'Ana', password: PASSWORD, address: here })
    expect(await people.session(session.token)).toEqual(ANA)
    expect(await people.session(`${session.token}x`)).toBeUndefined()
    const kept = await on.records.operator(async (db) => ({
      people: await db.selectFrom('person').selectAll().execute(),
      sessions: await db.selectFrom('person_session').selectAll().execute(),
    }))
    expect(kept.people[0]?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(JSON.stringify(kept)).not.toContain(session.token)
    expect(JSON.stringify(kept)).not.toContain(PASSWORD)
    await people.logout(session.token)
    expect(await people.session(session.token)).toBeUndefined()
    expect(SESSION_COOKIE.options).toMatchObject({ httpOnly: true, sameSite: 'strict', maxAge: 43_200 })
  })

  it('ends a session after 12 hours without use, and slides while it is used', async () => {
    const token = await owner()
    for (let hour = 0; hour < 30; hour += 10) {
      nowMs += 10 * HOUR_MS
      expect(await people.session(token)).toBeDefined()
    }
    nowMs += 12 * HOUR_MS
    expect(await people.session(token)).toBeUndefined()
    expect(await people.sweep()).toBe(1)
  })

  it('says the same of an unknown name and a wrong password', async () => {
    await owner()
    const wrong = { name: 'Ana', password: 'wrong', address: here }
    const messages = []
    for (const request of [wrong, { ...wrong, name: 'Nobody' }])
      messages.push(await people.login(request).catch((thrown: Error) => thrown.message))
    expect(messages[0]).toBe(messages[1])
    expect(messages[0]).toMatch(/name or password is wrong/)
  })

  it('slows guessing down by name and by address, and lets the right one in after the wait', async () => {
    await owner()
    const guess = (name: string, address: string): Promise<string> =>
      people.login({ name, password: 'wrong', address }).then(
        () => 'in',
        (thrown: { code: string }) => thrown.code,
      )
    for (let count = 0; count < 10; count++)
      expect(await guess('ANA', `192.0.2.${count}`)).toBe('UNAUTHENTICATED')
    expect(await guess('ana', '192.0.2.99')).toBe('LOGIN_THROTTLED')
    nowMs += 60_000
    const session = await people.login({ name: 'Ana', password: PASSWORD, address: '192.0.2.100' })
    expect(session.me.name).toBe('Ana')

    for (let count = 0; count < 20; count++)
      expect(await guess(`n${count}`, '198.51.100.1')).toBe('UNAUTHENTICATED')
    expect(await guess('n99', '198.51.100.1')).toBe('LOGIN_THROTTLED')
    expect(await guess('n99', '198.51.100.2')).toBe('UNAUTHENTICATED')
  })

  it('gains nothing by many guesses at once', async () => {
    await owner()
    const tries = await Promise.all(
      Array.from({ length: 40 }, () =>
        people
          .login({ name: 'Ana', password: 'wrong', address: '192.0.2.1' })
          .catch((thrown: { code: string }) => thrown.code),
      ),
    )
    expect(tries.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(10)
  })

  it('a new password ends every session', async () => {
    const token = await owner()
    const luis = { name: 'Luis', password: PASSWORD, role: 'viewer', clients: null } as const
    await people.create(luis)
    await expect(people.create(luis)).rejects.toMatchObject({ code: 'CONFLICT' })
    await people.setPassword('Ana', 'another password altogether')
    expect(await people.session(token)).toBeUndefined()
    await expect(people.setPassword('Eva', PASSWORD)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await people.login({ name: 'Ana', password: 'another password altogether', address: here })
  })

  it('takes no name under which the product itself acts, and none that would read as another', () => {
    const { body } = ROUTES.createPerson
    const takes = (name: string): boolean =>
      body.safeParse({ name, password: PASSWORD, role: 'viewer', clients: null }).success &&
      ROUTES.setup.body.safeParse({ token: 'x', name, password: PASSWORD }).success
    for (const name of ['Ana', 'José Núñez', 'rules', 'Locala']) expect(takes(name), name).toBe(true)
    const bad = [
      'local',
      'Server',
      'nobody',
      'rule disk-full',
      ' Ana',
      'Ana ',
      'A\u202Ena',
      'A\nB',
      'A\u200bna',
    ]
    for (const name of bad) expect(takes(name), JSON.stringify(name)).toBe(false)
  })

  it('limits for whose devices a person runs code, at once in a session that is open', async () => {
    await on.records.operator(async (db) => {
      await db.deleteFrom('client').execute()
      await db
        .insertInto('client')
        .values(['acme', 'beta'].map((id) => ({ client_id: id, name: id, created_at: new Date(nowMs) })))
        .execute()
    })
    await owner()
    const caro = { name: 'Caro', password: PASSWORD, role: 'technician', clients: ['acme'] } as const
    await expect(people.create({ ...caro, clients: ['acme', 'gone', 'lost'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'there is no client gone, lost',
    })
    await people.create({ ...caro, clients: ['acme'] })
    const { token, me } = await people.login({ name: 'Caro', password: PASSWORD, address: here })
    expect(me.clients).toEqual(['acme'])
    await people.setClients('Caro', ['beta'])
    expect((await people.session(token))?.clients).toEqual(['beta'])
    await expect(people.setClients('Caro', ['gone'])).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(people.setClients('Eva', null)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await people.session(token))?.clients).toEqual(['beta'])
    await people.setClients('Caro', null)
    expect((await people.session(token))?.clients).toBeNull()
    expect(await people.list()).toMatchObject([
      { name: 'Ana', clients: null, secondFactor: false },
      { name: 'Caro', clients: null },
    ])
    // A role that was taken away is gone at the next request, too.
    await on.records.operator((db) =>
      db.updateTable('person').set({ role: 'viewer' }).where('name', '=', 'Caro').execute(),
    )
    expect((await people.session(token))?.role).toBe('viewer')
  })
})
