import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import { sameSecret } from '../access/local-token.ts'
import { SESSION_COOKIE } from '../access/people.ts'
import { checkReach } from '../access/reach.ts'
import { checkAccess } from '../access/roles.ts'
import type { ServerConfig } from '../config.ts'
import { buildHttp } from '../http/server.ts'
import { listenWithin } from '../notify/seen-events.ts'
import type { Logger } from '../observe/log.ts'
import { accessRoutes } from '../routes/access.ts'
import { deskRoutes } from '../routes/desk.ts'
import { factorRoutes } from '../routes/factor.ts'
import { fleetRoutes } from '../routes/fleet.ts'
import { noiseRoutes } from '../routes/noise.ts'
import { peopleRoutes } from '../routes/people.ts'
import { remoteRoutes, remoteSockets } from '../routes/remote.ts'
import { ruleRoutes } from '../routes/rules.ts'
import { trustRoutes } from '../routes/trust.ts'
import { workRoutes } from '../routes/work.ts'
import type { Parts } from './parts.ts'

type Options = {
  clock: Clock
  config: ServerConfig['http']
  log: Logger
  version: string
  consoleDir: string
}

/** Builds all routes over the parts and listens; PORT_IN_USE where another process has the port. */
export async function openHttp(
  parts: Parts,
  { clock, config, log, version, consoleDir }: Options,
): Promise<{ http: FastifyInstance; httpUrl: string }> {
  const { people, localToken, live, records, registry, remote } = parts
  const onFault = (error: unknown): void => log.warn({ err: error }, 'live events could not be looked up')
  const http = await buildHttp({
    handlers: {
      ...accessRoutes(parts),
      ...factorRoutes(parts),
      ...peopleRoutes(parts),
      ...fleetRoutes(parts),
      ...deskRoutes(parts),
      ...workRoutes(parts),
      ...remoteRoutes(parts),
      ...trustRoutes(parts),
      ...noiseRoutes(parts),
      ...ruleRoutes(parts),
    },
    async identify({ bearer, cookies }) {
      if (bearer !== undefined)
        return localToken.matches(bearer) ? { name: 'local', role: 'local' } : undefined
      const token = cookies[SESSION_COOKIE.name]
      return token === undefined ? undefined : people.session(token)
    },
    reach: (asked, named) => checkReach(records, asked, named),
    listenWithin: (clients, listener) => listenWithin(live.events, { records, clients, onFault }, listener),
    sockets: remoteSockets(() => remote),
    check: (access, changes, caller) => checkAccess(access, changes, caller, clock()),
    hosts: () => ['localhost', '127.0.0.1', '[::1]', config.host, ...config.names],
    isScraper: (bearer) => config.metricsToken !== undefined && sameSecret(bearer, config.metricsToken),
    ...{ live, registry, log, version, consoleDir, proxies: config.proxies },
  })
  return { http, httpUrl: await listen(http, config) }
}

async function listen(http: FastifyInstance, { host, port }: ServerConfig['http']): Promise<string> {
  try {
    await http.listen({ host, port })
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE')
      throw new VigiaError(
        'PORT_IN_USE',
        `${host}:${port} is in use by another process. Choose another port with --http-port.`,
        { cause: thrown },
      )
    throw thrown
  }
  const address = http.server.address()
  const bound = address === null || typeof address === 'string' ? port : address.port
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
}
