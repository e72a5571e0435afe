import { randomUUID } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { ROOT_TYPE, SCRIPT_TYPE } from '../../../contract/trust/dsse.ts'
import { scriptPayload, shippedScripts } from '../../../server/script/library.ts'
import { seal } from '../../../server/script/sign.ts'
import { makeSigner } from '../../agent/act/signing.ts'
import { connectAs, enrolStolen, raw, type Answer } from '../attacker.ts'
import type { AttackedSite } from './site.ts'

const root = process.getuid?.() === 0

/** What one who reaches the web side may do there, and who asks to be enrolled. */
export function attacksOnWeb(site: () => AttackedSite): void {
  describe('the web side', () => {
    const json = { 'content-type': 'application/json' }
    const owner = { name: 'ana', password: 'a long enough password' }
    const cookieOf = (answer: Answer): string => String(answer.headers['set-cookie']?.[0]).split(';')[0]!
    const host = (): string => new URL(site().vigia.url).host
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      raw(site().vigia.url, {
        method: 'POST',
        path,
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { host: host(), ...json, ...headers },
      })

    it('is set up once, by the link alone, and a session is never of the visitor’s choosing', async () => {
      const { vigia } = site()
      const token = /setup#token=(\S+)/.exec(vigia.output())![1]!
      expect((await post('/api/setup', { ...owner, token: 'x'.repeat(43) })).status).toBe(403)
      const chosen = 'vigia_session=chosen-by-the-attacker'
      const tries = await Promise.all(
        [1, 2, 3].map(() => post('/api/setup', { ...owner, token }, { cookie: chosen })),
      )
      expect(tries.map(({ status }) => status).sort()).toEqual([200, 409, 409])
      const made = tries.find(({ status }) => status === 200)!
      expect(String(made.headers['set-cookie'])).toMatch(/HttpOnly/)
      expect(String(made.headers['set-cookie'])).toMatch(/SameSite=Strict/)
      expect((await post('/api/setup', { ...owner, token })).status).toBe(409)
      expect(
        (await raw(vigia.url, { path: '/api/me', headers: { host: host(), cookie: chosen } })).status,
      ).toBe(401)
      const signedIn = await post('/api/login', owner, { cookie: cookieOf(made) })
      expect(cookieOf(signedIn)).not.toBe(cookieOf(made))
      expect(made.body + signedIn.body).not.toContain(cookieOf(signedIn).split('=')[1])
    })

    it('lets no foreign page, no rebound name and no session run code or change what only this machine may', async () => {
      const { vigia, local, folder } = site()
      const cookie = cookieOf(await post('/api/login', owner))
      const self = { cookie, origin: vigia.url }
      expect((await raw(vigia.url, { path: '/api/me', headers: { host: host(), cookie } })).status).toBe(200)
      for (const headers of [
        { cookie, origin: 'http://evil.example' },
        { cookie, origin: 'null' },
        { cookie },
      ])
        expect((await post('/api/logout', {}, headers as Record<string, string>)).status).toBe(403)
      const simple = { ...self, origin: 'http://evil.example', 'content-type': 'text/plain' }
      expect((await post('/api/login', JSON.stringify(owner), simple)).status).toBe(403)
      expect((await post('/api/login', JSON.stringify(owner), { 'content-type': 'text/plain' })).status).toBe(
        400,
      )
      for (const name of [
        'evil.example',
        'localhost.evil.example',
        '127.0.0.1.evil.example',
        'evil@localhost',
      ])
        for (const path of ['/', '/api/setup', '/metrics', '/healthz'])
          expect(
            (await raw(vigia.url, { path, headers: { host: name } })).status,
            `${name}${path}`,
          ).toBeGreaterThanOrEqual(400)
      const device = local.device
      const { content } = shippedScripts()[0]!
      const unapproved = seal(SCRIPT_TYPE, scriptPayload({ ...content, version: 99 }), [makeSigner('eve')])
      for (const [path, body] of [
        ['/api/jobs', { device, script: 'device-facts', parameters: {} }],
        ['/api/enrol-tokens', { client: 'demo' }],
        ['/api/backup', { file: join(folder, 'stolen.backup') }],
        [`/api/devices/${device}/revoke`, {}],
        // An owner may hand in what approvers signed; what nobody signed is refused by its signatures.
        ['/api/scripts', unapproved],
        ['/api/trust', { ...unapproved, payloadType: ROOT_TYPE }],
      ] as const) {
        expect((await post(path, body, self)).status, path).toBe(403)
        expect((await post(path, body)).status, path).toBe(401)
        expect((await post(path, body, { authorization: `Bearer ${'x'.repeat(43)}` })).status, path).toBe(401)
      }
      expect(readdirSync(folder)).not.toContain('stolen.backup')
      for (const path of ['/api/events', `/api/jobs/${randomUUID()}/output`])
        expect((await raw(vigia.url, { path, headers: { host: host() } })).status, path).toBe(401)
      await post('/api/logout', {}, self)
      expect((await raw(vigia.url, { path: '/api/me', headers: { host: host(), cookie } })).status).toBe(401)
    }, 30_000)

    it('gives no file away and takes nothing that is too long, broken or packed', async () => {
      const { vigia, local } = site()
      const token = readFileSync(join(vigia.dataDir, 'local.token'), 'utf8').trim()
      const auth = { host: host(), authorization: `Bearer ${token}` }
      for (const path of [
        '/../../../../../../etc/passwd',
        '/..%2f..%2f..%2f..%2fetc%2fpasswd',
        '/assets/..%2f..%2f..%2fpackage.json',
        '/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
        '/..\\..\\package.json',
        '/%00',
        '/api/reports/..%2f..%2fdemo/2026-01',
        '/api/reports/demo/2026-13',
        '/api/devices/..%2f..%2fx',
        `/api/jobs/${'../'.repeat(5)}x`,
      ]) {
        const { status, body } = await raw(vigia.url, { path, headers: auth })
        expect(body, path).not.toMatch(/root:|"devDependencies"/)
        // What is no file is the console's own page or a refusal, never a fault.
        expect(status, path).toBeLessThan(500)
      }
      const script = { device: local.device, script: '../../etc/passwd', parameters: {} }
      expect((await post('/api/jobs', script, auth)).status).toBe(404)
      const long = await post('/api/login', `{"name":"${'x'.repeat(2 * 1024 * 1024)}"}`).catch(
        () => undefined,
      )
      if (long !== undefined) expect([400, 413]).toContain(long.status)
      for (const [body, headers] of [
        ['{"name":', {}],
        ['[]', {}],
        ['null', {}],
        [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, {}],
        ['{"name":"a","password":"b","__proto__":{"role":"owner"}}', {}],
        ['x', { 'content-encoding': 'gzip' }],
        ['<a/>', { 'content-type': 'application/xml' }],
        ['x', { 'content-type': 'multipart/form-data; boundary=x' }],
      ] as [string, Record<string, string>][]) {
        const answer = await post('/api/login', body, headers)
        expect(answer.status, body.slice(0, 60)).toBe(400)
        expect(JSON.parse(answer.body), body.slice(0, 60)).toMatchObject({ code: 'REQUEST_INVALID' })
      }
      expect((await vigia.server.call('health')).state).toBe('ok')
    }, 30_000)

    it('admits one device for one token, whoever is first, and keeps its secrets from other users', async () => {
      const { vigia, folder } = site()
      const { token } = await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })
      const { enrolDevice } = await import('../../../agent/enrol.ts')
      const tries = await Promise.allSettled(
        Array.from({ length: 6 }, (_, index) =>
          enrolDevice({
            serverUrl: vigia.url,
            token,
            dataDir: join(folder, `race-${index}`),
            machineId: `m${index}`,
          }),
        ),
      )
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const dataDir = join(folder, 'late')
      await expect(enrolDevice({ serverUrl: vigia.url, token, dataDir })).rejects.toThrow(/used or expired/)
      const pinned = token.replace(/[0-9a-f]{64}$/, '0'.repeat(64))
      await expect(enrolDevice({ serverUrl: vigia.url, token: pinned, dataDir })).rejects.toThrow(
        /another trust root/,
      )

      const loose = (path: string): string[] => {
        const stat = lstatSync(path)
        if (stat.isSymbolicLink()) return []
        if (stat.isDirectory())
          return (stat.mode & 0o005) === 0 ? [] : readdirSync(path).flatMap((name) => loose(join(path, name)))
        return (stat.mode & 0o044) === 0 ? [] : [path]
      }
      // Neither address nor process number is a secret. For the metrics see "Known limits" in docs/security.md.
      const known = root
        ? /\/(metrics\.duckdb(\.wal|\.tmp)?|vigia\.lock|server\.url)$/
        : /\/(vigia\.lock|server\.url)$/
      expect(loose(vigia.dataDir).filter((path) => !known.test(path))).toEqual([])
      expect(lstatSync(join(vigia.dataDir, 'local.token')).mode & 0o777).toBe(0o600)
    }, 30_000)

    it('ends a device at its revocation: session, resumption, old certificate', async () => {
      const { vigia, folder } = site()
      const gone = await enrolStolen(vigia, 'evil', folder)
      const session = await connectAs(gone)
      const cut = new Promise<void>((resolve) => session.once('close', () => resolve()))
      const ticket = await new Promise<Buffer>((resolve, reject) => {
        const socket = tlsConnect({
          ...{ host: '127.0.0.1', port: Number(new URL(gone.mqttUrl).port) },
          ...{ key: gone.key, cert: gone.cert, ca: gone.ca },
        })
        socket.once('session', (data) => {
          resolve(data)
          socket.destroy()
        })
        socket.on('error', reject)
      })
      await vigia.server.call('revokeDevice', { params: { device: gone.device } })
      await cut
      await expect(connectAs(gone)).rejects.toThrow(/[Nn]ot authorized/)
      await expect(connectAs(gone, { session: ticket } as object)).rejects.toThrow(/[Nn]ot authorized/)
      const body = { device: gone.device, script: 'device-facts', parameters: {} }
      await expect(vigia.server.call('createJob', { body })).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    }, 30_000)

    it('slows guessing down, and the right password waits as well', async () => {
      const codes: number[] = []
      for (let count = 0; count < 14; count++)
        codes.push((await post('/api/login', { name: owner.name, password: `guess ${count}` })).status)
      expect(codes.slice(0, 9).every((code) => code === 401)).toBe(true)
      expect(codes.slice(-1)).toEqual([429])
      expect((await post('/api/login', owner)).status).toBe(429)
    }, 30_000)
  })
}
