import { VigiaError } from '../../contract/errors.ts'
import type { RemoteKind } from '../../contract/remote/policy.ts'
import { PAGE_GONE, REMOTE_SOCKET, REMOTE_TYPE, type RemoteRequest } from '../../contract/remote/session.ts'
import { preAuthEncoding } from '../../contract/trust/dsse.ts'
import { call } from '../api.ts'
import { makeEphemeral } from './channel-keys.ts'
import { createChannel, type Channel, type Socket } from './channel.ts'
import { toBase64 } from './base64.ts'
import type { TechnicianKey } from './key.ts'

const LIFE_MS = 60_000
/** Codes of the server's close frames after which coming back is of no use: see server/remote/socket.ts. */
const FINAL_FROM = 4400

/**
 * Signs a request with the technician's key, has the server check and pass it on, and answers the channel of the new
 * session; the device may still ask the person there. Throws what the server refuses with, REMOTE_UNAVAILABLE when
 * the device is not there. `prove` is that of `useProof`.
 */
export async function openSession(options: {
  device: string
  kind: RemoteKind
  control: boolean
  reason: string
  key: TechnicianKey
  prove: <T>(action: () => Promise<T>) => Promise<T>
  columns?: number
  rows?: number
}): Promise<Channel> {
  const { device, kind, control, reason, key } = options
  const ephemeral = await makeEphemeral()
  const id = crypto.randomUUID()
  // Signed anew after each question for the second factor, which may have taken longer than the request lives.
  let salt: Uint8Array<ArrayBuffer> = new Uint8Array(32)
  await options.prove(async () => {
    const offer = await call('remoteOffer', { params: { device } })
    if (offer.challenge === null)
      throw new VigiaError('REMOTE_UNAVAILABLE', 'The device is not connected, or its agent is too old.')
    const admitted = offer.technicians.find(({ keyid }) => keyid === key.keyid)
    if (admitted === undefined)
      throw new VigiaError('FORBIDDEN', 'The key of this browser has not been admitted yet.')
    const request: RemoteRequest = {
      v: 1,
      session: id,
      client: offer.client,
      device,
      kind,
      control,
      technician: admitted.name,
      reason,
      challenge: offer.challenge,
      ...(offer.clock === null ? {} : { clock: offer.clock }),
      issuedAtMs: Math.round(offer.nowMs),
      expiresAtMs: Math.round(offer.nowMs) + LIFE_MS,
      key: ephemeral.publicKey,
      columns: options.columns ?? 80,
      rows: options.rows ?? 24,
    }
    const payload = new TextEncoder().encode(JSON.stringify(request))
    salt = new Uint8Array(await crypto.subtle.digest('SHA-256', payload))
    const signature = await key.sign(Uint8Array.from(preAuthEncoding(REMOTE_TYPE, payload)))
    await call('openRemote', {
      body: {
        payloadType: REMOTE_TYPE,
        payload: toBase64(payload),
        signatures: [{ keyid: key.keyid, sig: toBase64(signature) }],
      },
    })
  })
  return createChannel({ id, ephemeral, salt, connect: (after) => webSocket(id, after) })
}

function webSocket(id: string, after: number): Socket {
  const url = new URL(REMOTE_SOCKET.replace(':id', id), window.location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.searchParams.set('after', String(after))
  const ws = new WebSocket(url)
  ws.binaryType = 'arraybuffer'
  const socket: Socket = {
    send: (data) => {
      if (ws.readyState === WebSocket.OPEN) ws.send(data)
    },
    close: () => ws.close(),
    onMessage: () => undefined,
    onClose: () => undefined,
  }
  ws.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) =>
    socket.onMessage(typeof data === 'string' ? data : new Uint8Array(data))
  // A page that may be shown again keeps its session for as long as one whose connection broke.
  const leave = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) ws.close(PAGE_GONE)
  }
  window.addEventListener('pagehide', leave)
  ws.onclose = ({ code, reason }) => {
    window.removeEventListener('pagehide', leave)
    socket.onClose(code >= FINAL_FROM && code < 4500, reason)
  }
  return socket
}
