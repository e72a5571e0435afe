import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { upTopic } from '../../../contract/topics.ts'
import { eventually } from '../../support/installation.ts'
import { connectAs, helloOf, publish, raw } from '../attacker.ts'
import type { AttackedSite } from './site.ts'

/** What a device may do with what it says of itself. */
export function attacksByDeviceTexts(site: () => AttackedSite): void {
  describe('what a device says', () => {
    const hostname =
      '<img src=x onerror=alert(1)>\u001b[2J\u009b31m\u0007\u202e\nd-aaaaaaaaaaaaaaaa  fake  #eval("1") $x^2$ 日本'

    beforeAll(async () => {
      const { mallory, deviceOf } = site()
      const session = await connectAs(mallory)
      await publish(session, upTopic(mallory, 'session'), JSON.stringify(helloOf({ hostname })))
      await eventually(
        'the hostile name',
        10_000,
        async () => (await deviceOf(mallory.device)).hostname === hostname,
      )
      await session.endAsync(true)
    }, 60_000)

    it('is text in the API, with a type that no browser runs', async () => {
      const { vigia } = site()
      const token = readFileSync(join(vigia.dataDir, 'local.token'), 'utf8').trim()
      const answer = await raw(vigia.url, {
        path: '/api/devices',
        headers: { authorization: `Bearer ${token}` },
      })
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      })
      expect(answer.headers['content-type']).toMatch(/^application\/json/)
      expect(JSON.parse(answer.body)).toMatchObject({
        devices: expect.arrayContaining([expect.objectContaining({ hostname })]) as unknown,
      })
    })

    it('steers no terminal and forges no row, as a table and as JSON', () => {
      const { vigia } = site()
      const run = vigia.vigia('devices')
      expect(run.code, run.stderr).toBe(0)
      expect(run.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      expect(run.stdout.split('\n').filter((line) => line.startsWith('d-aaaa'))).toEqual([])
      const json = vigia.vigia('devices', '--json')
      expect(json.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
      expect(json.stdout).toContain('\\u009b31m')
      expect(
        (JSON.parse(json.stdout) as { hostname: string }[]).some((device) => device.hostname === hostname),
      ).toBe(true)
    })

    it('is text in the report, and cannot keep the PDF from being made', async () => {
      const { vigia } = site()
      const month = new Date().toISOString().slice(0, 7)
      const html = await vigia.server.download(`/api/reports/evil/${month}?format=html`)
      const text = Buffer.from(html.bytes).toString()
      expect(text).toContain('&lt;img src=x')
      expect(text).not.toMatch(/<(img|script|b|iframe)[ >]/)
      const pdf = await vigia.server.download(`/api/reports/evil/${month}?format=pdf`)
      expect(Buffer.from(pdf.bytes).subarray(0, 5).toString()).toBe('%PDF-')
    }, 30_000)

    it('cannot stand in the way of another device by taking its identity for a name', async () => {
      const { vigia, mallory, local, deviceOf } = site()
      const session = await connectAs(mallory)
      await publish(session, upTopic(mallory, 'session'), JSON.stringify(helloOf({ hostname: local.device })))
      await eventually(
        'the name',
        10_000,
        async () => (await deviceOf(mallory.device)).hostname === local.device,
      )
      const run = vigia.vigia('policy', local.device)
      expect(run.code, run.stderr).toBe(0)
      await session.endAsync(true)
    }, 30_000)
  })
}
