import type { FastifyInstance, FastifyRequest } from 'fastify'
import { VigiaError } from '../../contract/errors.ts'
import type { Access } from '../../contract/http.ts'
import type { Identity } from './handler.ts'

/** How the guard learns who calls. */
export type Identify = (credentials: {
  bearer: string | undefined
  session: string | undefined
}) => Promise<Identity>

export const SESSION_COOKIE = 'vigia_session'

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity
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
export function guardRoutes(
  app: FastifyInstance,
  options: { identify: Identify; hosts: () => readonly string[] },
): void {
  app.decorateRequest<Identity | null>('identity', null)
  app.addHook('onRequest', async (request) => {
    checkHost(request, options.hosts())
    const access = request.routeOptions.config.access
    if (access === undefined) {
      if (request.routeOptions.url === undefined) return
      throw new VigiaError('FORBIDDEN', 'This route does not say who may use it.')
    }
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    const session = bearer === undefined ? request.cookies[SESSION_COOKIE] : undefined
    request.identity = await options.identify({ bearer, session })
    if (access === 'public') return
    if (request.identity.kind === 'nobody') throw new VigiaError('UNAUTHENTICATED', 'Nobody is signed in.')
    if (access === 'local' && request.identity.kind !== 'local') {
      throw new VigiaError(
        'FORBIDDEN',
        "This may be done only on the server's own machine, by the command line.",
      )
    }
    if (request.identity.kind === 'person' && request.method !== 'GET') {
      checkSameOrigin(request)
      if (request.identity.role === 'viewer' && request.routeOptions.url !== '/api/logout') {
        throw new VigiaError('FORBIDDEN', 'A viewer may look, not change.')
      }
    }
  })
}

function checkHost(request: FastifyRequest, hosts: readonly string[]): void {
  const name = request.hostname.replace(/:\d+$/, '')
  if (!hosts.includes(name))
    throw new VigiaError(
      'FORBIDDEN',
      `This server does not answer to the name ${JSON.stringify(name.slice(0, 80))}.`,
    )
}

function checkSameOrigin(request: FastifyRequest): void {
  const origin = request.headers.origin
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.host) return
  if (origin === undefined && request.headers['sec-fetch-site'] === 'same-origin') return
  throw new VigiaError('FORBIDDEN', 'The request does not come from a page of this server.')
}
