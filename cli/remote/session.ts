import { createHash, randomUUID } from 'node:crypto'
import { createOpener, createSealer, makeEphemeral, type SessionKeys } from '../../agent/remote/keys.ts'
import { VigiaError } from '../../contract/errors.ts'
import {
  FRAME_PAYLOAD,
  REMOTE_SOCKET,
  REMOTE_TYPE,
  REMOTE_WINDOW_BYTES,
  RemoteStateMessage,
  TO_DEVICE,
  TO_TECHNICIAN,
  type FrameType,
  type RemoteRequest,
} from '../../contract/remote/session.ts'
import type { SigningKey } from '../../server/script/keys.ts'
import { seal } from '../../server/script/sign.ts'
import type { ServerApi } from '../server-api.ts'

/** A technician's end of a session, from the command line. */
export type CliSession = {
  readonly id: string
  /** Seals and sends a frame; `data` waits for the device's room. False: the session is not open. */
  send(type: Exclude<FrameType, 'credit'>, payload: Uint8Array): boolean
  /** Resolves when no data wait for the device's room any more, or the session is over. */
  drained(): Promise<void>
  /** Ends it, also while the person there is still asked. */
  leave(): Promise<void>
  /** Resolves when it is over: why, and what a person may read. */
  over: Promise<{ state: 'refused' | 'closed'; code: string; message: string | null }>
}

const LIFE_MS = 60_000
/** A request that is dated by a server far ahead would be good then: it could be held back, and opened at another time. */
const MOST_APART_MS = 5 * 60_000
const CREDIT_STEP = REMOTE_WINDOW_BYTES / 4

/**
 * Signs a request with a technician's key and opens the session through the server. Throws FORBIDDEN when the key is
 * not in the trust root, REMOTE_UNAVAILABLE when the device is away, COMMAND_EXPIRED when the server's clock is not that
 * of this machine, and what the server refuses with.
 */
