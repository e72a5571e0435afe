import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RemoteSession, SentType } from '../../../../agent/remote/kinds/kind.ts'
import { rdp } from '../../../../agent/remote/kinds/rdp.ts'
import { packDesktopEvent, readDesktopEvent, type DesktopEvent } from '../../../../contract/remote/desktop.ts'
import { DEFAULT_REMOTE_POLICIES } from '../../../../contract/remote/policy.ts'
import { eventually } from '../../../support/installation.ts'
import { remoteRequest } from '../signing.ts'

describe('the tunnel of an RDP session, to a real TCP server', () => {
  let server: Server
  let clients: Socket[]
  let session: RemoteSession | undefined
  let events: DesktopEvent[]
  let bytes: Buffer[]
  let ends: string[]

  beforeEach(async () => {
    ;[clients, events, bytes, ends] = [[], [], [], []]
    server = createServer((socket) => {
      clients.push(socket)
      socket.on('error', () => undefined)
      // What an echo is for: whatever comes goes back.
      socket.on('data', (data) => socket.write(data))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    await session?.stop()
    for (const client of clients) client.destroy()
    server.close()
  })

  const start = async (more: { control?: boolean; port?: number } = {}): Promise<void> => {
    const rdpPort = more.port ?? (server.address() as AddressInfo).port
    session = await rdp.start({
      request: remoteRequest(Date.now(), { kind: 'rdp', control: more.control ?? true }),
      policy: { ...DEFAULT_REMOTE_POLICIES.server, rdpPort },
      dataDir: '/nowhere',
      async send(type: SentType, payload: Uint8Array) {
        if (type === 'data') bytes.push(Buffer.from(payload))
        else events.push(readDesktopEvent(payload)!)
      },
      end: (code) => void ends.push(code),
    })
  }
  const say = (event: DesktopEvent): unknown => session!.receive('event', packDesktopEvent(event))
  const said = (event: DesktopEvent): Promise<unknown> =>
    eventually(JSON.stringify(event), 5000, async () =>
      events.some((each) => JSON.stringify(each) === JSON.stringify(event)),
    )
  const echoed = (content: Buffer): Promise<unknown> =>
    eventually('all of it came back', 5000, async () => Buffer.concat(bytes).equals(content))

  it('carries every byte both ways, also what came before the connection stood', async () => {
    await start()
    const content = randomBytes(1024 * 1024 + 7)
    void say({ open: 1 })
    for (let at = 0; at < content.length; at += 30_000)
      void session!.receive('data', content.subarray(at, at + 30_000))
    await echoed(content)
    void say({ closed: 1 })
    await said({ closed: 1 })
    expect(ends).toEqual([])
  })

  it('has one connection after the other, and says once that each is over, whoever ended it', async () => {
    await start()
    void say({ open: 1 })
    void session!.receive('data', Buffer.from('first'))
    await echoed(Buffer.from('first'))
    clients.at(-1)!.end()
    await said({ closed: 1 })
    void session!.receive('data', Buffer.from('lost'))
    void say({ open: 2 })
    void session!.receive('data', Buffer.from(' second'))
    await echoed(Buffer.from('first second'))
    void say({ closed: 2 })
    await said({ closed: 2 })
    expect(events).toEqual([{ closed: 1 }, { closed: 2 }])
  })

  it('ends at whoever opens two at once, the same again, or says what is no word of it', async () => {
    for (const wrong of [
      () => say({ open: 2 }),
      () => say({ open: 1 }),
      () => session!.receive('event', Buffer.from('{"open":"0.0.0.0:22"}')),
      () => session!.receive('event', Buffer.from('no JSON')),
    ]) {
      ends = []
      await start()
      await say({ open: 1 })
      await wrong()
      expect(ends).toEqual(['REQUEST_INVALID'])
      await session!.stop()
    }
  })

  it('closes the connection with the session', async () => {
    await start()
    void say({ open: 1 })
    void session!.receive('data', Buffer.from('x'))
    await echoed(Buffer.from('x'))
    const gone = once(clients.at(-1)!, 'close')
    await session!.stop()
    await gone
  })

  it('is refused to be looked at only, and where nothing listens, with what to do', async () => {
    await expect(start({ control: false })).rejects.toMatchObject({ code: 'REMOTE_FORBIDDEN' })
    await expect(start({ port: 1 })).rejects.toMatchObject({
      code: 'REMOTE_UNAVAILABLE',
      message: expect.stringMatching(/127\.0\.0\.1:1\. Install/) as string,
    })
  })

  it('says when the server has gone meanwhile', async () => {
    await start()
    server.close()
    for (const client of clients) client.destroy()
    await eventually('nobody listens', 5000, async () => !server.listening)
    void say({ open: 1 })
    await eventually('it is told', 5000, async () =>
      events.some((event) => 'closed' in event && /No RDP server/.test(event.message ?? '')),
    )
  })
})
