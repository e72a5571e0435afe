import { LIVE_LIMITS } from '../../../server/remote/live-session.ts'
import type { TechnicianSocket } from '../../../server/remote/relay.ts'

/** A technician's socket that keeps what it was given; `slow` is how much the network has not taken. */
export function testSocket() {
  let take: (data: Uint8Array) => void = () => undefined
  let gone: (code: number) => void = () => undefined
  const socket = {
    texts: [] as Record<string, unknown>[],
    frames: [] as Uint8Array[],
    closed: undefined as { code: number; why: string } | undefined,
    held: false,
    slow: 0,
    says: (data: Uint8Array) => take(data),
    breaks: (code = 1006) => gone(code),
    side: undefined as unknown as TechnicianSocket,
  }
  socket.side = {
    send(data) {
      if (typeof data === 'string') socket.texts.push(JSON.parse(data) as Record<string, unknown>)
      else socket.frames.push(data)
    },
    close(code, why) {
      socket.closed = { code, why }
    },
    waitingBytes: () => socket.slow,
    hold: (held) => void (socket.held = held),
    onMessage: (given) => void (take = given),
    onClose: (given) => void (gone = given),
  }
  return socket
}

export const TOO_SLOW = LIVE_LIMITS.socketBytes + 1
