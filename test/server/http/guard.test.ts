import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_STREAM, OUTPUT_STREAM, ROUTES, type Access, type RouteName } from '../../../contract/http.ts'
import { REMOTE_SOCKET } from '../../../contract/remote/session.ts'
import { checkAccess } from '../../../server/access/roles.ts'
import type { Caller, Handlers } from '../../../server/http/handler.ts'
import { buildHttp } from '../../../server/http/server.ts'
import { createLive } from '../../../server/notify/live.ts'
import { createRegistry } from '../../../server/observe/metrics.ts'

/** Routes beside the contract's table, each with the reason why it is not there. */
const OTHERS: Record<string, Access> = {
  [`GET ${EVENT_STREAM}`]: 'person', // a stream, not an answer
  [`GET ${OUTPUT_STREAM}`]: 'person', // a stream, not an answer
  [`GET ${REMOTE_SOCKET}`]: 'person', // a WebSocket
  'GET /metrics': 'public', // OpenMetrics text; it asks for its token or an owner itself
  'GET /api/openapi.json': 'person', // made from the table itself
  'GET /app.js': 'public', // the console's own files
  'GET /index.html': 'public',
}

const NOW_MS = 1_700_000_000_000
const people: Record<string, Caller> = {
  owner: { name: 'Ana', role: 'owner' },
  technician: { name: 'Caro', role: 'technician' },
  viewer: { name: 'Blas', role: 'viewer' },
  limited: { name: 'Dora', role: 'owner', clients: ['acme'] },
  confirmed: { name: 'Caro', role: 'technician', secondFactor: true, provenUntilMs: NOW_MS + 1 },
  proven: { name: 'Ana', role: 'owner', secondFactor: true, provenUntilMs: NOW_MS + 1 },
  late: { name: 'Ana', role: 'owner', secondFactor: true, provenUntilMs: NOW_MS },
  reader: { name: 'Blas', role: 'viewer', secondFactor: true, provenUntilMs: NOW_MS + 1 },
}

let app: FastifyInstance
let folder = ''
const called: string[] = []
const routes: RouteOptions[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-console-'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Vigía</title>')
  writeFileSync(join(folder, 'app.js'), '')
  const handlers = Object.fromEntries(
    Object.keys(ROUTES).map((name) => [name, async () => (called.push(name), { ok: true })]),
  ) as unknown as Handlers
  app = await buildHttp({
    handlers,
    identify: async ({ bearer, cookies }) =>
      bearer === 'local' ? { name: 'local', role: 'local' } : people[cookies['vigia_session'] ?? ''],
    check: (access, changes, caller) => checkAccess(access, changes, caller, NOW_MS),
    hosts: () => ['localhost', '127.0.0.1'],
    live: createLive(() => undefined),
    registry: createRegistry('test'),
    isScraper: (bearer) => bearer === 'scraper',
    log: pino({ level: 'silent' }),
    version: 'test',
    consoleDir: folder,
    reach: async () => undefined,
    listenWithin: () => () => undefined,
    sockets: { remote: (socket) => socket.close(4400, 'over') },
    onRoute: (route) => routes.push(route),
  })
  await app.ready()
})

afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

const ask = (method: string, url: string, headers: Record<string, string> = {}) =>
  app.inject({
    method: method as 'GET',
    url,
    headers: { host: 'localhost:7400', ...headers },
    ...(method === 'GET' || method === 'DELETE' ? {} : { payload: {} }),
  })
const concrete = (path: string): string => path.replace(/:[a-z]+/g, 'x')

