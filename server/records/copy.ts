import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type pg from 'pg'

/** What `pg` hands to a query of one's own; its types name only part of it. */
type Wire = {
  stream: Duplex
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(why: string): void
}

/** Chunks kept before the socket is paused. */
const KEPT_CHUNKS = 256

/** Runs `COPY … TO STDOUT` and yields what comes, one buffer a row; the socket waits while nobody takes it. */
export async function* copyOut(client: pg.Client, statement: string): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = []
  let wire: Wire | undefined
  let failure: Error | undefined
  let ended = false
  let wake: () => void = () => undefined
  submit(client, {
    submit(connection: Wire) {
      wire = connection
      connection.query(statement)
    },
    handleCopyData(message: { chunk: Buffer }) {
      // The parser uses its buffer again.
      chunks.push(Buffer.from(message.chunk))
      if (chunks.length >= KEPT_CHUNKS) wire?.stream.pause()
      wake()
    },
    handleError(error: Error) {
      failure = error
      wake()
    },
    handleCommandComplete: () => undefined,
    handleReadyForQuery() {
      ended = true
      wake()
    },
  })
  for (;;) {
    yield* chunks.splice(0)
    if (failure) throw failure
    if (ended && chunks.length === 0) return
    wire?.stream.resume()
    if (chunks.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
}

/** Runs `COPY … FROM STDIN` with all of `source`; throws what the server or the source says. */
export async function copyIn(
  client: pg.Client,
  statement: string,
  source: AsyncIterable<Buffer>,
): Promise<void> {
  let refused = false
  let sourceFailure: unknown
  async function send(wire: Wire): Promise<void> {
    try {
      for await (const chunk of source) {
        if (refused) return
        wire.sendCopyFromChunk(chunk)
        if (wire.stream.writableNeedDrain) await once(wire.stream, 'drain')
      }
      wire.endCopyFrom()
    } catch (thrown) {
      sourceFailure = thrown
      wire.sendCopyFail('the source failed')
    }
  }
  await new Promise<void>((resolve, reject) => {
    submit(client, {
      submit: (connection: Wire) => connection.query(statement),
      handleCopyInResponse(connection: Wire) {
        void send(connection)
      },
      handleError(error: Error) {
        refused = true
        reject(sourceFailure instanceof Error ? sourceFailure : error)
      },
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => resolve(),
    })
  })
}

function submit(client: pg.Client, query: object): void {
  client.query(query as pg.Submittable)
}
