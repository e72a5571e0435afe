import type { Socket } from 'node:net'
import { asVigiaError, VigiaError } from '../../../contract/errors.ts'
import { packDesktopEvent, readDesktopEvent, type DesktopEvent } from '../../../contract/remote/desktop.ts'
import { RDP_PORT } from '../../../contract/remote/policy.ts'
import { reachLoopback, writeAll } from '../loopback.ts'
import type { RemoteKindUnit } from './kind.ts'

/**
 * The RDP server of this machine for a technician's own RDP client, one connection after the other. Where it goes is the
 * loopback port of the device's policy and nothing that the technician says; who signs in there is the RDP server's own
 * business.
 */
export const rdp: RemoteKindUnit = {
  name: 'rdp',
  async start({ request, policy, send, end }) {
    if (!request.control)
      throw new VigiaError(
        'REMOTE_FORBIDDEN',
        'Remote Desktop is control; it cannot be opened to look at only',
      )
    const reach = (): Promise<Socket> => reachLoopback(policy.rdpPort ?? RDP_PORT, 'RDP server', wayToMend())
    // That nothing is there is said now, and not when a client comes.
    const probe = await reach()
    probe.destroy()

    let current: { number: number; socket: Promise<Socket | undefined> } | undefined
    let last = 0
    const say = (event: DesktopEvent): Promise<void> => send('event', packDesktopEvent(event))
    const carry = async (number: number, reaching: Promise<Socket>): Promise<void> => {
      let message: string | undefined
      try {
        const socket = await reaching
        for await (const chunk of socket as AsyncIterable<Buffer>) await send('data', chunk)
      } catch (thrown) {
        if (thrown instanceof VigiaError) message = asVigiaError(thrown).message
      }
      current = undefined
      await say({ closed: number, ...(message === undefined ? {} : { message }) })
    }
    let carried = Promise.resolve()

    return {
      async receive(type, payload) {
        if (type === 'data') {
          const socket = await current?.socket
          if (socket) await writeAll(socket, payload)
          return
        }
        if (type !== 'event') return
        const event = readDesktopEvent(payload)
        if (event === undefined) return end('REQUEST_INVALID', 'What came is no word of an RDP session')
        if ('closed' in event) {
          const socket = current?.number === event.closed ? await current.socket : undefined
          socket?.destroy()
          return
        }
        if (current !== undefined || event.open <= last)
          return end('REQUEST_INVALID', 'One connection is opened after the other')
        last = event.open
        const reaching = reach()
        current = { number: last, socket: reaching.catch(() => undefined) }
        carried = carry(last, reaching)
      },
      async stop() {
        const socket = await current?.socket
        socket?.destroy()
        await carried
      },
    }
  },
}

function wayToMend(): string {
  switch (process.platform) {
    case 'win32':
      return 'Switch on Remote Desktop, under Settings, System.'
    case 'linux':
      return 'Install one that listens on the loopback, such as xrdp.'
    default:
      return 'Install one that listens there.'
  }
}
