import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { EVENT_STREAM, OUTPUT_STREAM } from '../../contract/http.ts'
import { type LiveEvent } from '../../contract/views.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { JobOutput } from '../../contract/command.ts'
import type { Live } from '../notify/live.ts'

const HEARTBEAT_MS = 15_000
/** A reader that is this far behind is cut; its page reconnects and asks again. */
const BACKLOG_BYTES = 1024 * 1024
const MAX_READERS = 500

/**
 * Server-sent events (HTML Living Standard, 9.2): what changed, and the output of a job, from what it has printed so far
 * on, in order. `stillIn` is asked at each heartbeat: who has signed out, or was signed out, hears nothing more.
 */
export function serveStreams(
  app: FastifyInstance,
  live: Live,
  stillIn: (request: FastifyRequest) => Promise<boolean>,
  heartbeatMs = HEARTBEAT_MS,
): void {
  const stream = streamOf(stillIn, heartbeatMs)
  app.get(EVENT_STREAM, { config: { access: 'person' }, schema: { hide: true } }, (request, reply) =>
    stream<LiveEvent>(request, reply, {
      listeners: live.events.listeners(),
      listen: (write) => live.events.listen((event) => write(event)),
    }),
  )
  app.get<{ Params: { id: string } }>(
    OUTPUT_STREAM,
    { config: { access: 'person' }, schema: { hide: true } },
    (request, reply) => {
      const after = lastEventId(request)
      return stream<JobOutput>(request, reply, {
        listeners: live.output.listeners(),
        listen: (write) => live.output.follow(request.params.id, (piece) => write(piece, piece.at), after),
      })
    },
  )
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
    out.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
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
    }, heartbeatMs)
    request.raw.on('close', () => {
      clearInterval(heartbeat)
      stop()
    })
  }
}
