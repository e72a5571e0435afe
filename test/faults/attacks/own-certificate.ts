import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer, connect as tlsConnect, type TLSSocket } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createDialler } from '../../../agent/link/dial.ts'
import { encodeFacts, encodeReport } from '../../../agent/link/encode.ts'
import { deviceCommonName } from '../../../contract/enrol.ts'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import { SCRIPT_TYPE } from '../../../contract/trust/dsse.ts'
import { openKeyStore } from '../../../server/script/key-store.ts'
import { scriptPayload, shippedScripts } from '../../../server/script/library.ts'
import { seal } from '../../../server/script/sign.ts'
import { eventually } from '../../support/installation.ts'
import { createTestAuthority } from '../../support/test-authority.ts'
import { connectAs, enrolStolen, helloOf, publish } from '../attacker.ts'
import type { AttackedSite } from './site.ts'

/** What a device may do with the certificate that it was given. */
export function attacksWithOwnCertificate(site: () => AttackedSite): void {
  describe('a device with a certificate of its own', () => {
    it('cannot speak as another: foreign topics are counted, kept for the operator and change nothing', async () => {
      const { vigia, mallory, local, deviceOf, refusals } = site()
      const before = await deviceOf(local.device)
      const counted = await refusals('REPORT_WRONG_TENANT')
      const session = await connectAs(mallory)
      const result = { boot: 'a'.repeat(16), seq: 1, job: randomUUID(), timeMs: 1, outcome: 'exited' }
      for (const address of [local, { client: 'demo', device: mallory.device }, { ...local, client: 'evil' }])
        for (const channel of ['session', 'report', 'result', 'gone', 'layout'] as const)
          await publish(
            session,
            upTopic(address, channel),
            JSON.stringify(channel === 'session' ? helloOf() : result),
          )
      await publish(session, downTopic(local), JSON.stringify({ type: 'cancel', job: randomUUID() }))
      await publish(session, '$SYS/broker/clients', 'x')
      await eventually(
        'the refusals',
        10_000,
        async () => (await refusals('REPORT_WRONG_TENANT')) >= counted + 17,
      )
      // Samples are kept without making the device's message wait for it.
      await eventually('the kept sample', 10_000, async () => {
        const { samples } = await vigia.server.call('hostile', { query: { client: 'evil' } })
        return samples[0]?.reason === 'REPORT_WRONG_TENANT' && samples[0].device === mallory.device
      })
      const after = await deviceOf(local.device)
      expect([after.hostname, after.client, after.online]).toEqual([before.hostname, 'demo', true])
      await session.endAsync(true)
    })

    it('hears nobody: no wildcard, no shared subscription, no down topic but its own', async () => {
      const { vigia, mallory, local } = site()
      const session = await connectAs(mallory)
      const heard: string[] = []
      session.on('message', (topic) => heard.push(topic))
      const wanted = [
        '#',
        '+/#',
        'vigia/v1/+/+/+/down',
        downTopic(local),
        '$SYS/#',
        `$share/g/${downTopic(local)}`,
      ]
      for (const topic of wanted) {
        const granted = await session.subscribeAsync(topic, { qos: 1 }).catch((error: unknown) => error)
        expect(granted instanceof Error || (granted as { qos: number }[])[0]?.qos === 128, topic).toBe(true)
      }
      // The local device gets acknowledgements all the time: they must not be heard here.
      await vigia.server.call('setPolicy', { params: { device: local.device }, body: { intervalS: 1 } })
      await sleep(2500)
      expect(heard).toEqual([])
      await session.endAsync(true)
    })

    it("cannot take another's name: client id, will, another authority, or a certificate as a server", async () => {
      const { mallory, local } = site()
      await expect(connectAs(mallory, { clientId: local.device })).rejects.toThrow()
      const will = {
        topic: upTopic(local, 'gone'),
        payload: Buffer.from('{}'),
        qos: 1 as const,
        retain: false,
      }
      await expect(connectAs(mallory, { will })).rejects.toThrow()
      const { certPem, keyPem } = await (await createTestAuthority()).issue(deviceCommonName(local))
      await expect(connectAs({ ...local, cert: certPem, key: keyPem })).rejects.toThrow()
      await expect(connectAs({ ...mallory, cert: local.cert })).rejects.toThrow()

      const fake = createTlsServer({ key: mallory.key, cert: mallory.cert })
      fake.on('tlsClientError', () => undefined)
      await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
      const faults: string[] = []
      const dial = createDialler({
        url: `mqtts://127.0.0.1:${(fake.address() as AddressInfo).port}`,
        tls: local,
        clientId: local.device,
        will: { topic: upTopic(local, 'gone'), payload: '' },
      })
      const client = dial((fault) => faults.push(fault.message))
      await eventually('the agent turns away', 10_000, async () => faults.length > 0)
      expect(client.connected).toBe(false)
      client.end(true)
      fake.close()
    })

    it("cannot end, fill or hear another device's job", async () => {
      const { vigia, mallory, local, folder } = site()
      const victim = await enrolStolen(vigia, 'demo', folder)
      const job = await vigia.server.call('createJob', {
        body: { device: victim.device, script: 'device-facts', parameters: {} },
      })
      const key = openKeyStore(vigia.env['VIGIA_KEYS']!).load('approver')
      const content = { ...shippedScripts().find(({ content }) => content.name === 'device-facts')!.content }
      const slow = { ...content, name: 'slow-one', body: 'sleep 4; echo mine\n', parameters: {} }
      await vigia.server.call('addScript', { body: seal(SCRIPT_TYPE, scriptPayload(slow), [key]) })
      const live = await vigia.server.call('createJob', {
        body: { device: local.device, script: 'slow-one', parameters: {} },
      })
      const stop = new AbortController()
      const seen: string[] = []
      const reading = (async () => {
        for await (const value of vigia.server.listen(`/api/jobs/${live.id}/output`, stop.signal))
          seen.push(JSON.stringify(value))
      })().catch(() => undefined)
      const session = await connectAs(mallory)
      for (const [seq, id] of [job.id, live.id].entries()) {
        const result = {
          ...{ boot: 'b'.repeat(16), seq, job: id, timeMs: Date.now(), outcome: 'exited', code: null },
          ...{ message: null, exitCode: 0, durationMs: 1, stdoutBytes: 6, stderrBytes: 0, stdout: 'FORGED' },
          ...{ stderr: '', fields: { freed_bytes: '1' } },
        }
        await publish(session, upTopic(mallory, 'result'), JSON.stringify(result))
        const output = { job: id, stream: 'stdout', offset: 0, text: 'FORGED' }
        await publish(session, upTopic(mallory, 'output'), JSON.stringify(output))
      }
      const ended = await eventually('the job of the local device', 30_000, async () => {
        const now = await vigia.server.call('job', { params: { id: live.id } })
        return now.state === 'succeeded' && now
      })
      expect(ended.stdout).toBe('mine\n')
      expect(seen.join('')).not.toContain('FORGED')
      expect(await vigia.server.call('job', { params: { id: job.id } })).toMatchObject({
        state: 'pending',
        stdout: '',
      })
      stop.abort()
      await reading
      await session.endAsync(true)
    }, 60_000)

    it('cannot bring the server down: oversized, nested, endless and broken messages; others notice nothing', async () => {
      const { vigia, mallory, local, deviceOf, refusals } = site()
      const deep = '['.repeat(90_000) + ']'.repeat(90_000)
      const boot = 'c'.repeat(16)
      const facts = (seq: number, json: string) =>
        Buffer.from(encodeFacts({ kind: 'users', boot, seq, timeMs: Date.now(), json }))
      const session = await connectAs(mallory)
      await publish(session, upTopic(mallory, 'facts'), facts(1, deep))
      await publish(
        session,
        upTopic(mallory, 'facts'),
        facts(2, '{"__proto__":{"polluted":1},"constructor":{}}'),
      )
      await publish(session, upTopic(mallory, 'json'), '{"a":'.repeat(12_000))
      await publish(
        session,
        upTopic(mallory, 'session'),
        JSON.stringify(helloOf({ bootTimeMs: Number.MAX_SAFE_INTEGER })),
      )
      await publish(
        session,
        upTopic(mallory, 'session'),
        JSON.stringify(helloOf({ commandSequence: Number.MAX_SAFE_INTEGER })),
      )
      await publish(session, upTopic(mallory, 'report'), Buffer.alloc(60_000, 0x91))
      await publish(
        session,
        upTopic(mallory, 'report'),
        Buffer.from(encodeReport({ hash: 'f'.repeat(16), boot, seq: 3, timeMs: 8.7e15, values: [NaN] })),
      )
      await publish(session, upTopic(mallory, 'line'), `${'a'.repeat(60_000)} v=1`)
      const cut = new Promise<void>((resolve) => session.once('close', () => resolve()))
      session.publish(upTopic(mallory, 'report'), Buffer.alloc(300_000), { qos: 1 })
      await cut
      // A CONNECT that announces 100 MiB.
      const socket: TLSSocket = tlsConnect({
        host: '127.0.0.1',
        port: Number(new URL(mallory.mqttUrl).port),
        key: mallory.key,
        cert: mallory.cert,
        ca: mallory.ca,
      })
      socket.on('error', () => undefined)
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      socket.write(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x32]))
      await new Promise((resolve) => socket.once('close', resolve))
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
      const health = await vigia.server.call('health')
      expect(health.state).toBe('ok')
      const { lastSeenMs } = await deviceOf(local.device)
      await eventually(
        'further reports of the others',
        15_000,
        async () => (await deviceOf(local.device)).lastSeenMs! > lastSeenMs!,
      )
      expect(await refusals('REPORT_MALFORMED')).toBeGreaterThan(0)
    }, 60_000)
  })
}
