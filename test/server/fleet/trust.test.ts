import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ROOT_TYPE, type DsseEnvelope } from '../../../contract/trust/dsse.ts'
import type { TrustRoot } from '../../../contract/trust/root.ts'
import { createAudit } from '../../../server/audit/audit.ts'
import { createClients } from '../../../server/fleet/clients.ts'
import { openOrderKey } from '../../../server/fleet/trust.ts'
import { openTrust, type Trust } from '../../../server/fleet/trust-book.ts'
import type { TrustConfiguration } from '../../../server/fleet/trust-wanted.ts'
import { at } from '../../../server/records/schema.ts'
import { makeKey, openKey, publicPart, type SigningKey } from '../../../server/script/keys.ts'
import { seal } from '../../../server/script/sign.ts'
import { serverSignatures } from '../../../server/script/verify.ts'
import { testRecords } from '../records/clusters.ts'

const [ana, luis, eva, project] = ['ana', 'luis', 'eva', 'project'].map((name) => openKey(makeKey(name))) as [
  SigningKey,
  SigningKey,
  SigningKey,
  SigningKey,
]
const clock = () => 1_800_000_000_000
const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
let on: Awaited<ReturnType<typeof testRecords>>
let directory: string
beforeAll(async () => {
  on = await testRecords()
  await createClients({ records: on.records, clock }).create('acme', 'Acme')
})
afterAll(() => on.close())
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'vigia-trust-'))))
afterEach(async () => {
  rmSync(directory, { recursive: true })
  await on.records.operator(async (db) => {
    await db.deleteFrom('trust_root').execute()
    await db.deleteFrom('device').execute()
  })
})

const orderer = () => openOrderKey(join(directory, 'keys')).trusted
const open = (more: Partial<TrustConfiguration> = {}): Promise<Trust> => {
  const audit = createAudit({ records: on.records, clock })
  return openTrust({
    ...{ records: on.records, clock, signatures: serverSignatures, file: join(directory, 'trust.json') },
    configuration: {
      ...{ people: [publicPart(ana), publicPart(luis)], project: publicPart(project), orderer: orderer() },
      ...{ caPem: pem('one'), ...more },
    },
    note: (db, entry) => audit.appendIn(db, entry),
  })
}
const sign = (root: TrustRoot, ...keys: SigningKey[]): DsseEnvelope =>
  seal(ROOT_TYPE, Buffer.from(JSON.stringify(root)), keys)
const next = (trust: Trust, more: Partial<TrustRoot> = {}): TrustRoot => ({
  ...trust.root,
  version: trust.root.version + 1,
  ...more,
})
const health = async (trust: Trust) => trust.health.probe()

async function enrol(trustVersion: number | null = 1): Promise<void> {
  await on.records.operator((db) =>
    db
      .insertInto('device')
      .values({
        ...{ device_id: `d-${Math.random().toString(36).slice(2, 10)}`, client_id: 'acme', site: null },
        ...{ hostname: 'pc', os: 'linux', arch: 'x64', machine_id: null, certificate_serial: '1' },
        ...{ certificate_expires_at: at(clock()), boot_time: null, last_seen: null, lab_until: null },
        ...{ lab_reason: null, enrolled_at: at(clock()), revoked_at: null, trust_version: trustVersion },
      })
      .execute(),
  )
}

