import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { VigiaError } from '../../contract/errors.ts'
import { bearerOf, type Doorkeeper } from './guard.ts'

/** Who may read the metrics beside the machine itself and owners for all clients. */
export type MetricsOptions = Pick<Doorkeeper, 'check'> & {
  registry: Registry
  /** Is this the token that the configuration gives to Prometheus? */
  isScraper: (bearer: string) => boolean
}

/**
 * GET /metrics: OpenMetrics text. It counts over all clients, so nobody reads it who works for some. The route asks for
 * itself: a token of a scraper opens this and nothing else. Throws UNAUTHENTICATED, FORBIDDEN.
 */
export function serveMetrics(app: FastifyInstance, { registry, isScraper, check }: MetricsOptions): void {
  app.get('/metrics', { config: { access: 'public' }, schema: { hide: true } }, async (request, reply) => {
    const bearer = bearerOf(request)
    if (bearer === undefined || !isScraper(bearer)) {
      check('owner', false, request.caller)
      if ((request.caller?.clients ?? null) !== null)
        throw new VigiaError('FORBIDDEN', 'metrics count over all clients, and you work for some')
    }
    return reply.type(registry.contentType).send(await registry.metrics())
  })
}
