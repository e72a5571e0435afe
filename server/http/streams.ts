import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { EVENT_STREAM, OUTPUT_STREAM } from '../../contract/http.ts'
import { type LiveEvent } from '../../contract/views.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { JobOutput } from '../../contract/command.ts'
import type { Feed, Live } from '../notify/live.ts'

const HEARTBEAT_MS = 15_000
/** A reader that is this far behind is cut; its page reconnects and asks again. */
const BACKLOG_BYTES = 1024 * 1024
const MAX_READERS = 500

/**
 * Server-sent events (HTML Living Standard, 9.2): what changed, and the live output of a job. `stillIn` is asked at
 * each heartbeat: who has signed out, or was signed out, hears nothing more.
 */
export function serveStreams(
  app: FastifyInstance,
  live: Live,
  stillIn: (request: FastifyRequest) => Promise<boolean>,
  heartbeatMs = HEARTBEAT_MS,
): void {
  const stream = streamOf(stillIn, heartbeatMs)
  app.get(EVENT_STREAM, { config: { access: 'person' }, schema: { hide: true } }, (request, reply) =>
    stream<LiveEvent>(request, reply, live.events, () => true),
  )
  app.get<{ Params: { id: string } }>(
    OUTPUT_STREAM,
    { config: { access: 'person' }, schema: { hide: true } },
    (request, reply) => {
      const job = request.params.id
      return stream<JobOutput>(request, reply, live.output, (chunk) => chunk.job === job)
    },
  )
}

function streamOf(stillIn: (request: FastifyRequest) => Promise<boolean>, heartbeatMs: number) {
  return function stream<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    feed: Feed<T>,
    wanted: (value: T) => boolean,
  ): void {
    if (feed.listeners() >= MAX_READERS)
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
    const stop = feed.listen((value) => {
      if (wanted(value)) write(`data: ${JSON.stringify(value)}\n\n`)
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