describe('the first root', () => {
  it('takes two of two people for the whole fleet, one where there is one, the project where there is nobody', async () => {
    const two = await open()
    expect(two.root).toMatchObject({
      ...{ version: 1, orderers: { keys: [orderer()] }, technicians: { keys: [] } },
      approvers: { threshold: 1, fleetThreshold: 2, keys: [publicPart(ana), publicPart(luis)] },
      publishers: { keys: [publicPart(project)] },
    })
    expect(await health(two)).toEqual({ state: 'ok', message: 'root 1, approvers: 2' })
    expect(statSync(join(directory, 'trust.json')).mode & 0o777).toBe(0o600)
    expect((await open({ people: [publicPart(ana)] })).root.approvers).toMatchObject({ fleetThreshold: 1 })
    const alone = await open({ people: [] })
    expect(alone.root.approvers).toEqual({ threshold: 1, fleetThreshold: 1, keys: [publicPart(project)] })
    expect((await health(alone)).message).toMatch(/nobody but the project can approve/)
  })

  it('refuses approvers that cannot be', async () => {
    const lie = { ...publicPart(ana), keyid: luis.keyid }
    await expect(open({ people: [lie] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(open({ people: [orderer()] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('follows the configuration while nobody has pinned it, and stays as it is from then on', async () => {
    const first = await open({ people: [publicPart(ana)] })
    expect((await open({ people: [publicPart(ana)] })).text).toBe(first.text)
    expect((await open()).pin).not.toBe(first.pin)
    const pinned = await open({ people: [publicPart(ana)] })
    await enrol()
    const kept = await open({ project: publicPart(eva), caPem: pem('two') })
    expect(kept.text).toBe(pinned.text)
    const { state, message } = await health(kept)
    expect(state).toBe('degraded')
    for (const words of ['luis', 'no script that ships', 'certificate authority', 'vigia trust draft'])
      expect(message).toContain(words)
    expect(JSON.parse(JSON.stringify(kept.wanted()))).toMatchObject({
      ...{ version: 1, publishers: { keys: [publicPart(eva)] }, caPem: pem('two') },
      approvers: { keys: [publicPart(ana)] },
    })
    rmSync(join(directory, 'keys'), { recursive: true })
    expect((await health(await open({ people: [publicPart(ana)] }))).message).toMatch(
      /no orders of the online key/,
    )
  })

  it('is never made anew under devices that have pinned it', async () => {
    await open()
    await enrol()
    const file = join(directory, 'trust.json')
    writeFileSync(file, '{}')
    await expect(open()).rejects.toMatchObject({ code: 'DATA_UNREADABLE' })
    rmSync(file)
    await expect(open()).rejects.toThrow(/restore it from a backup/)
  })
})

describe('the next root', () => {
  it('is put in force by the threshold of both, audited, kept over a restart, and handed to who lacks it', async () => {
    const trust = await open()
    const second = next(trust, { technicians: { keys: [publicPart(eva)] } })
    await expect(trust.apply(sign(second, ana), 'ana')).rejects.toMatchObject({
      code: 'TRUST_THRESHOLD',
      message: expect.stringContaining('luis') as unknown,
    })
    await expect(trust.apply(sign(second, ana, ana), 'ana')).rejects.toMatchObject({
      code: 'TRUST_THRESHOLD',
    })
    await expect(trust.apply(sign(second, ana, eva), 'ana')).rejects.toMatchObject({
      code: 'TRUST_THRESHOLD',
    })
    expect(trust.root.version).toBe(1)
    const signed = sign(second, ana, luis, eva)
    expect(await trust.apply(signed, 'ana')).toMatchObject({ version: 2, fresh: true })
    expect(await trust.apply(signed, 'ana')).toMatchObject({ version: 2, fresh: false })
    await trust.apply(sign(next(trust, { revokedScripts: ['a'.repeat(64)] }), luis, ana), 'ana')
    expect(trust.after(3)).toEqual([])
    expect(trust.after(0)).toEqual([])
    expect(trust.after(1)).toHaveLength(2)
    // A signature of nobody known is not kept.
    expect(trust.after(1)[0]!.signatures.map(({ keyid }) => keyid)).toEqual([ana.keyid, luis.keyid])
    const again = await open()
    expect(again.text).toBe(trust.text)
    expect(again.after(2)).toEqual(trust.after(2))
    const [entry] = await createAudit({ records: on.records, clock }).list({ limit: 1 })
    expect(entry).toMatchObject({
      who: 'ana',
      action: 'trust.apply',
      subject: trust.pin,
      detail: { version: 3 },
    })
  })

  it('is refused when devices would lose this server by it', async () => {
    const trust = await open()
    const apply = (more: Partial<TrustRoot>) => trust.apply(sign(next(trust, more), ana, luis), 'ana')
    await expect(apply({ orderers: { keys: [publicPart(eva)] } })).rejects.toThrow(
      /online key of this server/,
    )
    await expect(apply({ caPem: pem('other') })).rejects.toThrow(/authority of this server/)
    await expect(apply({ version: 3 })).rejects.toMatchObject({ code: 'TRUST_INVALID' })
    await expect(apply({ caPem: pem('other') + pem('one') })).resolves.toMatchObject({ version: 2 })
  })

  it('of two at once one wins', async () => {
    const trust = await open()
    const ends = await Promise.allSettled(
      ['a', 'b'].map((digit) =>
        trust.apply(sign(next(trust, { revokedScripts: [digit.repeat(64)] }), ana, luis), 'x'),
      ),
    )
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(ends.find((end) => end.status === 'rejected')?.reason).toMatchObject({ code: 'CONFLICT' })
  })

  it('that was put into the records by hand is not followed, and health says so', async () => {
    const trust = await open()
    await trust.apply(sign(next(trust), ana, luis), 'ana')
    const forged = sign(next(trust, { approvers: { ...trust.root.approvers, keys: [publicPart(eva)] } }), eva)
    await on.records.operator((db) =>
      db
        .insertInto('trust_root')
        .values({ version: 3, envelope: JSON.stringify(forged), applied_at: at(clock()), applied_by: 'eve' })
        .execute(),
    )
    const opened = await open()
    expect(opened.root.version).toBe(2)
    expect(await health(opened)).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining('root 3') as unknown,
    })
    await opened.apply(sign(next(opened), ana, luis), 'ana')
    expect((await open()).root.version).toBe(3)
  })

  it('devices that say they have a newer one are told of, and one liar does not make the server ill', async () => {
    const trust = await open()
    await enrol(1)
    await enrol(1)
    await enrol(99)
    await enrol(null)
    expect(await trust.pinned()).toEqual([
      { version: 1, devices: 2 },
      { version: 99, devices: 1 },
    ])
    expect(await health(trust)).toMatchObject({
      state: 'ok',
      message: expect.stringContaining('1 devices say') as unknown,
    })
  })

  it('many large roots go in messages that fit', async () => {
    const trust = await open()
    for (let round = 0; round < 12; round++) {
      const revokedScripts = Array.from({ length: 1000 }, (_, index) =>
        (round * 1000 + index).toString(16).padStart(64, '0'),
      )
      await trust.apply(sign(next(trust, { revokedScripts }), ana, luis), 'ana')
    }
    const first = trust.after(1)
    expect(first.length).toBeGreaterThan(1)
    expect(first.length).toBeLessThan(12)
    expect(JSON.stringify(first).length).toBeLessThan(700_000)
    expect(trust.after(1 + first.length)[0]).toEqual(trust.after(first.length + 1)[0])
    expect(readFileSync(join(directory, 'trust.json'), 'utf8')).toContain('"version":1')
  })
})
