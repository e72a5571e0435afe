import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  createInstallation,
  eventually,
  setUpLink,
  sparePort,
  type Installation,
} from '../support/installation.ts'
import { suiteNeeding } from '../support/servers.ts'
import { ROOT } from '../support/sources.ts'
import { createTestAuthority } from '../support/test-authority.ts'

/** The console as it is reached from elsewhere: behind a real nginx with the block of docs/operations.md. */
suiteNeeding(['nginx'], 'behind nginx with TLS', ({ nginx }) => {
  let vigia: Installation
  let folder: string
  let proxy: ChildProcess | undefined
  let ask: (path: string, options?: RequestOptions & { json?: unknown }) => Promise<IncomingMessage>
  let origin: string
  let cookie: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-proxy-'))
    const config = join(folder, 'vigia.yaml')
    writeFileSync(config, 'http: { proxies: [127.0.0.1] }\n')
    vigia = await createInstallation({ args: ['--config', config] })
    await vigia.start()
    const authority = await createTestAuthority()
    const own = authority.server
    writeFileSync(join(folder, 'own.crt'), own.certPem)
    writeFileSync(join(folder, 'own.key'), own.keyPem)
    const port = await sparePort()
    const told = /```nginx\n([^]*?)```/.exec(readFileSync(join(ROOT, 'docs/operations.md'), 'utf8'))![1]!
    const block = told
      .replace('listen 443 ssl', `listen 127.0.0.1:${String(port)} ssl`)
      .replace('server_name vigia.example.com', 'server_name localhost')
      .replace('/etc/ssl/vigia.example.com.crt', join(folder, 'own.crt'))
      .replace('/etc/ssl/vigia.example.com.key', join(folder, 'own.key'))
      .replace('http://127.0.0.1:7400', vigia.url)
    mkdirSync(join(folder, 'logs'))
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${join(folder, kind)};`,
    )
    const http = `http { access_log off; ${paths.join(' ')}\n${block} }`
    const main = `daemon off; pid ${join(folder, 'pid')}; error_log stderr; events { }\n${http}\n`
    writeFileSync(join(folder, 'nginx.conf'), main)
    proxy = spawn(nginx, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' })
    origin = `https://localhost:${String(port)}`
    ask = (path, { json, ...options } = {}) =>
      new Promise((resolve, reject) => {
        const sent = httpsRequest(`${origin}${path}`, { ca: authority.caPem, ...options })
        sent.on('response', resolve).on('error', reject)
        sent.on('upgrade', (answer, socket) => {
          socket.destroy()
          resolve(answer)
        })
        sent.end(json === undefined ? undefined : JSON.stringify(json))
      })
    await eventually('nginx', 10_000, async () => (await ask('/healthz')).statusCode === 200)
  }, 120_000)
  afterAll(async () => {
    proxy?.kill('SIGTERM')
    await vigia?.remove()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const post = (path: string, json: unknown, more: object = {}): Promise<IncomingMessage> =>
    ask(path, { method: 'POST', json, headers: { 'content-type': 'application/json', origin, ...more } })
  const textOf = async (answer: IncomingMessage): Promise<string> => {
    const parts: Buffer[] = []
    for await (const part of answer) parts.push(part as Buffer)
    return Buffer.concat(parts).toString()
  }

  it('signs in with a cookie that goes over TLS alone', async () => {
    const token = new URL(await setUpLink(vigia)).hash.replace('#token=', '')
    const done = await post('/api/setup', { token, name: 'ana', password: 'correct horse battery' })
    expect(done.statusCode, await textOf(done)).toBe(200)
    const [set = ''] = done.headers['set-cookie'] ?? []
    expect(set).toMatch(/; Secure(;|$)/)
    cookie = set.split(';')[0]!
    const me = await ask('/api/me', { headers: { cookie } })
    expect(JSON.parse(await textOf(me))).toMatchObject({ name: 'ana' })
  })

  it('hands live output on as it comes', async () => {
    const device = await eventually('the agent', 30_000, async () => {
      const { devices } = await vigia.server.call('devices')
      return devices.find(({ online }) => online)?.id
    })
    writeFileSync(join(folder, 'tick.sh'), 'for i in 1 2 3 4 5 6; do date +%s%3N; sleep 0.5; done\n')
    const approved = vigia.vigia('approve', join(folder, 'tick.sh'), '--yes')
    expect(approved.code, approved.stderr).toBe(0)
    const { id } = await vigia.server.call('createJob', { body: { device, script: 'tick', parameters: {} } })
    const stream = await ask(`/api/jobs/${id}/output`, { headers: { cookie } })
    const late: number[] = []
    stream.setEncoding('utf8').on('data', (text: string) => {
      for (const [, said] of text.matchAll(/(\d{13})\\n/g)) late.push(Date.now() - Number(said))
    })
    await eventually('all ticks', 30_000, async () => late.length >= 6)
    stream.destroy()
    // What was printed before the stream was there is told at its beginning, late for that reason.
    expect(Math.max(...late.slice(2))).toBeLessThan(1000)
  }, 60_000)

  it('hands WebSockets on, of its own pages alone', async () => {
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
    const headers = { ...upgrade, 'sec-websocket-key': Buffer.alloc(16).toString('base64'), cookie }
    const path = `/api/remote/${crypto.randomUUID()}/socket`
    expect((await ask(path, { headers: { ...headers, origin } })).statusCode).toBe(101)
    const foreign = await ask(path, { headers: { ...headers, origin: 'https://elsewhere.example' } })
    expect([foreign.statusCode, await textOf(foreign)]).toEqual([
      403,
      expect.stringContaining('ORIGIN_FOREIGN'),
    ])
  })

  it('counts wrong passwords for whoever sends them, and not for the proxy', async () => {
    const wrong = { name: 'nobody', password: 'wrong wrong wrong' }
    const [mine, forged] = [{}, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'elsewhere.example' }]
    // nginx sets the headers itself: what a browser says of where it is counts for nothing.
    for (const more of [mine, forged]) expect((await post('/api/login', wrong, more)).statusCode).toBe(401)
    const from = (address: string) =>
      fetch(`${vigia.url}/api/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
        body: JSON.stringify({ ...wrong, name: crypto.randomUUID() }),
      })
    let refused = 0
    for (let tries = 0; tries < 40; tries++) if ((await from('203.0.113.9')).status === 429) refused += 1
    expect(refused).toBeGreaterThan(5)
    expect((await from('203.0.113.10')).status).toBe(401)
  }, 60_000)
})
