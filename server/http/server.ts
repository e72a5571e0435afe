import { existsSync } from 'node:fs'
import { join } from 'node:path'
import cookie from '@fastify/cookie'
import fastifyStatic from '@fastify/static'
import swagger from '@fastify/swagger'
import { fastify, LogController, type FastifyInstance, type FastifyRequest, type RouteOptions } from 'fastify'
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { VigiaError } from '../../contract/errors.ts'
import { ROUTES, type Access, type RouteName, type Touches } from '../../contract/http.ts'
import type { Logger } from '../observe/log.ts'
import { answerErrors } from './errors.ts'
import { guardRoutes, identify, type Doorkeeper } from './guard.ts'
import type { Call, Caller, Handlers } from './handler.ts'
import { serveMetrics, type MetricsOptions } from './metrics.ts'
import { callWithin } from './reach.ts'
import { secureHeaders } from './headers.ts'
import { acceptSockets, serveSockets, type SocketStages } from './sockets.ts'
import { serveStreams, type StreamOptions } from './streams.ts'

export type HttpOptions = Doorkeeper &
  Omit<StreamOptions, 'callerNow'> &
  MetricsOptions & {
    handlers: Handlers
    sockets: SocketStages
    log: Logger
    version: string
    /** Folder of the built console. */
    consoleDir: string
    /** Proxies whose X-Forwarded headers are believed; nobody else's are. */
    proxies?: readonly string[]
    /** Hears of every route as it is registered. */
    onRoute?: (route: RouteOptions) => void
  }

/** Builds the HTTP side from the contract's table of routes; listening is the caller's. */
export async function buildHttp(options: HttpOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.log.child({ part: 'http' }, { level: 'warn' }),
    bodyLimit: 1024 * 1024,
    trustProxy: options.proxies?.length ? [...options.proxies] : false,
    // Fastify's own default is to wait for ever for a body that never comes.
    requestTimeout: 60_000,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  answerErrors(app as unknown as FastifyInstance)
  secureHeaders(app as unknown as FastifyInstance)
  await app.register(cookie)
  await acceptSockets(app as unknown as FastifyInstance)
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Vigía', version: options.version } },
    transform: jsonSchemaTransform,
  })
  const plain = app as unknown as FastifyInstance
  guardRoutes(plain, options)
  if (options.onRoute) plain.addHook('onRoute', (route) => options.onRoute?.(route))
  for (const name of Object.keys(ROUTES) as RouteName[]) registerRoute(plain, name, options)
  const callerNow = (request: FastifyRequest): Promise<Caller> => identify(options, request)
  serveSockets(plain, options.sockets, async (request) => (await callerNow(request)) !== undefined)
  serveStreams(plain, { ...options, callerNow })
  serveMetrics(plain, options)
  plain.get('/api/openapi.json', { config: { access: 'person' }, schema: { hide: true } }, async () =>
    app.swagger(),
  )
  await serveConsole(plain, options.consoleDir)
  return plain
}

/** Routes that answer with a document of their own type. */
const DOCUMENTS: ReadonlySet<RouteName> = new Set(['report', 'runResults', 'remoteRecording'])

function registerRoute<N extends RouteName>(
  app: FastifyInstance,
  name: N,
  { handlers, reach }: Pick<HttpOptions, 'handlers' | 'reach'>,
): void {
  const route: {
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
    path: string
    access: Access
    touches?: Touches
    params?: unknown
    query?: unknown
    body?: unknown
    answer: unknown
    summary: string
  } = ROUTES[name]
  const handler = handlers[name]
  app.route({
    method: route.method,
    url: route.path,
    config: { access: route.access },
    schema: {
      summary: route.summary,
      operationId: name,
      ...(route.params ? { params: route.params } : {}),
      ...(route.query ? { querystring: route.query } : {}),
      ...(route.body ? { body: route.body } : {}),
      // A document is not JSON: its handler sends it itself.
      ...(DOCUMENTS.has(name) ? {} : { response: { 200: route.answer } }),
    },
    handler: async (request, reply) => {
      const call = {
        params: request.params,
        query: request.query,
        body: request.body,
        who: request.caller,
        whoName: request.caller?.name ?? 'nobody',
        cookies: request.cookies,
        address: request.ip,
        host: request.host,
        secure: isSecure(request),
        reply,
      } as unknown as Call<N>
      const answer = await callWithin(reach, route, call, () => handler(call))
      return reply.sent ? reply : reply.send(answer)
    },
  })
}

/** Whether the browser calls over TLS: as a proxy that is believed says, or as a page says of itself. */
function isSecure(request: FastifyRequest): boolean {
  return request.protocol === 'https' || request.headers.origin?.startsWith('https:') === true
}

async function serveConsole(app: FastifyInstance, consoleDir: string): Promise<void> {
  const built = existsSync(join(consoleDir, 'index.html'))
  if (built) {
    // From here on only the console's own files are registered: anyone may read them, they hold no data.
    app.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' }
    })
    await app.register(fastifyStatic, {
      root: consoleDir,
      wildcard: false,
      index: false,
      maxAge: '1y',
      immutable: true,
    })
  }
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.slice(0, 200)
    if (request.method !== 'GET' || path.startsWith('/api/'))
      throw new VigiaError('NOT_FOUND', `There is no ${request.method} ${path}.`)
    if (!built)
      throw new VigiaError('NOT_FOUND', 'The console is not built. Run "npm run build" and start again.')
    return reply.sendFile('index.html', { maxAge: 0, immutable: false })
  })
}
