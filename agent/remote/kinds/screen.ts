import { reachLoopback, writeAll } from '../loopback.ts'
import { fromScreen } from '../screen/from-screen.ts'
import { fromTechnician } from '../screen/from-technician.ts'
import { newRfbSession } from '../screen/rfb.ts'
import { filterOf, type Filtered } from '../screen/stream.ts'
import type { RemoteKindUnit, SessionStart } from './kind.ts'

/**
 * The screen of this machine: the VNC server that listens on the loopback port of the policy, its protocol followed
 * both ways, so that what the session may not do is stopped here and not in the browser.
 */
export const screen: RemoteKindUnit = {
  name: 'screen',
  async start(options) {
    const { request, policy } = options
    const socket = await reachLoopback(policy.vncPort, 'VNC server', wayToMend(policy.vncPort))
    const session = newRfbSession({ control: request.control, clipboard: policy.clipboard })
    const up = filterOf(fromTechnician(session))
    const down = filterOf(fromScreen(session))
    const idle = watchIdle(options, () => session.acts)

    const finish = (why: string): void => {
      const begun = session.bytesPerPixel > 0
      options.end(begun ? 'ended' : 'REMOTE_UNAVAILABLE', why)
    }
    const pump = async (): Promise<void> => {
      try {
        for await (const chunk of socket as AsyncIterable<Buffer>) {
          const { out, ended } = down(chunk)
          if (out.length > 0) await options.send('data', Buffer.concat(out))
          if (ended !== null) return finish(ended)
        }
        finish('The VNC server ended the connection.')
      } catch (thrown) {
        finish(`The connection to the VNC server broke: ${thrown instanceof Error ? thrown.message : ''}`)
      }
    }
    // What the page may offer; what it may do is decided here, whatever it offers.
    const terms = { control: request.control, clipboard: policy.clipboard }
    void options.send('event', Buffer.from(JSON.stringify(terms)))
    const pumped = pump()

    return {
      async receive(type, payload) {
        if (type !== 'data') return
        const { out, ended }: Filtered = up(payload)
        if (out.length > 0) await writeAll(socket, Buffer.concat(out))
        if (ended !== null) finish(ended)
      },
      async stop() {
        clearInterval(idle)
        socket.destroy()
        await pumped
      },
    }
  },
}

/** Who may steer but does not is gone after the policy's time; who only looks presses no key and has `maxS` alone. */
function watchIdle(options: SessionStart, acts: () => number): NodeJS.Timeout {
  let seen = 0
  let sinceMs = performance.now()
  const timer = setInterval(() => {
    if (!options.request.control || acts() !== seen) {
      seen = acts()
      sinceMs = performance.now()
    } else if (performance.now() - sinceMs >= options.policy.idleS * 1000) options.end('idle')
  }, 1000)
  timer.unref()
  return timer
}

/** How this system gets a VNC server; remote desktop (RDP) is another protocol, and has a kind of its own. */
function wayToMend(port: number): string {
  switch (process.platform) {
    case 'linux':
      return `Start one for the screen: x11vnc -display :0 -auth guess -localhost -forever -shared -rfbport ${port}`
    case 'darwin':
      return 'Switch on Screen Sharing with a password for VNC viewers, under System Settings, General, Sharing.'
    case 'win32':
      return `Install a VNC server that listens on the loopback only, such as TightVNC or UltraVNC, on port ${port}. Remote Desktop speaks RDP, which "vigia remote rdp" tunnels.`
    default:
      return 'Install a VNC server that listens there.'
  }
}
