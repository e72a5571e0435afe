import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { writeAll } from '../../agent/remote/loopback.ts'
import { VigiaError } from '../../contract/errors.ts'
import { packDesktopEvent, readDesktopEvent } from '../../contract/remote/desktop.ts'
import type { SigningKey } from '../../server/script/keys.ts'
import type { ServerApi } from '../server-api.ts'
import { openRemoteSession } from './session.ts'

/**
 * Opens a port of this machine's loopback for one's own RDP client, and carries what it says to the RDP server of a
 * device. One client at a time; the next waits until the device has closed the one before. `say` is told where the port
 * is and how the session stands. Resolves with the exit code when the session is over. `signal` ends it.
 */
export async function runRemoteDesktop(options: {
  server: ServerApi
  key: SigningKey
  device: string
  reason: string
  /** 0: any that is free. */
  port: number
  signal: AbortSignal
  say: (line: string) => void
}): Promise<number> {
  const { say, signal } = options
  const local = createServer({ pauseOnConnect: true, noDelay: true })
  const port = await listen(local, options.port)
  let isOpen = false
  let number = 0
  let current: Socket | undefined
  let next: Socket | undefined

  try {
    const session = await openRemoteSession({
      ...options,
      ...{ kind: 'rdp', control: true, columns: 80, rows: 24 },
      onState(state, code) {
        if (state === 'asking') say(`The person at the machine is asked. Both of you read out: ${code}`)
        else {
          say(`Connected; the code that the device shows is ${code}.`)
          say(`Your RDP client: 127.0.0.1:${String(port)}. Ctrl+C ends the session.`)
          isOpen = true
        }
      },
      onFrame(type, payload) {
        if (type === 'data') return current && writeAll(current, payload)
        const event = type === 'event' ? readDesktopEvent(payload) : undefined
        if (event === undefined || !('closed' in event) || event.closed !== number) return
        if (event.message !== undefined) say(event.message)
        current?.end()
        current = undefined
        begin()
      },
    })
    local.on('connection', (socket) => {
      socket.on('error', () => undefined)
      if (!isOpen || next !== undefined) socket.destroy()
      else {
        next = socket
        begin()
      }
    })
    function begin(): void {
      if (current !== undefined || next === undefined) return
      const socket = next
      next = undefined
      current = socket
      number += 1
      const mine = number
      session.send('event', packDesktopEvent({ open: mine }))
      socket.on('data', (bytes) => {
        if (mine !== number || !session.send('data', Buffer.from(bytes))) return
        socket.pause()
        void session.drained().then(() => socket.resume())
      })
      socket.once('close', () => {
        if (current === socket) session.send('event', packDesktopEvent({ closed: mine }))
      })
      socket.resume()
    }
    const leave = (): void => void session.leave()
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave)
    const { code, message } = await session.over
    say(code === 'ended' ? 'Ended.' : `Ended: ${code}${message === null ? '' : ` (${message})`}`)
    return code === 'ended' ? 0 : 1
  } finally {
    current?.destroy()
    next?.destroy()
    local.close()
  }
}

async function listen(local: Server, port: number): Promise<number> {
  if (port > 65_535) throw new VigiaError('USAGE', `${String(port)} is no port: they end at 65535.`)
  return new Promise((resolve, reject) => {
    local.once('error', (thrown) =>
      reject(
        new VigiaError('USAGE', `Port ${String(port)} of this machine cannot be had: ${thrown.message}`, {
          cause: thrown,
        }),
      ),
    )
    local.listen(port, '127.0.0.1', () => resolve((local.address() as AddressInfo).port))
  })
}
