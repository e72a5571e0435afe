import type { Duplex } from 'node:stream'
import { createFrameScanner, type FrameFault } from './frame-scanner.ts'
import { createTokenBucket } from './token-bucket.ts'

/** Bounds of one connection. Bytes are whole MQTT packets; rates are per second with a burst of two seconds. */
export type SocketLimits = {
  connectBytes: number
  packetBytes: number
  framesPerSecond: number
  bytesPerSecond: number
}

/** Hand over to what reads the socket. */
export type SocketGuard = {
  /** The client is known now: longer packets are allowed. */
  admit(): void
  /** Leaves what comes in the socket for so long; TCP then slows the sender down. */
  hold(ms: number): void
}

const BURST_SECONDS = 2
/** Longer than this a connection is never held in one go, so that its keep-alive is still seen. */
const LONGEST_HOLD_MS = 2000

/**
 * Stands between a socket and its reader by wrapping `read`: cuts the stream when a frame announces too much, and
 * leaves bytes unread when the connection is over its rate, so that one flooding device fills its own TCP window
 * and nobody else's time. `cut` is called once, after the socket is destroyed.
 */
export function guardSocket(
  socket: Duplex,
  limits: SocketLimits,
  cut: (fault: FrameFault, frames: number) => void,
): SocketGuard {
  let known = false
  const scanner = createFrameScanner(() => (known ? limits.packetBytes : limits.connectBytes))
  const frames = createTokenBucket(limits.framesPerSecond, limits.framesPerSecond * BURST_SECONDS)
  const bytes = createTokenBucket(limits.bytesPerSecond, limits.bytesPerSecond * BURST_SECONDS)
  const read = socket.read.bind(socket)
  let heldUntilMs = 0
  let timer: NodeJS.Timeout | undefined

  const wakeUp = (): void => {
    timer = undefined
    heldUntilMs = 0
    if (!socket.destroyed) socket.emit('readable')
  }
  const hold = (ms: number): void => {
    const untilMs = performance.now() + Math.min(ms, LONGEST_HOLD_MS)
    if (untilMs <= heldUntilMs) return
    heldUntilMs = untilMs
    clearTimeout(timer)
    timer = setTimeout(wakeUp, Math.min(ms, LONGEST_HOLD_MS))
  }
  socket.once('close', () => clearTimeout(timer))

  socket.read = (size?: number): unknown => {
    if (heldUntilMs > 0) return null
    const chunk: unknown = read(size)
    if (!(chunk instanceof Uint8Array)) return chunk
    const nowMs = performance.now()
    const before = scanner.frames()
    const fault = scanner.scan(chunk)
    if (fault !== undefined) {
      socket.destroy()
      cut(fault, scanner.frames())
      return null
    }
    frames.charge(scanner.frames() - before, nowMs)
    bytes.charge(chunk.length, nowMs)
    const waitMs = Math.max(frames.waitMs(nowMs), bytes.waitMs(nowMs))
    if (waitMs > 0) hold(waitMs)
    return chunk
  }
  return { admit: () => void (known = true), hold }
}