export async function openRemoteSession(options: {
  server: ServerApi
  key: SigningKey
  device: string
  kind: RemoteRequest['kind']
  control: boolean
  reason: string
  columns: number
  rows: number
  /** Unix milliseconds of this machine; now, unless a test says otherwise. */
  nowMs?: number
  onState: (state: 'asking' | 'open', code: string) => void
  /** Room for more data is given back when the promise is settled. */
  onFrame: (type: FrameType, payload: Uint8Array) => void | Promise<void>
}): Promise<CliSession> {
  const { server, key, device } = options
  const offer = await server.call('remoteOffer', { params: { device } })
  if (offer.challenge === null)
    throw new VigiaError('REMOTE_UNAVAILABLE', `${offer.hostname} is not connected, or its agent is too old`)
  const own = offer.technicians.find(({ keyid }) => keyid === key.keyid)
  if (own === undefined)
    throw new VigiaError(
      'FORBIDDEN',
      `the key ${key.keyid.slice(0, 8)} is no technician's: let an approver run "vigia trust add-technician ${key.publicKey} --name NAME"`,
    )
  const apartMs = Math.abs(offer.nowMs - (options.nowMs ?? Date.now()))
  if (!(apartMs <= MOST_APART_MS))
    throw new VigiaError(
      'COMMAND_EXPIRED',
      `the clocks of this machine and of the server are ${String(Math.round(apartMs / 1000))} s apart; nothing was signed`,
    )
  // The request says nothing of the device's clock: that would be the server's word, and it could date it by that.
  const wrongMs = offer.clock === null ? 0 : Math.abs(offer.clock.deviceMs - offer.clock.serverMs)
  if (wrongMs > MOST_APART_MS)
    throw new VigiaError(
      'COMMAND_EXPIRED',
      `the clock of ${offer.hostname} is ${String(Math.round(wrongMs / 1000))} s wrong: mend it first with "vigia run resync-clock --device ${device}", or open the session in the console; nothing was signed`,
    )
  const ephemeral = makeEphemeral()
  const id = randomUUID()
  const request: RemoteRequest = {
    ...{ v: 1, session: id, client: offer.client, device, kind: options.kind, control: options.control },
    ...{ technician: own.name, reason: options.reason, challenge: offer.challenge },
    ...{ issuedAtMs: Math.round(offer.nowMs), expiresAtMs: Math.round(offer.nowMs) + LIFE_MS },
    ...{ key: ephemeral.publicKey, columns: options.columns, rows: options.rows },
  }
  const payload = Buffer.from(JSON.stringify(request))
  const salt = createHash('sha256').update(payload).digest()
  await server.call('openRemote', { body: seal(REMOTE_TYPE, payload, [key]) })

  const socket = server.socket(REMOTE_SOCKET.replace(':id', id))
  const { promise: over, resolve } = Promise.withResolvers<Awaited<CliSession['over']>>()
  let keys: SessionKeys | undefined
  let sealFrame: ReturnType<typeof createSealer> | undefined
  let openFrame: ReturnType<typeof createOpener> | undefined
  let isOpen = false
  let room = REMOTE_WINDOW_BYTES
  let consumed = 0
  const waiting: Uint8Array[] = []
  const whenDrained: (() => void)[] = []
  const drain = (): void => {
    for (const resolved of whenDrained.splice(0)) resolved()
  }

  const put = (type: FrameType, bytes: Uint8Array): void => {
    if (sealFrame && socket.readyState === WebSocket.OPEN) socket.send(sealFrame(type, bytes))
  }
  const pump = (): void => {
    while (waiting[0] !== undefined && room > 0) {
      const size = Math.min(room, FRAME_PAYLOAD, waiting[0].length)
      put('data', waiting[0].subarray(0, size))
      room -= size
      if (size < waiting[0].length) waiting[0] = waiting[0].subarray(size)
      else waiting.shift()
    }
    if (waiting.length === 0) drain()
  }
  const end = (state: 'refused' | 'closed', code: string, message: string | null): void => {
    isOpen = false
    drain()
    resolve({ state, code, message })
    socket.close()
  }
  const takeState = (message: RemoteStateMessage): void => {
    if (message.state === 'refused' || message.state === 'closed') {
      end(message.state, message.code ?? 'ended', message.message)
      return
    }
    if (keys === undefined && message.key !== null) {
      keys = ephemeral.derive(message.key, message.key, salt)
      sealFrame = createSealer({ session: id, direction: TO_DEVICE, key: keys.toDevice })
      openFrame = createOpener({ session: id, direction: TO_TECHNICIAN, key: keys.toTechnician })
    }
    isOpen = message.state === 'open'
    options.onState(message.state, keys?.code ?? '')
  }
  const takeFrame = (frame: Uint8Array): void => {
    const opened = openFrame?.(frame)
    if (opened === undefined || opened === 'forged' || opened === 'replayed') return
    if (opened === 'gap') end('closed', 'frames-lost', null)
    else if (opened.type === 'credit') {
      room = Math.min(REMOTE_WINDOW_BYTES, room + Buffer.from(opened.payload).readUInt32BE())
      pump()
    } else {
      const { length } = opened.payload
      const taken = options.onFrame(opened.type, opened.payload)
      if (opened.type === 'data') void Promise.resolve(taken).finally(() => consume(length))
    }
  }
  const consume = (bytes: number): void => {
    consumed += bytes
    if (consumed < CREDIT_STEP) return
    const credit = Buffer.alloc(4)
    credit.writeUInt32BE(consumed)
    consumed = 0
    put('credit', credit)
  }
  socket.addEventListener('message', ({ data }: { data: unknown }) => {
    if (typeof data !== 'string') {
      if (data instanceof ArrayBuffer) takeFrame(new Uint8Array(data))
      return
    }
    const state = RemoteStateMessage.safeParse(JSON.parse(data))
    if (state.success) takeState(state.data)
  })
  socket.addEventListener('close', () => end('closed', 'connection-lost', null))
  socket.addEventListener('error', () => end('closed', 'connection-lost', null))

  return {
    id,
    send(type, bytes) {
      if (!isOpen) return false
      if (type === 'data') {
        waiting.push(Uint8Array.from(bytes))
        pump()
      } else put(type, bytes)
      return true
    },
    drained: () =>
      waiting.length === 0 || !isOpen
        ? Promise.resolve()
        : new Promise((resolved) => void whenDrained.push(resolved)),
    async leave() {
      if (isOpen) put('close', new Uint8Array())
      else await server.call('closeRemote', { params: { id } })
    },
    over,
  }
}
