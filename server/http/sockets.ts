import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { VigiaError } from '../../contract/errors.ts'
import { FRAME_HEAD, FRAME_MAC, FRAME_PAYLOAD, REMOTE_SOCKET } from '../../contract/remote/session.ts'
import type { Caller } from './handler.ts'

/** A WebSocket as a stage takes it. */
export type OpenSocket = {
  send(data: string | Uint8Array): void
  close(code: number, why: string): void
  waitingBytes(): number
  hold(held: boolean): void
  onMessage(take: (data: Uint8Array) => void): void
  onClose(gone: (code: number) => void): void
}

export type SocketStages = {
  /** Hands over the socket of a remote session. `after`: how many frames of the device have come already. */
  remote(
    socket: OpenSocket,
    call: {
      id: string
      after: number
      caller: NonNullable<Caller>
      cookies: Readonly<Record<string, string | undefined>>
    },
  ): void
}

const HEARTBEAT_MS = 15_000
/** Of contract with the pages: the login is over, and it is of no use to come back. */
const LOGIN_OVER = 4401

/** Before the guard of routes, so that the connection of whoever it turns away is closed with the answer. */
export async function acceptSockets(app: FastifyInstance): Promise<void> {
  await app.register(websocket, {
    options: { maxPayload: FRAME_HEAD + FRAME_PAYLOAD + FRAME_MAC, perMessageDeflate: false },
  })
}

/**
 * WebSockets (RFC 6455). The guard of all routes has asked who calls; a browser's request must also come from a page
 * of this server, since other pages may open sockets with its cookie. `stillIn` is asked at each heartbeat: who has
 * signed out, or was signed out, loses the socket.
 */
export function serveSockets(
  app: FastifyInstance,
  stages: SocketStages,
  stillIn: (request: FastifyRequest) => Promise<boolean>,
  heartbeatMs = HEARTBEAT_MS,
): void {
  app.get<{ Params: { id: string }; Querystring: { after?: string } }>(
    REMOTE_SOCKET,
    {
      websocket: true,
      config: { access: 'person' },
      schema: { hide: true },
      preValidation: async (request) => {
        if (!request.ws) throw new VigiaError('REQUEST_INVALID', 'This address is for WebSockets.')
        checkOrigin(request)
      },
    },
    (ws, request) => {
      const { caller } = request
      if (caller === undefined || caller.role === 'viewer') {
        ws.close(LOGIN_OVER, 'FORBIDDEN')
        return
      }
      let alive = true
      ws.on('pong', () => (alive = true))
      ws.on('error', () => ws.terminate())
      const heartbeat = setInterval(() => {
        if (!alive) {
          ws.terminate()
          return
        }
        alive = false
        ws.ping()
        stillIn(request).then(
          (is) => void (is || ws.close(LOGIN_OVER, 'login-ended')),
          () => ws.close(1013, 'try again'),
        )
      }, heartbeatMs)
      ws.on('close', () => clearInterval(heartbeat))
      const after = Number(request.query.after ?? 0)
      stages.remote(
        {
          send: (data) => void (ws.readyState === ws.OPEN && ws.send(data)),
          close: (code, why) => ws.close(code, why.slice(0, 100)),
          waitingBytes: () => ws.bufferedAmount,
          hold: (held) => (held ? ws.pause() : ws.resume()),
          onMessage: (take) =>
            void ws.on('message', (data: Buffer, isBinary: boolean) => {
              if (isBinary) take(data)
            }),
          onClose: (gone) => void ws.on('close', gone),
        },
        {
          id: request.params.id.toLowerCase(),
          after: Number.isSafeInteger(after) && after >= 0 ? after : 0,
          caller,
          cookies: request.cookies,
        },
      )
    },
  )
}

function checkOrigin(request: FastifyRequest): void {
  // Called with the local token, which no page has. Any other authorization says nothing: a foreign page may put a name
  // and a password into the address of a socket, and the browser then sends one beside the cookie.
  if (request.caller?.role === 'local') return
  const { origin } = request.headers
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.host) return
  throw new VigiaError('ORIGIN_FOREIGN', 'The request does not come from a page of this server.')
}
