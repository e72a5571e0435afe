import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ENROL_TOKEN, type EnrolRequest } from '../../../contract/enrol.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { openAuthority } from '../../../server/fleet/ca.ts'
import { createClients } from '../../../server/fleet/clients.ts'
import { createDevices } from '../../../server/fleet/devices.ts'
import { createDocuments } from '../../../server/fleet/documents.ts'
import { createEnrolment, type Enrolment } from '../../../server/fleet/enrol.ts'
import { createMaintenance } from '../../../server/fleet/maintenance.ts'
import { createPresence } from '../../../server/fleet/presence.ts'
import { openFirstRoot, openOrderKey, trustedKey } from '../../../server/fleet/trust.ts'
import { firstRoot } from '../../../server/fleet/trust-wanted.ts'
import { testRecords } from '../records/clusters.ts'
import { newRequest } from './request.ts'

const START_MS = 1_760_000_000_000
const MINUTE_MS = 60_000

describe('the fleet', () => {
  let on: Awaited<ReturnType<typeof testRecords>>
  let directory: string
  let enrolment: Enrolment
  let pin: string
  let nowMs = START_MS
  const clock = (): number => nowMs
  let csrPem: string

  beforeAll(async () => {
    csrPem = (await newRequest()).csrPem
    on = await testRecords()
    directory = mkdtempSync(join(tmpdir(), 'vigia-fleet-'))
    const authority = await openAuthority({ directory: join(directory, 'ca'), names: [], clock })
    const trust = openFirstRoot({
      file: join(directory, 'trust.json'),
      pinnedByDevices: false,
      wanted: firstRoot({
        people: [trustedKey(generateKeyPairSync('ed25519').publicKey, 'Ana')],
        project: trustedKey(generateKeyPairSync('ed25519').publicKey, 'project'),
        orderer: openOrderKey(join(directory, 'keys')).trusted,
        caPem: authority.caPem,
      }),
    })
    pin = trust.pin
    const mqttUrl = 'mqtts://127.0.0.1:8883'
    enrolment = createEnrolment({ records: on.records, clock, authority, trust, mqttUrl })
  })
  afterAll(async () => {
    await on.close()
    rmSync(directory, { recursive: true })
  })
  beforeEach(async () => {
    nowMs = START_MS
    const tables = [
      'presence',
      'maintenance_window',
      'device_fact',
      'device_layout',
      'enrol_token',
      'device',
      'client',
    ]
    await on.records.operator(async (db) => {
      for (const table of tables) await db.deleteFrom(table as 'client').execute()
    })
    await createClients({ records: on.records, clock }).create('acme', 'Acme')
    await createClients({ records: on.records, clock }).create('bravo', 'Bravo')
  })

  async function request(client = 'acme', machineId: string | null = 'a'.repeat(64)): Promise<EnrolRequest> {
    const { token } = await enrolment.createToken({ client, ttlMs: 60 * MINUTE_MS })
    const [, tokenId, tokenSecret] = ENROL_TOKEN.exec(token)!
    return {
      tokenId: tokenId!,
      tokenSecret: tokenSecret!,
      csrPem,
      hostname: 'pc',
      os: 'linux',
      arch: 'x64',
      machineId,
    }
  }
  const device = async (
    client = 'acme',
    machineId: string | null = null,
  ): Promise<{ client: string; device: string }> => {
    const { answer } = await enrolment.enrol(await request(client, machineId))
    return { client, device: answer.device }
  }

  describe('clients', () => {
    it('are listed with their devices, and made once', async () => {
      const clients = createClients({ records: on.records, clock })
      await device()
      expect(await clients.list()).toEqual([
        { id: 'acme', name: 'Acme', devices: 1 },
        { id: 'bravo', name: 'Bravo', devices: 0 },
      ])
      await expect(clients.create('acme', 'Again')).rejects.toMatchObject({ code: 'CONFLICT' })
    })
  })

  describe('enrolment', () => {
    it('answers a certificate in the name of the client and device, and the trust text that the token pins', async () => {
      const { token, expiresAtMs } = await enrolment.createToken({
        client: 'acme',
        site: 'Lima',
        ttlMs: MINUTE_MS,
      })
      const [, tokenId, tokenSecret, tokenPin] = ENROL_TOKEN.exec(token)!
      expect([tokenPin, expiresAtMs]).toEqual([pin, START_MS + MINUTE_MS])
      const { answer } = await enrolment.enrol({
        ...(await request()),
        tokenId: tokenId!,
        tokenSecret: tokenSecret!,
      })
      const certificate = new X509Certificate(answer.certificatePem)
      expect(certificate.subject).toBe(`CN=acme/${answer.device}`)
      expect(answer).toMatchObject({ client: 'acme', mqttUrl: 'mqtts://127.0.0.1:8883' })
      const devices = createDevices({ records: on.records, clock })
      expect(await devices.get(answer.device)).toMatchObject({
        site: 'Lima',
        hostname: 'pc',
        revokedAtMs: null,
      })
      const kept = await on.records.operator((db) => db.selectFrom('enrol_token').selectAll().execute())
      expect(JSON.stringify(kept)).not.toContain(tokenSecret)
    })

    it('uses a token once, however many try at once', async () => {
      const one = await request('acme', null)
      const tries = await Promise.allSettled(Array.from({ length: 50 }, () => enrolment.enrol(one)))
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const codes = tries.flatMap((each) =>
        each.status === 'rejected' ? [(each.reason as { code: string }).code] : [],
      )
      expect(new Set(codes)).toEqual(new Set(['ENROL_TOKEN_INVALID']))
      expect(await createDevices({ records: on.records, clock }).list()).toHaveLength(1)
    })

    it('refuses an unknown, wrong, expired or used token with the same words', async () => {
      const good = await request()
      const words = async (change: Partial<EnrolRequest>): Promise<string> =>
        enrolment.enrol({ ...good, ...change }).then(
          () => 'admitted',
          (thrown: Error & { code: string }) => `${thrown.code} ${thrown.message}`,
        )
      const refusals = [
        await words({ tokenId: '0'.repeat(16) }),
        await words({ tokenSecret: 'x'.repeat(43) }),
      ]
      nowMs += 60 * MINUTE_MS
      refusals.push(await words({}))
      nowMs -= 1
      expect(await words({})).toBe('admitted')
      refusals.push(await words({}))
      expect(new Set(refusals)).toEqual(
        new Set(['ENROL_TOKEN_INVALID the enrolment token is unknown, used or expired']),
      )
    })

    it('does not use the token up on a bad signing request', async () => {
      const good = await request()
      await expect(enrolment.enrol({ ...good, csrPem: 'x' })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
      })
      await expect(enrolment.enrol(good)).resolves.toBeDefined()
    })

    it('gives the same machine its identity again, and refuses its old certificate from then on', async () => {
      const devices = createDevices({ records: on.records, clock })
      const first = await enrolment.enrol(await request())
      const address = { client: 'acme', device: first.answer.device }
      const old = new X509Certificate(first.answer.certificatePem).serialNumber
      expect(first.replacedSerial).toBeNull()
      expect(await devices.admission(address, old)).toBe('admitted')
      await devices.revoke(address.device)
      const second = await enrolment.enrol(await request())
      expect(second.answer.device).toBe(address.device)
      expect(second.replacedSerial).toBe(old)
      const serial = new X509Certificate(second.answer.certificatePem).serialNumber
      expect(await devices.admission(address, serial)).toBe('admitted')
      expect(await devices.admission(address, old)).toBe('revoked')
      const elsewhere = await enrolment.enrol(await request('bravo'))
      expect(elsewhere.answer.device).not.toBe(address.device)
      expect(await devices.admission({ ...address, client: 'bravo' }, serial)).toBe('unknown')
    })

    it('gives one identity to one machine that enrols with many tokens at once', async () => {
      const requests = await Promise.all(Array.from({ length: 8 }, () => request()))
      const answers = await Promise.all(requests.map((each) => enrolment.enrol(each)))
      expect(new Set(answers.map(({ answer }) => answer.device)).size).toBe(1)
    })

    it('wants a client that exists', async () => {
      await expect(enrolment.createToken({ client: 'none', ttlMs: 1 })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })
  })

  describe('devices', () => {
    it('take what the agent says of itself, for their own client alone', async () => {
      const devices = createDevices({ records: on.records, clock })
      const address = await device()
      const hello = {
        ...{ v: 1 as const, boot: 'b'.repeat(16), challenge: 'c'.repeat(43), agentVersion: '0.1.0' },
        ...{ hostname: 'pc\0evil', os: 'linux' as const, osName: 'Debian 12', arch: 'x64' },
        ...{ bootTimeMs: 5000, timeMs: nowMs, commandSequence: 0, trustVersion: 1, commandsEnabled: true },
        outbox: { reports: 0, bytes: 0, dropped: 0 },
      }
      await devices.hello({ ...address, client: 'bravo' }, hello)
      expect(await devices.get(address.device)).toMatchObject({ osName: '' })
      await devices.hello(address, hello)
      expect(await devices.get(address.device)).toMatchObject({
        ...{
          osName: 'Debian 12',
          agentVersion: '0.1.0',
          bootTimeMs: 5000,
          lastSeenMs: nowMs,
          hostname: 'pc\ufffdevil',
        },
      })
    })

    it('are seen many at once, and never earlier than before', async () => {
      const devices = createDevices({ records: on.records, clock })
      const [a, b] = [await device(), await device()]
      await devices.seen(
        new Map([
          [a.device, nowMs + 5],
          [b.device, nowMs + 6],
        ]),
      )
      await devices.seen(
        new Map([
          [a.device, nowMs + 1],
          [b.device, nowMs + 9],
        ]),
      )
      await devices.seen(new Map())
      const seen = new Map((await devices.list('acme')).map((each) => [each.id, each.lastSeenMs]))
      expect([seen.get(a.device), seen.get(b.device)]).toEqual([nowMs + 5, nowMs + 9])
      expect(await devices.list('bravo')).toEqual([])
    })

    it('are revoked once; the first time stands', async () => {
      const devices = createDevices({ records: on.records, clock })
      const { device: id } = await device()
      const { serial } = await devices.revoke(id)
      nowMs += 1000
      await devices.revoke(id)
      expect(await devices.get(id)).toMatchObject({ revokedAtMs: START_MS, certificateSerial: serial })
      expect(await devices.admission({ client: 'acme', device: id }, serial)).toBe('revoked')
      await expect(devices.revoke('d-none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('count the version of their policy up, also under many changes at once', async () => {
      const devices = createDevices({ records: on.records, clock })
      const { device: id } = await device()
      expect(await devices.policy(id)).toMatchObject({ version: 0, intervalS: 30 })
      await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          devices.setPolicy(id, index % 2 ? { intervalS: 10 } : { services: ['nginx'] }),
        ),
      )
      expect(await devices.policy(id)).toMatchObject({ version: 10, intervalS: 10, services: ['nginx'] })
    })

    it('bear tags, each once and sorted, without a word to their agent', async () => {
      const devices = createDevices({ records: on.records, clock })
      const { device: id } = await device()
      expect((await devices.get(id)).tags).toEqual([])
      expect(await devices.setTags(id, ['server', 'dmz', 'server'])).toEqual({
        client: 'acme',
        tags: ['dmz', 'server'],
      })
      expect((await devices.get(id)).tags).toEqual(['dmz', 'server'])
      expect(await devices.policy(id)).toMatchObject({ version: 0 })
      expect(await devices.setTags(id, [])).toMatchObject({ tags: [] })
      await expect(devices.setTags('d-unknownunknownunk', ['x'])).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('a lab adds to the policy while it lasts, and leaves no trace when it ends by itself or by hand', async () => {
      const devices = createDevices({ records: on.records, clock })
      const { device: id } = await device()
      await devices.setPolicy(id, { collectorIntervalS: { cpu: 15 }, includeMounts: ['/srv'] })
      const lab = {
        minutes: 5,
        collectorIntervalS: { disk: 1 },
        includeMounts: ['/tmp/lab'],
        reason: 'disk-fill',
      }
      const started = await devices.startLab(id, lab)
      expect(started).toMatchObject({ client: 'acme', device: id, untilMs: nowMs + 5 * MINUTE_MS })
      expect(started.policy).toMatchObject({
        ...{ version: 2, collectorIntervalS: { cpu: 15, disk: 1 }, includeMounts: ['/srv', '/tmp/lab'] },
      })
      expect((await devices.get(id)).lab).toEqual({ untilMs: nowMs + 5 * MINUTE_MS, reason: 'disk-fill' })
      expect(await devices.expireLabs()).toEqual([])
      nowMs += 5 * MINUTE_MS
      const [expired] = await devices.expireLabs()
      expect(expired?.policy).toMatchObject({
        version: 3,
        collectorIntervalS: { cpu: 15 },
        includeMounts: ['/srv'],
      })
      expect(await devices.expireLabs()).toEqual([])
      await devices.startLab(id, lab)
      expect((await devices.endLab(id)).policy).toMatchObject({ version: 5, collectorIntervalS: { cpu: 15 } })
      expect((await devices.endLab(id)).policy.version).toBe(5)
      expect((await devices.get(id)).lab).toBeNull()
    })
  })

  describe('documents', () => {
    it('keep the newest layouts of a device, up to the bound', async () => {
      const documents = createDocuments({ records: on.records, clock })
      const address = await device()
      const layout = (index: number) => ({
        ...{ v: 1 as const, hash: index.toString(16).padStart(16, '0') },
        series: [{ metric: 'cpu.used_percent', labels: {}, unit: 'percent' }],
      })
      for (let index = 0; index < LIMITS.layoutsPerDevice + 3; index++) {
        nowMs += 1
        await documents.saveLayout(address, layout(index))
      }
      nowMs += 1
      await documents.saveLayout(address, layout(3))
      expect(await documents.layouts(address)).toHaveLength(LIMITS.layoutsPerDevice)
      expect(await documents.layout(address, layout(2).hash)).toBeUndefined()
      expect(await documents.layout(address, layout(3).hash)).toEqual(layout(3))
      expect(await documents.layout({ ...address, client: 'bravo' }, layout(3).hash)).toBeUndefined()
    })

    it('keep the newest of each kind by its own time, whatever the order of arrival', async () => {
      const documents = createDocuments({ records: on.records, clock })
      const address = await device()
      expect(await documents.saveFact(address, { kind: 'os', timeMs: 20, document: { n: 2 } })).toBe(true)
      expect(await documents.saveFact(address, { kind: 'os', timeMs: 10, document: { n: 1 } })).toBe(false)
      expect(await documents.saveFact(address, { kind: 'os', timeMs: 30, document: ['a', '\0'] })).toBe(true)
      expect(await documents.facts(address)).toEqual([{ kind: 'os', timeMs: 30, document: ['a', '\ufffd'] }])
      const stolen = documents.saveFact(
        { ...address, client: 'bravo' },
        { kind: 'os', timeMs: 40, document: 1 },
      )
      await expect(stolen).rejects.toThrow()
    })
  })

  describe('presence', () => {
    it('keeps one open stretch, closes it, and after a restart closes it when the device was last seen', async () => {
      const presence = createPresence({ records: on.records })
      const devices = createDevices({ records: on.records, clock })
      const address = await device()
      const silent = await device()
      await Promise.all([1, 2, 3].map((each) => presence.online(address, 1000 + each * 0)))
      await presence.offline(address, 2000)
      await presence.offline(address, 2500)
      await presence.online(address, 3000)
      await presence.online(silent, 3500)
      await devices.seen(new Map([[address.device, 4000]]))
      expect(await presence.recover()).toBe(2)
      expect(await presence.recover()).toBe(0)
      await presence.online(address, 9000)
      const all = await presence.stretches('acme', { fromMs: 0, toMs: 10_000 })
      expect(all.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
        [1000, 2000],
        [3000, 4000],
        [3500, 3500],
        [9000, null],
      ])
      const some = await presence.stretches('acme', { fromMs: 2000, toMs: 9000, device: address.device })
      expect(some.map(({ fromMs }) => fromMs)).toEqual([3000])
      expect(await presence.stretches('bravo', { fromMs: 0, toMs: 10_000 })).toEqual([])
    })

    it('does not end a stretch before it began when the clock goes back', async () => {
      const presence = createPresence({ records: on.records })
      const address = await device()
      await presence.online(address, 5000)
      await presence.offline(address, 1000)
      expect(await presence.stretches('acme', { fromMs: 0, toMs: 10_000 })).toMatchObject([
        { fromMs: 5000, toMs: 5000 },
      ])
    })
  })

  describe('maintenance windows', () => {
    it('hold for one device or for all of a client, from the start up to the end', async () => {
      const maintenance = createMaintenance({ records: on.records })
      const [a, b, other] = [await device(), await device(), await device('bravo')]
      const window = { client: 'acme', device: a.device, reason: 'disk swap', createdBy: 'ana' }
      await maintenance.create({ ...window, startsAtMs: 100, endsAtMs: 200 })
      await maintenance.create({ ...window, device: null, startsAtMs: 300, endsAtMs: 400 })
      const active = async (nowMs: number): Promise<boolean[]> =>
        Promise.all([a, b, other].map((each) => maintenance.active(each, nowMs)))
      expect(await active(99)).toEqual([false, false, false])
      expect(await active(100)).toEqual([true, false, false])
      expect(await active(200)).toEqual([false, false, false])
      expect(await active(399)).toEqual([true, true, false])
      expect(await maintenance.list('acme', 200)).toMatchObject([{ device: null, startsAtMs: 300 }])
      await expect(maintenance.create({ ...window, startsAtMs: 2, endsAtMs: 2 })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
      })
      await expect(
        maintenance.create({ ...window, device: other.device, startsAtMs: 1, endsAtMs: 2 }),
      ).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
  })
})
