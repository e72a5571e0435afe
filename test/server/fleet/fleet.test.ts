import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../contract/limits.ts'
import { createDevices } from '../../../server/fleet/devices.ts'
import { createDocuments } from '../../../server/fleet/documents.ts'
import { createMaintenance } from '../../../server/fleet/maintenance.ts'
import { createPresence } from '../../../server/fleet/presence.ts'
import { fleetSuite, START_MS, MINUTE_MS } from './fleet-suite.ts'

const { records, clock, advance, device } = fleetSuite()

describe('the fleet', () => {
  describe('devices', () => {
    it('take what the agent says of itself, for their own client alone', async () => {
      const devices = createDevices({ records: records(), clock })
      const address = await device()
      const hello = {
        ...{ v: 1 as const, boot: 'b'.repeat(16), challenge: 'c'.repeat(43), agentVersion: '0.1.0' },
        ...{ hostname: 'pc\0evil', os: 'linux' as const, osName: 'Debian 12', arch: 'x64' },
        ...{ bootTimeMs: 5000, timeMs: clock(), commandSequence: 0, trustVersion: 1, commandsEnabled: true },
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
          lastSeenMs: clock(),
          hostname: 'pc\ufffdevil',
        },
      })
    })

    it('are seen many at once, and never earlier than before', async () => {
      const devices = createDevices({ records: records(), clock })
      const [a, b] = [await device(), await device()]
      await devices.seen(
        new Map([
          [a.device, clock() + 5],
          [b.device, clock() + 6],
        ]),
      )
      await devices.seen(
        new Map([
          [a.device, clock() + 1],
          [b.device, clock() + 9],
        ]),
      )
      await devices.seen(new Map())
      const seen = new Map((await devices.list('acme')).map((each) => [each.id, each.lastSeenMs]))
      expect([seen.get(a.device), seen.get(b.device)]).toEqual([clock() + 5, clock() + 9])
      expect(await devices.list('bravo')).toEqual([])
    })

    it('are revoked once; the first time stands', async () => {
      const devices = createDevices({ records: records(), clock })
      const { device: id } = await device()
      const { serial } = await devices.revoke(id)
      advance(1000)
      await devices.revoke(id)
      expect(await devices.get(id)).toMatchObject({ revokedAtMs: START_MS, certificateSerial: serial })
      expect(await devices.admission({ client: 'acme', device: id }, serial)).toBe('revoked')
      await expect(devices.revoke('d-none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('count the version of their policy up, also under many changes at once', async () => {
      const devices = createDevices({ records: records(), clock })
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
      const devices = createDevices({ records: records(), clock })
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
      const devices = createDevices({ records: records(), clock })
      const { device: id } = await device()
      await devices.setPolicy(id, { collectorIntervalS: { cpu: 15 }, includeMounts: ['/srv'] })
      const lab = {
        minutes: 5,
        collectorIntervalS: { disk: 1 },
        includeMounts: ['/tmp/lab'],
        reason: 'disk-fill',
      }
      const started = await devices.startLab(id, lab)
      expect(started).toMatchObject({ client: 'acme', device: id, untilMs: clock() + 5 * MINUTE_MS })
      expect(started.policy).toMatchObject({
        ...{ version: 2, collectorIntervalS: { cpu: 15, disk: 1 }, includeMounts: ['/srv', '/tmp/lab'] },
      })
      expect((await devices.get(id)).lab).toEqual({ untilMs: clock() + 5 * MINUTE_MS, reason: 'disk-fill' })
      expect(await devices.expireLabs()).toEqual([])
      advance(5 * MINUTE_MS)
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
      const documents = createDocuments({ records: records(), clock })
      const address = await device()
      const layout = (index: number) => ({
        ...{ v: 1 as const, hash: index.toString(16).padStart(16, '0') },
        series: [{ metric: 'cpu.used_percent', labels: {}, unit: 'percent' }],
      })
      for (let index = 0; index < LIMITS.layoutsPerDevice + 3; index++) {
        advance(1)
        await documents.saveLayout(address, layout(index))
      }
      advance(1)
      await documents.saveLayout(address, layout(3))
      expect(await documents.layouts(address)).toHaveLength(LIMITS.layoutsPerDevice)
      expect(await documents.layout(address, layout(2).hash)).toBeUndefined()
      expect(await documents.layout(address, layout(3).hash)).toEqual(layout(3))
      expect(await documents.layout({ ...address, client: 'bravo' }, layout(3).hash)).toBeUndefined()
    })

    it('keep the newest of each kind by its own time, whatever the order of arrival', async () => {
      const documents = createDocuments({ records: records(), clock })
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
      const presence = createPresence({ records: records() })
      const devices = createDevices({ records: records(), clock })
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
      const presence = createPresence({ records: records() })
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
      const maintenance = createMaintenance({ records: records() })
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
