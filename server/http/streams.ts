import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { EVENT_STREAM, OUTPUT_STREAM } from '../../contract/http.ts'
import { type LiveEvent } from '../../contract/views.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { JobOutput } from '../../contract/command.ts'
import type { Live } from '../notify/live.ts'
import type { Caller } from './handler.ts'
import { heldTo, type Reach } from './reach.ts'

const HEARTBEAT_MS = 15_000
/** A reader that is this far behind is cut; its page reconnects and asks again. */
const BACKLOG_BYTES = 1024 * 1024
const MAX_READERS = 500

export type StreamOptions = {
  live: Live
  /** Asked at each heartbeat: who calls now, by what the request carries. */
  callerNow: (request: FastifyRequest) => Promise<Caller>
  /** Asked before the output of a job is told to who works for some clients only. */
  reach: Reach
  /** Hears the events of these clients only; the answer ends it. */
  listenWithin: (clients: readonly string[], listener: (event: LiveEvent) => void) => () => void
  heartbeatMs?: number
}

/**
 * Server-sent events (HTML Living Standard, 9.2): what changed, and the output of a job, from what it has printed so far
 * on, in order. Who has signed out, was signed out, or works for other clients than before hears nothing more.
 */
export function serveStreams(
  app: FastifyInstance,
  { live, callerNow, reach, listenWithin, heartbeatMs = HEARTBEAT_MS }: StreamOptions,
): void {
  const stillIn = async (request: FastifyRequest): Promise<boolean> => {
    const now = await callerNow(request)
    return now !== undefined && sameClients(now, request.caller)
  }
  const stream = streamOf(stillIn, heartbeatMs)
  app.get(EVENT_STREAM, { config: { access: 'person' }, schema: { hide: true } }, (request, reply) => {
    const clients = heldTo('person', request.caller)
    return stream<LiveEvent>(request, reply, {
      listeners: live.events.listeners(),
      listen: (write) =>
        clients === null
          ? live.events.listen((event) => write(event))
          : listenWithin(clients, (event) => write(event)),
    })
  })
  app.get<{ Params: { id: string } }>(
    OUTPUT_STREAM,
    { config: { access: 'person' }, schema: { hide: true } },
    async (request, reply) => {
      const { params, query, body } = request
      const clients = heldTo('person', request.caller)
      if (clients !== null) await reach({ clients, touches: 'job' }, { params, query, body })
      const after = lastEventId(request)
      return stream<JobOutput>(request, reply, {
        listeners: live.output.listeners(),
        listen: (write) => live.output.follow(request.params.id, (piece) => write(piece, piece.at), after),
      })
    },
  )
}

function sameClients(now: Caller, then: Caller): boolean {
  return JSON.stringify(now?.clients ?? null) === JSON.stringify(then?.clients ?? null)
}

/** What a stream tells, and how many hear it already; an `id` lets a reader that comes back go on where it was. */
type Source<T> = { listeners: number; listen: (write: (value: T, id?: number) => void) => () => void }

/** The last piece that a reader has heard before its connection broke; -1 when it is new. */
function lastEventId({ headers }: FastifyRequest): number {
  const id = headers['last-event-id']
  return typeof id === 'string' && /^\d{1,15}$/.test(id) ? Number(id) : -1
}

function streamOf(stillIn: (request: FastifyRequest) => Promise<boolean>, heartbeatMs: number) {
  return function stream<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    { listeners, listen }: Source<T>,
  ): void {
    if (listeners >= MAX_READERS)
      throw new VigiaError('INGEST_FULL', `There are ${MAX_READERS} open streams already.`)
    reply.hijack()
    const out = reply.raw
    // Gone while it was asked who it is: its end was told already, and would never be told again.
    if (request.raw.destroyed || request.socket.destroyed) return
    out.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // nginx would gather an answer before it hands it on.
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    })
    out.write('retry: 2000\n\n')
    const write = (text: string): void => {
      if (out.writableLength > BACKLOG_BYTES) out.destroy()
      else out.write(text)
    }
    const stop = listen((value, id) => {
      write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(value)}\n\n`)
    })
    const heartbeat = setInterval(() => {
      write(': still here\n\n')
      // When nobody can say, the stream ends too: the page connects again and is asked anew.
      stillIn(request).then(
        (is) => void (is || out.end()),
        () => out.end(),
      )
    }, heartbeatMs).unref()
    request.raw.on('close', () => {
      clearInterval(heartbeat)
      stop()
    })
  }
}
