import { fork, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LIMITS } from '../../contract/limits.ts'
import type { RemoteStateMessage } from '../../contract/remote/session.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { AgentSession, RemoteDown } from '../link/link.ts'
import type { Log } from '../log.ts'
import { agentPaths } from '../paths.ts'
import { claimedSession } from './claimed.ts'
import type { FromHost, ToHost } from './messages.ts'

/** The remote sessions of this device, each in a process of its own. */
export type RemoteSessions = {
  /** A message of the server, not yet checked, and the session with it in which it came. */
  receive(message: RemoteDown, present: AgentSession): void
  /** The connection is gone: so are the sessions, since their challenge is. */
  disconnected(): void
  stop(): Promise<void>
}

type Hosted = {
  child: ChildProcess
  /** It was said that it is over. */
  told: boolean
  /** Bytes handed to the process and not taken yet. */
  waiting: number
  gone: Promise<void>
}

/** A process that is this far behind is ended: an honest technician never sends so much without credit. */
const WAITING_BYTES = 2 * 1024 * 1024
const STOP_WAIT_MS = 6000
const SWEEP_MS = 86_400_000

/** Nothing here opens anything: each request gets a process of its own, checks included. */
export function createRemoteSessions(options: {
  dataDir: string
  address: DeviceAddress
  log: Log
  publish: (channel: 'remote' | 'remote-state', payload: string | Buffer) => Promise<boolean>
  limit?: number
}): RemoteSessions {
  const { dataDir, address, log, publish } = options
  const limit = options.limit ?? LIMITS.remoteSessions
  const hosted = new Map<string, Hosted>()
  const sweeping = setInterval(() => void sweep(dataDir, log), SWEEP_MS).unref()
  void sweep(dataDir, log)

  const state = (message: RemoteStateMessage): void => void publish('remote-state', JSON.stringify(message))
  const refuse = (session: string, message: string): void =>
    state({ session, state: 'refused', code: 'REMOTE_UNAVAILABLE', message, key: null })

  const handle = (session: string, mine: Hosted, message: FromHost): void => {
    switch (message.type) {
      case 'state': {
        const { state: name, code } = message.message
        if (name === 'closed' || name === 'refused') mine.told = true
        log.info('a remote session', { session, state: name, code })
        state(message.message)
        return
      }
      case 'frame':
        void publish('remote', Buffer.from(message.frame, 'base64')).then((taken) => {
          if (!taken) tell(mine, { type: 'close', why: 'connection-lost' })
        })
        return
      case 'dropped':
        if (message.forged + message.replayed > 0)
          log.warn('frames of a remote session were dropped', { session, ...message })
        return
      default:
        message satisfies never
    }
  }

  const open = (
    session: string,
    message: Extract<RemoteDown, { type: 'remote-open' }>,
    { challenge, hellos }: AgentSession,
  ): void => {
    const child = fork(fileURLToPath(new URL('host.ts', import.meta.url)), [], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--max-old-space-size=128'],
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    const mine: Hosted = { child, told: false, waiting: 0, gone: promise }
    hosted.set(session, mine)
    const over = (): void => {
      if (hosted.get(session) !== mine) return
      hosted.delete(session)
      if (!mine.told)
        state({ session, state: 'closed', code: 'INTERNAL', message: 'its process ended', key: null })
      resolve()
    }
    child.on('message', (said: FromHost) => handle(session, mine, said))
    child.on('error', (thrown) => {
      log.error('a remote session could not be started', { error: thrown.message })
      if (child.pid === undefined) over()
    })
    // The last words may come after the exit, but not after the channel has closed.
    let left = 2
    const gone = (): void => {
      left -= 1
      if (left === 0) over()
    }
    child.once('exit', gone)
    child.once('disconnect', gone)
    tell(mine, { type: 'open', request: message.request, challenge, hellos: hellos(), address, dataDir })
  }

  return {
    receive(message, present) {
      switch (message.type) {
        case 'remote-open': {
          const session = claimedSession(message.request.payload)
          if (session === undefined || hosted.has(session))
            log.warn('a request for a remote session is dropped', { session })
          else if (hosted.size >= limit)
            refuse(session, `There are ${String(limit)} remote sessions on this device already`)
          else open(session, message, present)
          return
        }
        case 'remote-frame': {
          const mine = hosted.get(message.session.toLowerCase())
          if (!mine) return
          if (mine.waiting > WAITING_BYTES) tell(mine, { type: 'close', why: 'flood' })
          else tell(mine, { type: 'frame', frame: message.frame })
          return
        }
        case 'remote-close': {
          const mine = hosted.get(message.session.toLowerCase())
          if (mine) tell(mine, { type: 'close', why: message.why })
          return
        }
        default:
          message satisfies never
      }
    },
    disconnected() {
      for (const mine of hosted.values()) tell(mine, { type: 'close', why: 'connection-lost' })
    },
    async stop() {
      clearInterval(sweeping)
      for (const mine of hosted.values()) tell(mine, { type: 'close', why: 'agent-stopped' })
      const all = Promise.all([...hosted.values()].map(({ gone }) => gone))
      await Promise.race([all, new Promise((resolve) => setTimeout(resolve, STOP_WAIT_MS).unref())])
      for (const { child } of hosted.values()) child.kill('SIGKILL')
    },
  }
}

/** What is left of uploads that never went on. Nothing of it is loaded where there is none. */
async function sweep(dataDir: string, log: Log): Promise<void> {
  const { remoteParts } = agentPaths(dataDir)
  if (!existsSync(remoteParts)) return
  try {
    const { sweepParts } = await import('./files/parts.ts')
    for (const path of await sweepParts(remoteParts, Date.now()))
      log.info('what was left of an upload was removed', { path })
  } catch (thrown) {
    log.warn('what is left of uploads could not be swept', { error: String(thrown) })
  }
}

function tell(mine: Hosted, message: ToHost): void {
  if (!mine.child.connected) return
  const bytes = message.type === 'frame' ? message.frame.length : 0
  mine.waiting += bytes
  mine.child.send(message, () => (mine.waiting -= bytes))
}
