import {
  FRAME_PAYLOAD,
  REMOTE_WINDOW_BYTES,
  unpackFrame,
  type FrameType,
  type RemoteState,
} from '../../contract/remote/session.ts'
import type { ChannelKeys, Ephemeral } from './channel-keys.ts'

/**
 * How a page uses a session of any kind (terminal, files, screen):
 *
 *     const channel = await openSession({ device, kind: 'files', control: true, reason, key, prove })   // open.ts
 *     channel.listen({
 *       frame: (type, payload) => …,              // proven, in order; `data` gets its credit when the promise settles
 *     })
 *     const state = useChannelState(channel)      // session-state.tsx: phase, code to read out, why it ended
 *     await channel.send('request', packHead({ do: 'roots', id: 1 }))   // any payload but `data` fits one frame
 *     await channel.send('data', bytes)           // of any length; resolves when the device had room for all of it
 *     channel.end()
 *
 * Frames are sealed and opened here; a page never sees one that is not proven. A socket that breaks is taken up again
 * within 30 s without a frame lost or doubled. Nothing before `state.phase === 'open'` is sent; it waits.
 */
export type Channel = {
  readonly id: string
  state: () => ChannelState
  /** Calls back at each change of the state, for any number of watchers; answers a function that stops it. */
  watch: (changed: () => void) => () => void
  /** One listener; what came before it is kept for it. Answers a function that stops listening. */
  listen(listener: ChannelListener): () => void
  /** Resolves when all of it is on its way; false when the session is over. */
  send(type: Exclude<FrameType, 'credit' | 'close'>, payload: Uint8Array): Promise<boolean>
  /** Ends the session on both sides. */
  end(): void
}

export type ChannelState = {
  phase: RemoteState
  /** The six digits that both people read out, once the device has answered. */
  code: string | null
  /** Why it was refused or is over: an error code, or a word (`ended`, `idle`, `limit`, `closed-by-person`, …). */
  why: string | null
  message: string | null
  /** The socket is away and being taken up again. */
  interrupted: boolean
  /** Frames that were not proven and did not count. */
  dropped: number
}

export type ChannelListener = {
  /** At once with the present state, then at each change. */
  state?: (state: ChannelState) => void
  frame: (type: Exclude<FrameType, 'credit' | 'close'>, payload: Uint8Array) => void | Promise<void>
}

/** The little of a WebSocket that a channel needs. */
export type Socket = {
  send(data: Uint8Array<ArrayBuffer>): void
  close(): void
  onMessage: (data: string | Uint8Array) => void
  /** `final`: it is of no use to come back. */
  onClose: (final: boolean, why: string) => void
}

const CREDIT_STEP = REMOTE_WINDOW_BYTES / 4
const KEPT_BYTES = 1024 * 1024
const COME_BACK_MS = 25_000
const RETRY_MS = 1000

