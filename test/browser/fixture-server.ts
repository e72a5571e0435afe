import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type * as z from 'zod'
import { ROUTES, type RouteName } from '../../contract/http.ts'
import { type LiveEvent } from '../../contract/views.ts'
import type { Ticket } from '../../contract/incident.ts'
import * as data from './fixture-data.ts'
import * as desk from './fixture-desk.ts'
import { MORE_HANDLERS, unchanged, type Changed } from './fixture-routes.ts'

/** As the server's own policy, without its room for style attributes: the console needs none. */
export const STRICTEST_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const KINDS: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

type Options = {
  dist: string
  devices?: number
  port?: number
  /** `empty`: nothing has happened yet. `signed-out`: nobody is. `new`: set-up is still to be done. */
  state?: 'full' | 'empty' | 'signed-out' | 'new'
  live?: boolean
}

export type FixtureServer = {
  url: string
  /** Calls that came in, as `METHOD /path`. */
  calls: string[]
  emit(event: LiveEvent): void
  close(): Promise<void>
}

/** Serves the built console and answers its routes with fixed data, each checked by the contract's own schema. */
export async function startFixtureServer({
  dist,
  devices = 14,
  port = 0,
  state = 'full',
  live = true,
}: Options): Promise<FixtureServer> {
  const calls: string[] = []
  const streams = new Set<ServerResponse>()
  const nowMs = Date.now()
  const context: Context = {
    nowMs,
    changed: unchanged(nowMs),
    devices,
    state,
    signedIn: state === 'full' || state === 'empty',
    tickets: new Map(),
  }
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ code: 'INTERNAL', message: String(error), next: '', faults: [] }))
    })
  })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fixture')
    response.setHeader('content-security-policy', STRICTEST_POLICY)
    response.setHeader('x-content-type-options', 'nosniff')
    if (url.pathname === '/api/events' || url.pathname.endsWith('/output')) {
      if (!live) {
        response.writeHead(404).end()
        return
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('retry: 500\n\n')
      if (url.pathname === '/api/events') streams.add(response)
      request.on('close', () => streams.delete(response))
      return
    }
    if (url.pathname === '/healthz' || url.pathname.startsWith('/api/')) {
      calls.push(`${request.method} ${url.pathname}`)
      await answer(request, response, url, context)
      return
    }
    await file(url.pathname, dist, response)
  }

  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    emit: (event) => streams.forEach((stream) => stream.write(`data: ${JSON.stringify(event)}\n\n`)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function file(path: string, dist: string, response: ServerResponse): Promise<void> {
  const wanted = normalize(path)
  const name = extname(wanted) === '' ? '/index.html' : wanted
  try {
    const content = await readFile(join(dist, name))
    response.writeHead(200, { 'content-type': KINDS[extname(name)] ?? 'application/octet-stream' })
    response.end(content)
  } catch {
    response.writeHead(404).end()
  }
}

type Context = {
  nowMs: number
  changed: Changed
  devices: number
  state: NonNullable<Options['state']>
  signedIn: boolean
  tickets: Map<string, Ticket>
}
type Call = { params: Record<string, string>; query: URLSearchParams; body: unknown; context: Context }

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  context: Context,
): Promise<void> {
  const match = findRoute(request.method ?? 'GET', url.pathname)
  const handler = match && HANDLERS[match.name]
  if (!match || !handler) return fail(response, 404, 'NOT_FOUND', `No route ${url.pathname}.`)
  const route = ROUTES[match.name]
  if ((route.access === 'person' || route.access === 'owner') && !context.signedIn)
    return fail(response, 401, 'UNAUTHENTICATED', 'You are not signed in.')
  const body = await readBody(request)
  if ('body' in route) {
    const parsed = (route.body as z.ZodType).safeParse(body)
    if (!parsed.success) return fail(response, 400, 'REQUEST_INVALID', parsed.error.message)
  }
  if ('query' in route) {
    const parsed = (route.query as z.ZodType).safeParse(Object.fromEntries(url.searchParams))
    if (!parsed.success) return fail(response, 400, 'REQUEST_INVALID', parsed.error.message)
  }
  const result = handler({ params: match.params, query: url.searchParams, body, context })
  if (result === undefined) return fail(response, 404, 'NOT_FOUND', `There is no ${url.pathname}.`)
  if (result === 'refused') return fail(response, 401, 'UNAUTHENTICATED', 'Name or password is wrong.')
  // A fixture that the contract would not allow is a fault of the test.
  const checked = (route.answer as z.ZodType).parse(result)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(checked))
}

