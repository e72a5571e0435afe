import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFactors, type Factors } from '../../../server/access/factors.ts'
import { createPeople, type People } from '../../../server/access/people.ts'
import { relyingPartyOf } from '../../../server/access/relying-party.ts'
import { createAudit } from '../../../server/audit/audit.ts'
import { testRecords } from '../records/clusters.ts'
import { createAuthenticator } from './authenticator.ts'

const PASSWORD = 'correct horse battery'
const MINUTE_MS = 60_000
const HOST = 'vigia.example:8443'
const HERE = { origin: `https://${HOST}`, relyingParty: 'vigia.example' }

describe('passkeys', () => {
  let on: Awaited<ReturnType<typeof testRecords>>
  let people: People
  let audit: ReturnType<typeof createAudit>
  let factors: Factors
  let nowMs: number
  let token: string

  beforeAll(async () => {
    on = await testRecords()
  })
  afterAll(() => on?.close())
  beforeEach(async () => {
    nowMs = 1_700_000_010_000
    await on.records.operator((db) => db.deleteFrom('person').execute())
    const clock = (): number => nowMs
    people = createPeople({ records: on.records, clock })
    audit = createAudit({ records: on.records, clock })
    factors = createFactors({
      ...{ records: on.records, clock },
      // What is sealed is not looked at here.
      box: { seal: (text) => Buffer.from(text), open: (sealed) => sealed.toString() },
      note: (db, entry) => audit.appendIn(db, entry),
    })
    for (const name of ['Caro', 'Luis'])
      await people.create({ name, password: PASSWORD, role: 'technician', clients: null })
    token = await signIn()
  })

  const signIn = async (name = 'Caro'): Promise<string> =>
    (await people.login({ name, password: PASSWORD, address: '127.0.0.1' })).token
  const refused = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'ok',
      (thrown: { code: string }) => thrown.code,
    )
  const add = async (session = token, key = createAuthenticator()) => {
    const { options } = await factors.passkeys.begin(session, { password: PASSWORD, host: HOST })
    const credential = key.make({ options, ...HERE })
    const added = await factors.passkeys.add(session, { name: 'Key', credential, host: HOST })
    return { key, credential, ...added }
  }

  it('is added with the password, counts as a proof, and brings recovery codes the first time', async () => {
    const wrong = factors.passkeys.begin(token, { password: 'wrong', host: HOST })
    expect(await refused(wrong)).toBe('REQUEST_INVALID')
    const { recoveryCodes, provenUntilMs, key } = await add()
    expect(recoveryCodes).toHaveLength(10)
    expect(await people.session(token)).toMatchObject({
      ...{ secondFactor: true, provenUntilMs, recoveryCodesLeft: 10 },
    })
    expect(provenUntilMs).toBe(nowMs + 15 * MINUTE_MS)
    expect((await people.list())[0]).toMatchObject({ name: 'Caro', secondFactor: true })
    expect((await people.login({ name: 'Caro', password: PASSWORD, address: '::1' })).me.secondFactor).toBe(
      true,
    )
    expect((await add()).recoveryCodes).toEqual([])
    expect(await factors.passkeys.list(token, HOST)).toMatchObject({
      authenticator: false,
      relyingParty: 'vigia.example',
      passkeys: [{ id: key.id, name: 'Key', relyingParty: 'vigia.example', usedAtMs: null }, {}],
    })
    expect(await refused(add(token, key))).toBe('CONFLICT')
    const other = await signIn()
    await factors.secondFactors.prove(other, recoveryCodes[0]!)
    expect((await people.session(other))?.recoveryCodesLeft).toBe(9)
  })

  it('proves, and each challenge is taken once, in its own session, for five minutes', async () => {
    const { key } = await add()
    token = await signIn()
    const other = await signIn()
    expect(
      await refused(
        factors.passkeys.prove(token, { credential: key.show({ options: {}, ...HERE }), host: HOST }),
      ),
    ).toBe('CONFLICT')
    const { options } = await factors.passkeys.challenge(token, HOST)
    const credential = key.show({ options, ...HERE })
    expect(await refused(factors.passkeys.prove(other, { credential, host: HOST }))).toBe('CONFLICT')
    const { provenUntilMs } = await factors.passkeys.prove(token, { credential, host: HOST })
    expect(provenUntilMs).toBe(nowMs + 15 * MINUTE_MS)
    expect((await people.session(token))?.provenUntilMs).toBe(provenUntilMs)
    expect((await people.session(other))?.provenUntilMs).toBeNull()
    expect(await refused(factors.passkeys.prove(token, { credential, host: HOST }))).toBe('CONFLICT')
    const late = key.show({ ...(await factors.passkeys.challenge(token, HOST)), ...HERE })
    nowMs += 5 * MINUTE_MS
    expect(await refused(factors.passkeys.prove(token, { credential: late, host: HOST }))).toBe('CONFLICT')
    // What was asked for to add one is not taken for showing one.
    const { options: adding } = await factors.passkeys.begin(token, { password: PASSWORD, host: HOST })
    const crossed = key.show({ options: adding, ...HERE })
    expect(await refused(factors.passkeys.prove(token, { credential: crossed, host: HOST }))).toBe('CONFLICT')
  })

  it('takes no signature for another place, of another key, of another person or of a copy', async () => {
    const { key } = await add()
    const luis = await signIn('Luis')
    const foreign = await add(luis)
    const attempt = async (
      make: (options: Record<string, unknown>) => ReturnType<typeof key.show>,
    ): Promise<string> => {
      const { options } = await factors.passkeys.challenge(token, HOST)
      return refused(factors.passkeys.prove(token, { credential: make(options), host: HOST }))
    }
    const invalid = 'SECOND_FACTOR_INVALID'
    const show = key.show
    expect(await attempt((options) => show({ options, ...HERE, origin: 'https://evil.example' }))).toBe(
      invalid,
    )
    // Without TLS only this machine's own name counts.
    expect(await attempt((options) => show({ options, ...HERE, origin: `http://${HOST}` }))).toBe(invalid)
    expect(await attempt((options) => show({ options, ...HERE, relyingParty: 'evil.example' }))).toBe(invalid)
    expect(
      await attempt((options) =>
        show({ options: { challenge: `${String(options['challenge'])}A` }, ...HERE }),
      ),
    ).toBe(invalid)
    expect(await attempt((options) => foreign.key.show({ options, ...HERE }))).toBe(invalid)
    expect(
      await attempt((options) => ({ ...foreign.key.show({ options, ...HERE }), id: key.id, rawId: key.id })),
    ).toBe(invalid)
    expect(await attempt((options) => show({ options, ...HERE }))).toBe('ok')
    key.counter -= 1
    expect(await attempt((options) => show({ options, ...HERE }))).toBe(invalid)
    const rows = await audit.list({ limit: 40 })
    expect(rows.filter(({ action }) => action === 'person.second-factor-refused')).toHaveLength(7)
    expect(rows.find(({ action }) => action === 'person.second-factor-shown')?.detail).toEqual({
      by: 'passkey',
      id: key.id,
    })
  })

  it('belongs to the name of the server, never to an address', async () => {
    const address = { password: PASSWORD, host: '127.0.0.1:7400' }
    expect(await refused(factors.passkeys.begin(token, address))).toBe('REQUEST_INVALID')
    expect(await refused(factors.passkeys.begin(token, { ...address, host: '[::1]:7400' }))).toBe(
      'REQUEST_INVALID',
    )
    await add()
    expect(await refused(factors.passkeys.challenge(token, 'localhost:7400'))).toBe('SECOND_FACTOR_REQUIRED')
    expect((await factors.passkeys.list(token, '127.0.0.1:7400')).relyingParty).toBeNull()
    expect(relyingPartyOf('localhost:7400')).toEqual({
      id: 'localhost',
      origins: ['https://localhost:7400', 'http://localhost:7400'],
    })
    expect(relyingPartyOf('Vigia.example')).toEqual({
      id: 'vigia.example',
      origins: ['https://Vigia.example'],
    })
  })

  it('is added, taken away or joined by an authenticator only with a proof; the last one stays', async () => {
    const { key } = await add()
    nowMs += 16 * MINUTE_MS
    expect(await refused(add())).toBe('SECOND_FACTOR_REQUIRED')
    expect(await refused(factors.secondFactors.begin(token, PASSWORD))).toBe('SECOND_FACTOR_REQUIRED')
    expect(await refused(factors.passkeys.remove(token, key.id))).toBe('SECOND_FACTOR_REQUIRED')
    const { options } = await factors.passkeys.challenge(token, HOST)
    await factors.passkeys.prove(token, { credential: key.show({ options, ...HERE }), host: HOST })
    expect(await refused(factors.passkeys.remove(token, key.id))).toBe('CONFLICT')
    const foreign = await add(await signIn('Luis'))
    expect(await refused(factors.passkeys.remove(token, foreign.key.id))).toBe('NOT_FOUND')
    const { secret } = await factors.secondFactors.begin(token, PASSWORD)
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: nowMs })
    await factors.secondFactors.confirm(token, code)
    await factors.passkeys.remove(token, key.id)
    expect(await factors.passkeys.list(token, HOST)).toMatchObject({ authenticator: true, passkeys: [] })
  })

  it('is not added by a session that began before another factor was set', async () => {
    const thief = await signIn()
    const { options } = await factors.passkeys.begin(thief, { password: PASSWORD, host: HOST })
    await add()
    const credential = createAuthenticator().make({ options, ...HERE })
    expect(await refused(factors.passkeys.add(thief, { name: 'x', credential, host: HOST }))).toBe(
      'SECOND_FACTOR_REQUIRED',
    )
    const other = await signIn('Luis')
    const { secret } = await factors.secondFactors.begin(other, PASSWORD)
    await add(await signIn('Luis'))
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: nowMs })
    expect(await refused(factors.secondFactors.confirm(other, code))).toBe('SECOND_FACTOR_REQUIRED')
  })

  it('goes with the reset of the second factor', async () => {
    await add()
    await factors.secondFactors.reset('Caro', 'local')
    token = await signIn()
    expect(await people.session(token)).toMatchObject({ secondFactor: false })
    expect(await refused(factors.passkeys.challenge(token, HOST))).toBe('SECOND_FACTOR_REQUIRED')
    expect((await add()).recoveryCodes).toHaveLength(10)
  })
})