describe('the router', () => {
  it('says of every route who may use it, as the contract does', () => {
    const known = new Map<string, Access>([
      ...Object.values(ROUTES).map((route): [string, Access] => [
        `${route.method} ${route.path}`,
        route.access,
      ]),
      ...Object.entries(OTHERS),
    ])
    const walked = routes
      .flatMap((route) =>
        [route.method]
          .flat()
          .map((method) => ({ method: String(method), url: route.url, access: route.config?.access })),
      )
      .filter(({ method }) => method !== 'HEAD')
    expect(walked.length).toBeGreaterThan(35)
    expect(
      walked.filter(
        ({ method, url, access }) => access === undefined || known.get(`${method} ${url}`) !== access,
      ),
    ).toEqual([])
    expect(
      [...known.keys()].filter((key) => !walked.some(({ method, url }) => `${method} ${url}` === key)),
    ).toEqual([])
  })

  it.each(Object.entries(ROUTES).filter(([, route]) => route.access !== 'public'))(
    'refuses %s to nobody',
    async (_name, route) => {
      const answer = await ask(route.method, concrete(route.path))
      expect(answer.statusCode).toBe(401)
      expect(answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' })
    },
  )

  it.each(Object.entries(ROUTES).filter(([, route]) => route.access === 'local'))(
    'refuses %s to a signed-in person',
    async (_name, route) => {
      const answer = await ask(route.method, concrete(route.path), {
        cookie: 'vigia_session=owner',
        origin: 'http://localhost:7400',
      })
      expect(answer.statusCode).toBe(403)
    },
  )

  it.each(Object.entries(ROUTES).filter(([, route]) => route.access === 'owner'))(
    'refuses %s to a technician, and to an owner who has not shown a second factor where it changes something',
    async (_name, route) => {
      const refusals = ['FORBIDDEN', 'SECOND_FACTOR_REQUIRED', 'UNAUTHENTICATED']
      expect(await codeOf('confirmed', route)).toBe('FORBIDDEN')
      if (route.method === 'GET') expect(refusals).not.toContain(await codeOf('owner', route))
      else
        for (const who of ['owner', 'late']) expect(await codeOf(who, route)).toBe('SECOND_FACTOR_REQUIRED')
      expect(refusals).not.toContain(await codeOf('proven', route))
    },
  )

  const ofAccess = (access: Access) => Object.entries(ROUTES).filter(([, route]) => route.access === access)
  const codeOf = async (who: string, route: { method: string; path: string }): Promise<unknown> => {
    const answer = await ask(route.method, concrete(route.path), {
      cookie: `vigia_session=${who}`,
      origin: 'http://localhost:7400',
    })
    return answer.json<{ code?: string }>().code
  }

  it.each(ofAccess('operate'))(
    'lets %s only to whose second factor counts, and never to a viewer',
    async (_name, route) => {
      expect(await codeOf('technician', route)).toBe('SECOND_FACTOR_REQUIRED')
      expect(await codeOf('owner', route)).toBe('SECOND_FACTOR_REQUIRED')
      expect(await codeOf('late', route)).toBe('SECOND_FACTOR_REQUIRED')
      expect(await codeOf('viewer', route)).toBe('FORBIDDEN')
      expect(await codeOf('reader', route)).toBe('FORBIDDEN')
      const machine = await ask(route.method, concrete(route.path), { authorization: 'Bearer local' })
      for (const code of [await codeOf('confirmed', route), machine.json<{ code?: string }>().code])
        expect(['FORBIDDEN', 'SECOND_FACTOR_REQUIRED', 'UNAUTHENTICATED']).not.toContain(code)
    },
  )

  it.each(ofAccess('self'))('lets anyone who is signed in do %s, a viewer too', async (_name, route) => {
    for (const who of ['viewer', 'technician', 'owner'])
      expect(['FORBIDDEN', 'SECOND_FACTOR_REQUIRED', 'UNAUTHENTICATED']).not.toContain(
        await codeOf(who, route),
      )
  })

  it('has routes of every kind', () => {
    const kinds = ['public', 'person', 'self', 'operate', 'owner', 'local'] as const
    expect(kinds.filter((access) => ofAccess(access).length === 0)).toEqual([])
  })

  it('lets a viewer look and not change', async () => {
    const id = '00000000-0000-4000-8000-000000000000'
    const change = await app.inject({
      method: 'PATCH',
      url: `/api/tickets/${id}`,
      headers: { host: 'localhost', cookie: 'vigia_session=viewer', origin: 'http://localhost' },
      payload: { action: 'start' },
    })
    expect(change.statusCode).toBe(403)
  })

  it('refuses a change that a foreign page asks for with a cookie', async () => {
    for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, {}] as Record<
      string,
      string
    >[]) {
      const answer = await ask('POST', '/api/logout', { cookie: 'vigia_session=owner', ...headers })
      expect(answer.statusCode, JSON.stringify(headers)).toBe(403)
      expect(answer.json()).toMatchObject({ code: 'ORIGIN_FOREIGN' })
    }
    expect(called).not.toContain('logout' satisfies RouteName)
    expect(
      (await ask('POST', '/api/logout', { cookie: 'vigia_session=owner', origin: 'http://localhost:7400' }))
        .statusCode,
    ).toBe(200)
  })

  it('waits for no request for ever', () => {
    expect(app.server.requestTimeout).toBe(60_000)
  })

  it('refuses a name that is not its own, against DNS rebinding', async () => {
    const answer = await app.inject({ url: '/api/setup', headers: { host: 'evil.example:7400' } })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({
      code: 'ORIGIN_FOREIGN',
      next: expect.stringContaining('http.names') as string,
    })
  })

  it('answers faults in a request with each field, and unknown paths with a code', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/login',
      headers: { host: 'localhost' },
      payload: { name: 7 },
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json<{ code: string; faults: { field: string }[] }>()).toMatchObject({
      code: 'REQUEST_INVALID',
      faults: [{ field: 'body.name' }, { field: 'body.password' }],
    })
    expect((await ask('GET', '/api/nothing')).json()).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('gives the console with a strict policy, also under its own paths', async () => {
    for (const url of ['/', '/incidents/1']) {
      const page = await ask('GET', url)
      expect(page.statusCode).toBe(200)
      expect(page.headers['content-security-policy']).toContain("script-src 'self'")
      expect(page.headers['content-security-policy']).not.toContain("script-src 'self' 'unsafe")
      expect(page.headers['cache-control']).toContain('max-age=0')
    }
  })

  it('says its own metrics in OpenMetrics to the machine and to owners for all clients, since they count over all', async () => {
    const status = async (name: string) =>
      (await ask('GET', '/metrics', { cookie: `vigia_session=${name}` })).statusCode
    expect(await Promise.all(['nobody', 'technician', 'viewer', 'limited', 'owner'].map(status))).toEqual([
      401, 403, 403, 403, 200,
    ])
    expect((await ask('GET', '/metrics', { authorization: 'Bearer another' })).statusCode).toBe(401)
    // The token of a Prometheus elsewhere opens nothing else.
    const scraper = { authorization: 'Bearer scraper' }
    expect((await ask('GET', '/metrics', scraper)).statusCode).toBe(200)
    expect((await ask('GET', '/api/devices', scraper)).statusCode).toBe(401)
    const answer = await ask('GET', '/metrics', { authorization: 'Bearer local' })
    expect(answer.headers['content-type']).toContain('application/openmetrics-text')
    expect(answer.body.trimEnd().endsWith('# EOF')).toBe(true)
    expect(answer.body).toContain('vigia_build{version="test"} 1')
  })
})
