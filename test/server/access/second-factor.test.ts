import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFactors } from '../../../server/access/factors.ts'
import { createPeople, type People } from '../../../server/access/people.ts'
import { recoveryHash } from '../../../server/access/recovery.ts'
import type { SecondFactors } from '../../../server/access/second-factor.ts'
import { totpStep } from '../../../server/access/totp.ts'
import { createAudit } from '../../../server/audit/audit.ts'
import { openSecretBox, type SecretBox } from '../../../server/secret/box.ts'
import { testRecords } from '../records/clusters.ts'

const PASSWORD = 'correct horse battery'
const MINUTE_MS = 60_000
const STEP_MS = 30_000

describe('the second factor', () => {
  let on: Awaited<ReturnType<typeof testRecords>>
  let keys: string
  let box: SecretBox
  let people: People
  let factors: SecondFactors
  let audit: ReturnType<typeof createAudit>
  let nowMs: number
  let token: string

  beforeAll(async () => {
    on = await testRecords()
    keys = mkdtempSync(join(tmpdir(), 'vigia-factor-'))
    box = openSecretBox(keys)
  })
  afterAll(async () => {
    await on?.close()
    rmSync(keys, { recursive: true })
  })
  beforeEach(async () => {
    nowMs = 1_700_000_010_000
    await on.records.operator((db) => db.deleteFrom('person').execute())
    const clock = (): number => nowMs
    people = createPeople({ records: on.records, clock })
    audit = createAudit({ records: on.records, clock })
    factors = makeFactors()
    await people.create({ name: 'Caro', password: PASSWORD, role: 'technician', clients: null })
    token = await signIn()
  })

  const makeFactors = (): SecondFactors =>
    createFactors({
      ...{ records: on.records, clock: () => nowMs, box },
      note: (db, entry) => audit.appendIn(db, entry),
    }).secondFactors
  const signIn = async (): Promise<string> =>
    (await people.login({ name: 'Caro', password: PASSWORD, address: '127.0.0.1' })).token
  const codeAt = (secret: string, timestamp = nowMs): string =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp })
  const setUp = async (session = token) => {
    const { secret, uri } = await factors.begin(session, PASSWORD)
    return { secret, uri, ...(await factors.confirm(session, codeAt(secret))) }
  }
  const refused = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'ok',
      (thrown: { code: string }) => thrown.code,
    )
  const wrong = (secret: string): string => (codeAt(secret) === '000000' ? '000001' : '000000')

  it('is set up with the password and a first code, which is a proof for 15 minutes', async () => {
    expect(await refused(factors.begin(token, 'wrong'))).toBe('REQUEST_INVALID')
    expect(await refused(factors.confirm(token, '123456'))).toBe('CONFLICT')
    const { secret, uri } = await factors.begin(token, PASSWORD)
    expect(decodeURIComponent(uri)).toMatch(
      /^otpauth:\/\/totp\/Vigía:Caro\?issuer=Vigía&secret=[A-Z2-7]{32}&/,
    )
    expect((await people.session(token))?.secondFactor).toBe(false)
    expect(await refused(factors.confirm(token, wrong(secret)))).toBe('SECOND_FACTOR_INVALID')
    const { recoveryCodes, provenUntilMs } = await factors.confirm(token, codeAt(secret))
    expect(provenUntilMs).toBe(nowMs + 15 * MINUTE_MS)
    expect(new Set(recoveryCodes).size).toBe(10)
    expect(await people.session(token)).toMatchObject({
      ...{ secondFactor: true, recoveryCodesLeft: 10, provenUntilMs },
    })
    // The clock runs, the session is used, and the proof does not slide.
    nowMs += 10 * MINUTE_MS
    expect(await people.session(token)).toMatchObject({ provenUntilMs })
  })

  it('keeps the secret sealed and of recovery codes only hashes', async () => {
    const { secret, recoveryCodes } = await setUp()
    const kept = await on.records.operator(async (db) => ({
      people: await db.selectFrom('person').selectAll().execute(),
      sessions: await db.selectFrom('person_session').selectAll().execute(),
      audit: await db.selectFrom('audit').selectAll().execute(),
    }))
    const all = JSON.stringify(kept, (_, value: unknown) =>
      Buffer.isBuffer(value) ? value.toString('latin1') : value,
    )
    const bytes = Buffer.from(kept.people[0]?.totp_secret ?? [])
    expect(bytes.includes(secret) || bytes.includes(Buffer.from(Secret.fromBase32(secret).bytes))).toBe(false)
    for (const each of [secret, ...recoveryCodes]) expect(all).not.toContain(each)
    const id = kept.people[0]!.person_id
    expect(box.open(kept.people[0]!.totp_secret!, `second factor of ${id}`)).toBe(secret)
    expect(() => box.open(kept.people[0]!.totp_secret!, 'second factor of another')).toThrow(/does not open/)
    expect(kept.sessions.every(({ totp_pending }) => totp_pending === null)).toBe(true)
  })

  it('takes a code of one step each way, and each step once', async () => {
    const { secret } = await setUp()
    expect(await refused(factors.prove(token, codeAt(secret)))).toBe('SECOND_FACTOR_INVALID')
    nowMs += 4 * STEP_MS
    for (const steps of [-2, 2])
      expect(await refused(factors.prove(token, codeAt(secret, nowMs + steps * STEP_MS)))).toBe(
        'SECOND_FACTOR_INVALID',
      )
    expect(await refused(factors.prove(token, codeAt(secret, nowMs - STEP_MS)))).toBe('ok')
    expect(await refused(factors.prove(token, codeAt(secret, nowMs - STEP_MS)))).toBe('SECOND_FACTOR_INVALID')
    expect(await refused(factors.prove(token, codeAt(secret, nowMs + STEP_MS)))).toBe('ok')
    // An older step than one that counted says nothing any more.
    expect(await refused(factors.prove(token, codeAt(secret)))).toBe('SECOND_FACTOR_INVALID')
  })

  it('counts a code once when twenty show it at once, in other sessions too', async () => {
    const { secret } = await setUp()
    nowMs += 2 * STEP_MS
    const sessions = [token, await signIn(), await signIn()]
    const code = codeAt(secret)
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, index) => refused(factors.prove(sessions[index % 3]!, code))),
    )
    expect(tries.filter((outcome) => outcome === 'ok')).toHaveLength(1)
    const proven = await Promise.all(sessions.map((session) => people.session(session)))
    // The first session has its proof from the set-up.
    expect(proven.filter((me) => (me?.provenUntilMs ?? 0) > nowMs).length).toBeLessThanOrEqual(2)
  })

  it('takes each recovery code once, however it is typed', async () => {
    const { recoveryCodes } = await setUp()
    const [first = '', second = ''] = recoveryCodes
    expect(first).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/)
    const other = await signIn()
    expect(await refused(factors.prove(other, first))).toBe('ok')
    expect(await refused(factors.prove(other, first))).toBe('SECOND_FACTOR_INVALID')
    expect(await refused(factors.prove(other, ` ${second.toUpperCase().replaceAll('-', ' ')} `))).toBe('ok')
    expect(await people.session(other)).toMatchObject({
      ...{ recoveryCodesLeft: 8, provenUntilMs: nowMs + 15 * MINUTE_MS },
    })
    expect(recoveryHash('a', 'o0il-1')).toBe(recoveryHash('a', '00111'))
    expect(recoveryHash('a', first)).not.toBe(recoveryHash('b', first))
  })

  it('belongs to one session, and goes with it', async () => {
    const { secret } = await setUp()
    nowMs += 2 * STEP_MS
    const other = await signIn()
    expect((await people.session(other))?.provenUntilMs).toBeNull()
    await factors.prove(other, codeAt(secret))
    await people.logout(other)
    expect(await refused(factors.prove(other, codeAt(secret, nowMs + STEP_MS)))).toBe('UNAUTHENTICATED')
    expect((await people.session(await signIn()))?.provenUntilMs).toBeNull()
    // What one session began is not for another to confirm.
    const third = await signIn()
    nowMs += 2 * STEP_MS
    await factors.prove(third, codeAt(secret))
    const begun = await factors.begin(third, PASSWORD)
    expect(await refused(factors.confirm(token, codeAt(begun.secret)))).toBe('CONFLICT')
    await people.setPassword('Caro', 'another password altogether')
    expect(await people.session(third)).toBeUndefined()
  })

  it('is replaced only with a proof of the old one, which then counts no more anywhere', async () => {
    const { secret, recoveryCodes } = await setUp()
    nowMs += 16 * MINUTE_MS
    expect(await refused(factors.begin(token, PASSWORD))).toBe('SECOND_FACTOR_REQUIRED')
    const other = await signIn()
    await factors.prove(other, codeAt(secret))
    await factors.prove(token, recoveryCodes[3]!)
    const next = await setUp()
    nowMs += 2 * STEP_MS
    expect((await people.session(other))?.provenUntilMs).toBeNull()
    expect(await refused(factors.prove(other, codeAt(secret)))).toBe('SECOND_FACTOR_INVALID')
    expect(await refused(factors.prove(other, recoveryCodes[4]!))).toBe('SECOND_FACTOR_INVALID')
    expect(await refused(factors.prove(other, codeAt(next.secret)))).toBe('ok')
  })

  it('is not replaced by a secret that was begun before it was set', async () => {
    const thief = await signIn()
    const begun = await factors.begin(thief, PASSWORD)
    await setUp()
    expect(await refused(factors.confirm(thief, codeAt(begun.secret)))).toBe('CONFLICT')
    expect((await people.session(thief))?.provenUntilMs).toBeNull()
  })

  it('slows guessing down by person, whatever the session', async () => {
    const { secret } = await setUp()
    nowMs += 2 * STEP_MS
    for (let count = 0; count < 5; count++)
      expect(await refused(factors.prove(await signIn(), wrong(secret)))).toBe('SECOND_FACTOR_INVALID')
    expect(await refused(factors.prove(token, codeAt(secret)))).toBe('LOGIN_THROTTLED')
    expect(await refused(factors.confirm(token, codeAt(secret)))).toBe('CONFLICT')
    nowMs += MINUTE_MS
    expect(await refused(factors.prove(token, codeAt(secret)))).toBe('ok')
    const tries = await Promise.all(Array.from({ length: 40 }, () => refused(factors.begin(token, 'wrong'))))
    expect(tries.filter((code) => code === 'REQUEST_INVALID')).toHaveLength(10)
    expect(tries.filter((code) => code === 'LOGIN_THROTTLED')).toHaveLength(30)
  })

  it('is taken away with all sessions, and another can be set up', async () => {
    const { secret } = await setUp()
    await factors.reset('Caro', 'local')
    expect(await people.session(token)).toBeUndefined()
    token = await signIn()
    expect(await people.session(token)).toMatchObject({ secondFactor: false, provenUntilMs: null })
    expect(await refused(factors.prove(token, codeAt(secret)))).toBe('SECOND_FACTOR_REQUIRED')
    await setUp()
    expect(await refused(factors.reset('Eva', 'local'))).toBe('NOT_FOUND')
  })

  it('stands in the audit chain with each deed, also what was refused', async () => {
    const { secret, recoveryCodes } = await setUp()
    nowMs += 2 * STEP_MS
    await refused(factors.prove(token, wrong(secret)))
    await factors.prove(token, codeAt(secret))
    await factors.prove(token, recoveryCodes[0]!)
    await factors.reset('Caro', 'local')
    const rows = await audit.list({ limit: 6 })
    expect(rows.map(({ who, action, detail }) => [who, action, detail]).reverse()).toEqual([
      ['Caro', 'person.second-factor-begin', {}],
      ['Caro', 'person.second-factor-set', { replaced: false }],
      ['Caro', 'person.second-factor-refused', { why: 'the code is wrong, or its time is over' }],
      ['Caro', 'person.second-factor-shown', { by: 'code' }],
      ['Caro', 'person.second-factor-shown', { by: 'recovery code', left: 9 }],
      ['local', 'person.second-factor-reset', {}],
    ])
    expect(await audit.verify()).toMatchObject({ ok: true })
  })
})

describe('codes by time', () => {
  // RFC 6238, appendix B, SHA-1; its codes have eight digits, of which an application shows the last six.
  const secret = new Secret({ buffer: new TextEncoder().encode('12345678901234567890').buffer }).base32
  it.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('are those of the standard at %d s', (timeS, code) => {
    expect(totpStep(secret, code.slice(2), timeS * 1000)).toBe(Math.floor(timeS / 30))
    expect(totpStep(secret, code.slice(2), timeS * 1000 + 61_000)).toBeNull()
  })
})
