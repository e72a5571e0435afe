import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ENROL_TOKEN, type EnrolRequest } from '../../../contract/enrol.ts'
import { createClients } from '../../../server/fleet/clients.ts'
import { createDevices } from '../../../server/fleet/devices.ts'
import { fleetSuite, START_MS, MINUTE_MS } from './fleet-suite.ts'

const { records, clock, advance, enrolment, pin, request, device } = fleetSuite()

describe('the fleet', () => {
  describe('clients', () => {
    it('are listed with their devices, and made once', async () => {
      const clients = createClients({ records: records(), clock })
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
      const { token, expiresAtMs } = await enrolment().createToken({
        client: 'acme',
        site: 'Lima',
        ttlMs: MINUTE_MS,
      })
      const [, tokenId, tokenSecret, tokenPin] = ENROL_TOKEN.exec(token)!
      expect([tokenPin, expiresAtMs]).toEqual([pin(), START_MS + MINUTE_MS])
      const { answer } = await enrolment().enrol({
        ...(await request()),
        tokenId: tokenId!,
        tokenSecret: tokenSecret!,
      })
      const certificate = new X509Certificate(answer.certificatePem)
      expect(certificate.subject).toBe(`CN=acme/${answer.device}`)
      expect(answer).toMatchObject({ client: 'acme', mqttUrl: 'mqtts://127.0.0.1:8883' })
      const devices = createDevices({ records: records(), clock })
      expect(await devices.get(answer.device)).toMatchObject({
        site: 'Lima',
        hostname: 'pc',
        revokedAtMs: null,
      })
      const kept = await records().operator((db) => db.selectFrom('enrol_token').selectAll().execute())
      expect(JSON.stringify(kept)).not.toContain(tokenSecret)
    })

    it('uses a token once, however many try at once', async () => {
      const one = await request('acme', null)
      const tries = await Promise.allSettled(Array.from({ length: 50 }, () => enrolment().enrol(one)))
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const codes = tries.flatMap((each) =>
        each.status === 'rejected' ? [(each.reason as { code: string }).code] : [],
      )
      expect(new Set(codes)).toEqual(new Set(['ENROL_TOKEN_INVALID']))
      expect(await createDevices({ records: records(), clock }).list()).toHaveLength(1)
    })

    it('refuses an unknown, wrong, expired or used token with the same words', async () => {
      const good = await request()
      const words = async (change: Partial<EnrolRequest>): Promise<string> =>
        enrolment()
          .enrol({ ...good, ...change })
          .then(
            () => 'admitted',
            (thrown: Error & { code: string }) => `${thrown.code} ${thrown.message}`,
          )
      const refusals = [
        await words({ tokenId: '0'.repeat(16) }),
        await words({ tokenSecret: 'x'.repeat(43) }),
      ]
      advance(60 * MINUTE_MS)
      refusals.push(await words({}))
      advance(-1)
      expect(await words({})).toBe('admitted')
      refusals.push(await words({}))
      expect(new Set(refusals)).toEqual(
        new Set(['ENROL_TOKEN_INVALID the enrolment token is unknown, used or expired']),
      )
    })

    it('does not use the token up on a bad signing request', async () => {
      const good = await request()
      await expect(enrolment().enrol({ ...good, csrPem: 'x' })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
      })
      await expect(enrolment().enrol(good)).resolves.toBeDefined()
    })

    it('gives the same machine its identity again, and refuses its old certificate from then on', async () => {
      const devices = createDevices({ records: records(), clock })
      const first = await enrolment().enrol(await request())
      const address = { client: 'acme', device: first.answer.device }
      const old = new X509Certificate(first.answer.certificatePem).serialNumber
      expect(first.replacedSerial).toBeNull()
      expect(await devices.admission(address, old)).toBe('admitted')
      await devices.revoke(address.device)
      const second = await enrolment().enrol(await request())
      expect(second.answer.device).toBe(address.device)
      expect(second.replacedSerial).toBe(old)
      const serial = new X509Certificate(second.answer.certificatePem).serialNumber
      expect(await devices.admission(address, serial)).toBe('admitted')
      expect(await devices.admission(address, old)).toBe('revoked')
      const elsewhere = await enrolment().enrol(await request('bravo'))
      expect(elsewhere.answer.device).not.toBe(address.device)
      expect(await devices.admission({ ...address, client: 'bravo' }, serial)).toBe('unknown')
    })

    it('gives one identity to one machine that enrols with many tokens at once', async () => {
      const requests = await Promise.all(Array.from({ length: 8 }, () => request()))
      const answers = await Promise.all(requests.map((each) => enrolment().enrol(each)))
      expect(new Set(answers.map(({ answer }) => answer.device)).size).toBe(1)
    })

    it('wants a client that exists', async () => {
      await expect(enrolment().createToken({ client: 'none', ttlMs: 1 })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })
  })
})
