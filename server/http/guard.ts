import type { FastifyInstance, FastifyRequest } from 'fastify'
import { VigiaError } from '../../contract/errors.ts'
import type { Access } from '../../contract/http.ts'
import type { Caller } from './handler.ts'

/** How the guard learns who calls, and whether that caller may now (throws UNAUTHENTICATED, FORBIDDEN, SECOND_FACTOR_REQUIRED). */
export type Doorkeeper = {
  identify: (credentials: {
    bearer: string | undefined
    cookies: Readonly<Record<string, string | undefined>>
  }) => Promise<Caller>
  check: (access: Access, changes: boolean, caller: Caller) => void
  /** Names and addresses under which this server may be called. */
  hosts: () => readonly string[]
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
  interface FastifyContextConfig {
    access?: Access
  }
}

/**
 * Asks of every route who may use it: a route that does not say so is refused. Requests that change something and
 * come with a cookie must come from our own pages (Origin or Sec-Fetch-Site), and the Host must be one of ours, so
 * that neither a foreign page nor a rebound name can use a signed-in browser.
 */
export function guardRoutes(app: FastifyInstance, door: Doorkeeper): void {
  app.decorateRequest<Caller>('caller', undefined)
  app.addHook('onRequest', async (request) => {
    checkHost(request, door.hosts())
    const { config, url } = request.routeOptions
    if (config.access === undefined) {
      // Without a route there is nothing to use: the answer is NOT_FOUND or the console's page.
      if (url === undefined) return
      throw new VigiaError('FORBIDDEN', 'This route does not say who may use it.')
    }
    const bearer = bearerOf(request)
    request.caller = await identify(door, request)
    const changes = request.method !== 'GET'
    door.check(config.access, changes && url !== '/api/logout', request.caller)
    if (changes && bearer === undefined && request.caller !== undefined) checkSameOrigin(request)
  })
}

/** Who calls now, by what the request carries: the local token, else the cookie of a session. */
export function identify(door: Pick<Doorkeeper, 'identify'>, request: FastifyRequest): Promise<Caller> {
  const bearer = bearerOf(request)
  return door.identify({ bearer, cookies: bearer === undefined ? request.cookies : {} })
}

/** The token of an Authorization header of the kind Bearer (RFC 6750, 2.1). */
export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
}

function checkHost(request: FastifyRequest, hosts: readonly string[]): void {
  const name = request.hostname.replace(/:\d+$/, '')
  if (!hosts.includes(name))
    throw new VigiaError(
      'ORIGIN_FOREIGN',
      `This server does not answer to the name ${JSON.stringify(name.slice(0, 80))}.`,
    )
}

function checkSameOrigin(request: FastifyRequest): void {
  const origin = request.headers.origin
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.host) return
  if (origin === undefined && request.headers['sec-fetch-site'] === 'same-origin') return
  throw new VigiaError('ORIGIN_FOREIGN', 'The request does not come from a page of this server.')
}
