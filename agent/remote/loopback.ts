import { connect, type Socket } from 'node:net'
import { VigiaError } from '../../contract/errors.ts'

const CONNECT_MS = 5000

/** A connection to what listens on this port of the loopback; else REMOTE_UNAVAILABLE with what could be done. */
export async function reachLoopback(port: number, what: string, wayToMend: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, timeout: CONNECT_MS })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
      socket.once('timeout', () => reject(new Error('no answer')))
    })
  } catch (thrown) {
    socket.destroy()
    throw new VigiaError('REMOTE_UNAVAILABLE', `No ${what} on 127.0.0.1:${port}. ${wayToMend}`, {
      cause: thrown,
    })
  }
  socket.setTimeout(0)
  socket.setNoDelay(true)
  return socket
}

/** Resolves when the socket has room again, or is gone. */
export function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.once('drain', done)
    socket.once('close', done)
  })
}
