import { createServer, type Server, type Socket } from 'node:net'
import { VigiaError } from '../../contract/errors.ts'
import { createTokenBucket } from './token-bucket.ts'

/** How connections are let in: a full TLS handshake costs about 10 ms of CPU, and a whole fleet comes back at once. */
export type AdmissionLimits = {
  connectionsPerSecond: number
  connectionBurst: number
  /** Sockets that wait for their turn; more are closed at once. */
  waitingConnections: number
  /** A socket that waited this long is closed; the device comes back with jitter. */
  waitMs: number
  /** All connections together, waiting ones too. */
  connections: number
}

/** A listening port that hands sockets over at a bounded rate. */
export type Admission = {
  readonly port: number
  waiting(): number
  close(): Promise<void>
}

/**
 * Listens on host:port and passes each socket, still unread, to `admit` when its turn has come. PORT_IN_USE names
 * the port and the option that changes it.
 */
export async function listenAdmitting(options: {
  host: string
  port: number
  limits: AdmissionLimits
  admit: (socket: Socket) => void
  refused: (why: 'line-full' | 'waited-too-long' | 'too-many') => void
  /** The port itself failed after it was open, as when file descriptors run out. */
  failed: (error: Error) => void
}): Promise<Admission> {
  const { limits } = options
  const bucket = createTokenBucket(limits.connectionsPerSecond, limits.connectionBurst)
  const line: { socket: Socket; sinceMs: number }[] = []
  const open = new Set<Socket>()
  let timer: NodeJS.Timeout | undefined

  const serve = (): void => {
    timer = undefined
    const nowMs = performance.now()
    for (let first = line[0]; first !== undefined; first = line[0]) {
      if (first.socket.destroyed) line.shift()
      else if (nowMs - first.sinceMs > limits.waitMs) {
        line.shift()
        first.socket.destroy()
        options.refused('waited-too-long')
      } else if (bucket.take(1, nowMs)) {
        line.shift()
        options.admit(first.socket)
      } else break
    }
    if (line.length > 0) timer = setTimeout(serve, Math.max(1, bucket.waitMs(nowMs)))
  }

  // Unread until admitted: what the other side sends meanwhile stays in the kernel's bounded buffer.
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    if (line.length >= limits.waitingConnections) {
      socket.destroy()
      options.refused('line-full')
      return
    }
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => open.delete(socket))
    line.push({ socket, sinceMs: performance.now() })
    if (timer === undefined) serve()
  })
  server.maxConnections = limits.connections
  server.on('drop', () => options.refused('too-many'))
  await listen(server, options.host, options.port)
  server.on('error', options.failed)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    waiting: () => line.length,
    async close() {
      clearTimeout(timer)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(
          new VigiaError('PORT_IN_USE', `${host}:${port} is in use; choose another port with --mqtt-port`, {
            cause: error,
          }),
        )
      else
        reject(
          new VigiaError('BROKER_UNAVAILABLE', `cannot listen on ${host}:${port}: ${error.message}`, {
            cause: error,
          }),
        )
    })
    server.listen({ host, port, backlog: 1024 }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}
