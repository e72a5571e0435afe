import type { FastifyReply } from 'fastify'
import type * as z from 'zod'
import type { ROUTES, RouteName } from '../../contract/http.ts'
import type { Me } from '../../contract/views.ts'

/** Who calls: a signed-in person, the server's own machine (role local), or nobody known. */
export type Caller = z.infer<typeof Me> | undefined

type Part<R, K extends string> =
  R extends Record<K, infer S> ? (S extends z.ZodType ? z.output<S> : undefined) : undefined

/** A parsed call of a route: its parts are already checked against the contract. */
export type Call<N extends RouteName> = {
  params: Part<(typeof ROUTES)[N], 'params'>
  query: Part<(typeof ROUTES)[N], 'query'>
  body: Part<(typeof ROUTES)[N], 'body'>
  who: Caller
  cookies: Readonly<Record<string, string | undefined>>
  /** The name to write into histories. */
  whoName: string
  address: string
  /** Under which name and port the server was called; one of its own, see the guard. */
  host: string
  /** The browser calls over TLS. */
  secure: boolean
  reply: FastifyReply
}

/** The answer that a route owes, before it is checked and written. */
export type Answer<N extends RouteName> = z.input<(typeof ROUTES)[N]['answer']>

/** One handler for every route of the contract; leaving one out is a type error. */
export type Handlers = { [N in RouteName]: (call: Call<N>) => Promise<Answer<N>> }