/** A channel over sockets that `connect` makes; `after` is the number of device frames that have come. */
export function createChannel(options: {
  id: string
  ephemeral: Ephemeral
  /** SHA-256 of the signed request's payload. */
  salt: Uint8Array<ArrayBuffer>
  connect: (after: number) => Socket
}): Channel {
  let state: ChannelState = {
    phase: 'requested',
    code: null,
    why: null,
    message: null,
    interrupted: false,
    dropped: 0,
  }
  let keys: ChannelKeys | undefined
  let listener: ChannelListener | undefined
  const watchers = new Set<() => void>()
  const early: [Exclude<FrameType, 'credit' | 'close'>, Uint8Array][] = []
  let socket: Socket | undefined
  let attached = false
  let received = 0
  let brokenAtMs = 0
  let retry: ReturnType<typeof setTimeout> | undefined
  // Frames as they were sent, until surely taken: a new socket says from which on.
  const kept: { counter: number; frame: Uint8Array<ArrayBuffer> }[] = []
  let keptBytes = 0

  const over = (): boolean => state.phase === 'closed' || state.phase === 'refused'
  const become = (change: Partial<ChannelState>): void => {
    state = { ...state, ...change }
    for (const changed of watchers) changed()
    listener?.state?.(state)
  }
  const finish = (phase: 'closed' | 'refused', why: string, message: string | null): void => {
    if (over()) return
    clearTimeout(retry)
    become({ phase, why, message, interrupted: false })
    for (const { sent } of queue.splice(0)) sent(false)
    socket?.close()
  }

  // Sealing is asynchronous and must keep its order: one chain out, one chain in.
  let outgoing = Promise.resolve()
  const put = (type: FrameType, payload: Uint8Array): void => {
    outgoing = outgoing.then(async () => {
      if (keys === undefined || over()) return
      const frame = await keys.seal(type, payload)
      const counter = unpackFrame(frame)?.counter ?? 0
      kept.push({ counter, frame })
      keptBytes += frame.length
      while (keptBytes > KEPT_BYTES) keptBytes -= kept.shift()?.frame.length ?? 0
      if (attached) socket?.send(frame)
    })
  }

  type Waiting = { type: FrameType; payload: Uint8Array; sent: (whole: boolean) => void }
  const queue: Waiting[] = []
  let room = REMOTE_WINDOW_BYTES
  const pump = (): void => {
    for (let first = queue[0]; first !== undefined && state.phase === 'open'; first = queue[0]) {
      const isData = first.type === 'data'
      const size = isData ? Math.min(room, FRAME_PAYLOAD, first.payload.length) : first.payload.length
      if (isData && size === 0 && first.payload.length > 0) return
      if (isData) room -= size
      if (size > 0 || !isData) put(first.type, first.payload.subarray(0, size))
      first.payload = first.payload.subarray(size)
      if (isData && first.payload.length > 0) continue
      queue.shift()
      first.sent(true)
    }
  }

  let owed = 0
  const hand = (type: Exclude<FrameType, 'credit' | 'close'>, payload: Uint8Array): void => {
    if (listener === undefined) {
      early.push([type, payload])
      return
    }
    const taken = listener.frame(type, payload)
    if (type !== 'data') return
    const credit = (): void => {
      owed += payload.length
      if (owed < CREDIT_STEP) return
      const bytes = new Uint8Array(4)
      new DataView(bytes.buffer).setUint32(0, owed)
      owed = 0
      put('credit', bytes)
    }
    if (taken === undefined) credit()
    else taken.then(credit, credit)
  }

  const takeFrame = async (bytes: Uint8Array): Promise<void> => {
    if (keys === undefined || over()) return
    const opened = await keys.open(bytes)
    if (opened === 'gap') {
      finish('closed', 'frames-lost', null)
      return
    }
    if (typeof opened === 'string') {
      become({ dropped: state.dropped + 1 })
      return
    }
    received += 1
    if (opened.type === 'credit') {
      if (opened.payload.length !== 4) return
      room = Math.min(
        REMOTE_WINDOW_BYTES,
        room + new DataView(Uint8Array.from(opened.payload).buffer).getUint32(0),
      )
      pump()
    } else if (opened.type === 'close') {
      const said = readJson(opened.payload)
      finish('closed', text(said['code']) ?? 'ended', text(said['message']))
    } else hand(opened.type, opened.payload)
  }
  const takeText = async (data: string): Promise<void> => {
    const message = readJson(data)
    if (typeof message['next'] === 'number') {
      takeUp(message['next'])
      return
    }
    const phase = message['state']
    if (over()) return
    if (phase === 'asking' || phase === 'open') {
      const key = text(message['key'])
      // The first key counts: another one would be another device's.
      if (keys === undefined && key !== null) {
        keys = await options.ephemeral.agree(options.id, key, options.salt)
        become({ code: keys.code })
      }
      if (keys !== undefined && state.phase !== 'open') become({ phase })
      pump()
    } else if (phase === 'refused' || phase === 'closed')
      finish(phase, text(message['code']) ?? 'ended', text(message['message']))
  }
  /** A socket stands: what the server does not have yet goes out again. */
  const takeUp = (next: number): void => {
    const oldest = kept[0]?.counter ?? next
    if (next < oldest) {
      finish('closed', 'frames-lost', null)
      return
    }
    while (kept[0] !== undefined && kept[0].counter < next) keptBytes -= kept.shift()?.frame.length ?? 0
    for (const { frame } of kept) socket?.send(frame)
    attached = true
    brokenAtMs = 0
    if (state.interrupted) become({ interrupted: false })
  }

  let incoming = Promise.resolve()
  const connect = (): void => {
    const mine = options.connect(received)
    socket = mine
    mine.onMessage = (data) => {
      incoming = incoming
        .then(() =>
          mine === socket ? (typeof data === 'string' ? takeText(data) : takeFrame(data)) : undefined,
        )
        .catch((thrown: unknown) => finish('closed', 'INTERNAL', String(thrown)))
    }
    mine.onClose = (final, why) => {
      if (mine !== socket || over()) return
      attached = false
      // What has come is still being opened; only then is it known from where to go on.
      void incoming.then(() => {
        if (mine !== socket || over()) return
        socket = undefined
        brokenAtMs ||= performance.now()
        if (final || performance.now() - brokenAtMs > COME_BACK_MS) {
          finish('closed', why === '' ? 'connection-lost' : why, null)
          return
        }
        if (!state.interrupted) become({ interrupted: true })
        retry = setTimeout(connect, RETRY_MS)
      })
    }
  }
  connect()

  return {
    id: options.id,
    state: () => state,
    watch(changed) {
      watchers.add(changed)
      return () => watchers.delete(changed)
    },
    listen(given) {
      listener = given
      given.state?.(state)
      for (const [type, payload] of early.splice(0)) hand(type, payload)
      return () => {
        if (listener === given) listener = undefined
      }
    },
    send: (type, payload) =>
      new Promise((sent) => {
        if (over()) {
          sent(false)
          return
        }
        queue.push({ type, payload, sent })
        pump()
      }),
    end() {
      if (over()) return
      if (keys !== undefined && state.phase === 'open') put('close', new Uint8Array())
      void outgoing.then(() => finish('closed', 'ended', null))
    },
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function readJson(given: string | Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(typeof given === 'string' ? given : new TextDecoder().decode(given))
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
