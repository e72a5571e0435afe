import {
  PAGE_GONE,
  TO_DEVICE,
  TO_TECHNICIAN,
  unpackFrame,
  type RemoteRequest,
  type RemoteStateMessage,
} from '../../contract/remote/session.ts'
import type { FileNotes } from './file-notes.ts'
import type { Recording } from './recording.ts'
import { SOCKET_CLOSED, type TechnicianSocket } from './relay.ts'

/** One session while it lasts: what goes by between a device and the socket of its technician. All in memory. */
export type LiveSession = {
  readonly request: RemoteRequest
  readonly bytes: { toDevice: number; toTechnician: number }
  /** A frame of its device. False: it is none that can come now. */
  fromDevice(frame: Uint8Array): boolean
  fromDeviceState(message: RemoteStateMessage): void
  /** Takes the socket in place of any before; `after` is how many device frames the technician has. */
  attach(socket: TechnicianSocket, after: number): void
  /** Says the last word and closes the socket. */
  finish(message: RemoteStateMessage): void
}

export const LIVE_LIMITS = {
  /** Device frames that are kept for a socket that comes back. */
  keptBytes: 1024 * 1024,
  /** What may wait for a slow socket before the session ends. */
  socketBytes: 4 * 1024 * 1024,
  /** What may wait for the device; above it the technician's socket is left unread. */
  deviceBytes: 512 * 1024,
  /** A session without a socket ends after this long. */
  detachedMs: 30_000,
}

/** Follows the counters in both directions: nothing goes by twice, and nothing out of order. */
export function createLiveSession(options: {
  request: RemoteRequest
  recording: Recording | undefined
  files: FileNotes | undefined
  sendFrame: (frame: Uint8Array) => Promise<boolean>
  /** It must end, and why. Called once. */
  lost: (why: 'ended' | 'connection-lost' | 'slow-consumer' | 'frames-lost') => void
}): LiveSession {
  const { request, recording, files, lost } = options
  const kept: { counter: number; frame: Uint8Array }[] = []
  const bytes = { toDevice: 0, toTechnician: 0 }
  let keptBytes = 0
  let socket: TechnicianSocket | undefined
  let present: RemoteStateMessage | undefined
  let nextUp = 0
  let nextDown = 0
  let waiting = 0
  let over = false
  let sending = Promise.resolve()

  const fail = (why: Parameters<typeof lost>[0]): void => {
    if (!over) lost(why)
  }
  const detached = (): NodeJS.Timeout =>
    setTimeout(() => fail('connection-lost'), LIVE_LIMITS.detachedMs).unref()
  let detachTimer: NodeJS.Timeout | undefined = detached()

  const push = (data: string | Uint8Array): void => {
    if (socket === undefined) return
    if (socket.waitingBytes() > LIVE_LIMITS.socketBytes) fail('slow-consumer')
    else socket.send(data)
  }
  const fromTechnician = (data: Uint8Array): void => {
    const parts = unpackFrame(data)
    if (over || parts?.session !== request.session || parts.direction !== TO_DEVICE) return
    // Sent again after a break, though it had come.
    if (parts.counter < nextDown) return
    if (parts.counter > nextDown) {
      fail('frames-lost')
      return
    }
    nextDown += 1
    const frame = Uint8Array.from(data)
    waiting += frame.length
    bytes.toDevice += frame.length
    recording?.frame(TO_DEVICE, parts.type, parts.payload)
    files?.frame(TO_DEVICE, parts.type, parts.payload)
    if (waiting > LIVE_LIMITS.deviceBytes) socket?.hold(true)
    sending = sending.then(async () => {
      if (over) return
      const taken = await options.sendFrame(frame)
      waiting -= frame.length
      if (waiting <= LIVE_LIMITS.deviceBytes / 2) socket?.hold(false)
      if (!taken) fail('connection-lost')
    })
  }

  return {
    request,
    bytes,
    fromDevice(frame) {
      const parts = unpackFrame(frame)
      if (over || parts?.direction !== TO_TECHNICIAN || parts.counter !== nextUp) return false
      nextUp += 1
      bytes.toTechnician += frame.length
      recording?.frame(TO_TECHNICIAN, parts.type, parts.payload)
      files?.frame(TO_TECHNICIAN, parts.type, parts.payload)
      kept.push({ counter: parts.counter, frame })
      keptBytes += frame.length
      while (keptBytes > LIVE_LIMITS.keptBytes) keptBytes -= kept.shift()?.frame.length ?? 0
      push(frame)
      return true
    },
    fromDeviceState(message) {
      present = message
      push(JSON.stringify(message))
    },
    attach(given, after) {
      socket?.close(SOCKET_CLOSED.taken, 'taken')
      clearTimeout(detachTimer)
      socket = given
      given.onClose((code) => {
        if (socket !== given) return
        socket = undefined
        if (code === PAGE_GONE) fail('ended')
        else if (!over) detachTimer = detached()
      })
      given.onMessage((data) => {
        if (socket === given) fromTechnician(data)
      })
      given.send(JSON.stringify({ next: nextDown }))
      if (present !== undefined) given.send(JSON.stringify(present))
      for (const { counter, frame } of kept) if (counter >= after) given.send(frame)
    },
    finish(message) {
      over = true
      clearTimeout(detachTimer)
      socket?.send(JSON.stringify(message))
      socket?.close(SOCKET_CLOSED.over, (message.code ?? message.state).slice(0, 100))
      socket = undefined
    },
  }
}