const HANDLERS: Partial<Record<RouteName, (call: Call) => unknown>> = {
  ...MORE_HANDLERS,
  health: ({ context }) => data.health(context.nowMs),
  setupState: ({ context }) => ({ needed: context.state === 'new' }),
  setup: ({ context, body }) => {
    context.signedIn = true
    context.state = 'empty'
    return { name: (body as { name: string }).name, role: 'owner' }
  },
  login: ({ context, body }) => {
    if ((body as { password: string }).password !== 'correct horse battery') return 'refused'
    context.signedIn = true
    return { name: 'ana', role: 'owner' }
  },
  logout: ({ context }) => {
    context.signedIn = false
    return { ok: true }
  },
  me: () => ({ name: 'ana', role: 'owner' }),
  clients: ({ context }) => data.clients(full(context) ? data.fleet(context.devices, context.nowMs) : []),
  devices: ({ context }) => ({ devices: full(context) ? data.fleet(context.devices, context.nowMs) : [] }),
  device: ({ context, params }) => {
    const device = data.fleet(context.devices, context.nowMs).find((one) => one.id === params['device'])
    return (
      device && {
        device,
        policy: {
          version: 1,
          intervalS: 30,
          collectorIntervalS: {},
          services: [],
          includeMounts: [],
          certificates: [],
        },
        latest: data.latest(Date.now()),
      }
    )
  },
  deviceFacts: ({ context }) => data.facts(context.nowMs),
  deviceSeries: ({ query }) =>
    data.series(
      query.get('metric') ?? '',
      Number(query.get('fromMs')),
      Number(query.get('toMs')),
      Number(query.get('points')),
    ),
  incidents: ({ context, query }) => ({
    incidents: full(context)
      ? desk
          .incidents(context.nowMs)
          .filter((one) => !query.has('device') || one.device === query.get('device'))
      : [],
  }),
  incident: ({ context, params }) => {
    const incident = desk.incidents(context.nowMs).find((one) => one.id === params['id'])
    return incident && { incident, ...desk.story(incident), replay: desk.replay(incident) }
  },
  tickets: ({ context }) => ({ tickets: full(context) ? desk.tickets(context.nowMs) : [] }),
  ticket: ({ context, params }) => ticketOf(context, params['id'] ?? ''),
  updateTicket: ({ context, params, body }) => {
    const ticket = ticketOf(context, params['id'] ?? '')
    if (!ticket) return undefined
    const { action, text } = body as { action: string; text: string }
    const state = action === 'start' ? 'in-progress' : action === 'resolve' ? 'resolved' : ticket.state
    const changed: Ticket = {
      ...ticket,
      state,
      events: [...ticket.events, { atMs: Date.now(), who: 'ana', kind: action, text }],
    }
    context.tickets.set(ticket.id, changed)
    return changed
  },
  ledger: ({ context }) => ({ entries: full(context) ? desk.ledger(context.nowMs) : [] }),
  hostile: ({ context }) => (full(context) ? data.hostile(context.nowMs) : { counts: {}, samples: [] }),
}

function full(context: Context): boolean {
  return context.state !== 'empty'
}

function ticketOf(context: Context, id: string): Ticket | undefined {
  return context.tickets.get(id) ?? desk.tickets(context.nowMs).find((one) => one.id === id)
}

function findRoute(
  method: string,
  path: string,
): { name: RouteName; params: Record<string, string> } | undefined {
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    if (ROUTES[name].method !== method) continue
    const pattern = new RegExp(`^${ROUTES[name].path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
    const match = pattern.exec(path)
    if (match) return { name, params: { ...match.groups } }
  }
  return undefined
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? undefined : (JSON.parse(text) as unknown)
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ code, message, next: 'See the message.', faults: [] }))
}
