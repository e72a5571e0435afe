import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  createOpener,
  createSealer,
  makeEphemeral as deviceHalf,
  type SessionKeys,
} from '../../../agent/remote/keys.ts'
import {
  REMOTE_WINDOW_BYTES,
  TO_DEVICE,
  TO_TECHNICIAN,
  type RemoteStateMessage,
} from '../../../contract/remote/session.ts'
import { makeEphemeral } from '../../../dashboard/remote/channel-keys.ts'
import { createChannel, type Channel, type Socket } from '../../../dashboard/remote/channel.ts'
import { createLiveSession, type LiveSession } from '../../../server/remote/live-session.ts'
import { remoteRequest } from '../../agent/remote/signing.ts'
import { eventually } from '../../support/installation.ts'

/** The console's channel, the server's own relay between, and a device's end: only the network is the test's. */
async function line() {
  const ephemeral = await makeEphemeral()
  const request = remoteRequest(Date.now(), { key: ephemeral.publicKey })
  const salt = Uint8Array.from(createHash('sha256').update(JSON.stringify(request)).digest())
  const half = deviceHalf()
  const keys: SessionKeys = half.derive(request.key, half.publicKey, salt)
  const { session } = request
  const seal = createSealer({ session, direction: TO_TECHNICIAN, key: keys.toTechnician })
  const open = createOpener({ session, direction: TO_DEVICE, key: keys.toDevice })
  const device = { text: '', bytes: 0, bad: [] as unknown[], closed: false }
  const lost: string[] = []
  const live: LiveSession = createLiveSession({
    request,
    recording: undefined,
    files: undefined,
    async sendFrame(frame) {
      const got = open(frame)
      if (typeof got === 'string') device.bad.push(got)
      else if (got.type === 'data') {
        device.bytes += got.payload.length
        device.text = (device.text + Buffer.from(got.payload).toString()).slice(-5000)
      } else if (got.type === 'close') device.closed = true
      return true
    },
    lost: (why) => void lost.push(why),
  })
  const sockets: { drop: () => void; lose: (next: number) => void }[] = []
  const connect = (after: number): Socket => {
    let alive = true
    let losing = 0
    let gone: (code: number) => void = () => undefined
    let take: (data: Uint8Array) => void = () => undefined
    const later = (work: () => void): void =>
      void setImmediate(() => {
        if (alive) work()
      })
    const socket: Socket = {
      send: (data) => later(() => (losing > 0 ? losing-- : take(data))),
      // What was sent before still goes out.
      close: () => later(() => (alive = false)),
      onMessage: () => undefined,
      onClose: () => undefined,
    }
    later(() =>
      live.attach(
        {
          send: (data) => later(() => (losing > 0 ? losing-- : socket.onMessage(data))),
          close: () => undefined,
          waitingBytes: () => 0,
          hold: () => undefined,
          onMessage: (given) => void (take = given),
          onClose: (given) => void (gone = given),
        },
        after,
      ),
    )
    sockets.push({
      drop() {
        alive = false
        gone(1006)
        socket.onClose(false, '')
      },
      lose: (next) => (losing = next),
    })
    return socket
  }
  const channel = createChannel({ id: session, ephemeral, salt, connect })
  const state = (name: RemoteStateMessage['state'], code: string | null = null): void =>
    live.fromDeviceState({
      ...{ session, state: name, code, message: null },
      key: name === 'open' || name === 'asking' ? half.publicKey : null,
    })
  const shows = (text: string): boolean => live.fromDevice(seal('data', Buffer.from(text)))
  return { channel, live, device, lost, sockets, keys, state, shows, seal }
}

const reaches = (channel: Channel, phase: string): Promise<unknown> =>
  eventually(phase, 5000, async () => channel.state().phase === phase)
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('the channel of a session in the console', () => {
  it('agrees with the device on keys and code, and carries both ways what is said', async () => {
    const { channel, device, keys, state, shows } = await line()
    let shown = ''
    channel.listen({ frame: (_type, payload) => void (shown += new TextDecoder().decode(payload)) })
    const early = channel.send('data', bytesOf('typed early, '))
    state('asking')
    await reaches(channel, 'asking')
    expect(channel.state().code).toBe(keys.code)
    expect(device.bytes).toBe(0)
    state('open')
    await reaches(channel, 'open')
    shows('hello')
    expect(await early).toBe(true)
    await channel.send('data', bytesOf('and late'))
    await eventually(
      'it comes',
      5000,
      async () => device.text === 'typed early, and late' && shown === 'hello',
    )
    expect(device.bad).toEqual([])
  })

  it('keeps what comes before anyone listens', async () => {
    const { channel, state, shows } = await line()
    state('open')
    await reaches(channel, 'open')
    shows('first')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const shown: string[] = []
    channel.listen({ frame: (_type, payload) => void shown.push(new TextDecoder().decode(payload)) })
    expect(shown).toEqual(['first'])
  })

  it(
    'is taken up again after a break: nothing that was lost with the socket is missing, and nothing comes twice',
    { timeout: 20_000 },
    async () => {
      const { channel, device, lost, sockets, state, shows } = await line()
      let shown = ''
      channel.listen({ frame: (_type, payload) => void (shown += new TextDecoder().decode(payload)) })
      state('open')
      await reaches(channel, 'open')
      let typed = ''
      let said = ''
      for (let round = 0; round < 3; round++) {
        for (let at = 0; at < 20; at++) {
          const word = `${String(round)}.${String(at)} `
          typed += word
          said += word
          void channel.send('data', bytesOf(word))
          shows(word)
          // The network stops half-way; what is on it is gone.
          if (at === 10) sockets.at(-1)?.lose(1000)
          if (at % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        }
        sockets.at(-1)?.drop()
        await eventually('it says that it is interrupted', 5000, async () => channel.state().interrupted)
        await eventually('it is back', 5000, async () => !channel.state().interrupted)
      }
      await eventually('all of it is there', 5000, async () => device.text === typed && shown === said)
      expect(sockets).toHaveLength(4)
      expect([device.bad, lost, channel.state().dropped]).toEqual([[], [], 0])
    },
  )

  it('sends no more than the device has room for', async () => {
    const { channel, device, state, live, seal } = await line()
    state('open')
    await reaches(channel, 'open')
    const all = channel.send('data', new Uint8Array(REMOTE_WINDOW_BYTES + 1000))
    await eventually('the window is full', 5000, async () => device.bytes === REMOTE_WINDOW_BYTES)
    const credit = Buffer.alloc(4)
    credit.writeUInt32BE(400)
    live.fromDevice(seal('credit', credit))
    await eventually('the credit is used', 5000, async () => device.bytes === REMOTE_WINDOW_BYTES + 400)
    live.fromDevice(seal('credit', Buffer.from([0, 4, 0, 0])))
    expect(await all).toBe(true)
  })

  it('believes no frame that is not proven, and ends when one was held back', async () => {
    const { channel, state, live, seal, shows } = await line()
    let shown = ''
    channel.listen({ frame: (_type, payload) => void (shown += new TextDecoder().decode(payload)) })
    state('open')
    await reaches(channel, 'open')
    const { id } = channel
    const forged = createSealer({ session: id, direction: TO_TECHNICIAN, key: Buffer.alloc(32) })
    live.fromDevice(forged('data', Buffer.from('lies')))
    await eventually('it is dropped', 5000, async () => channel.state().dropped === 1)
    expect(shown).toBe('')
    // The forged one took the counter of the relay, so the true one of that number is missing.
    seal('data', Buffer.from('held back'))
    shows('after it')
    await reaches(channel, 'closed')
    expect(channel.state().why).toBe('frames-lost')
    expect(shown).toBe('')
    expect(await channel.send('data', bytesOf('x'))).toBe(false)
  })

  it('tells the device when it is ended here, and why it ended there', async () => {
    const here = await line()
    here.state('open')
    await reaches(here.channel, 'open')
    here.channel.end()
    await eventually('the device hears it', 5000, async () => here.device.closed)
    const there = await line()
    there.state('refused', 'REMOTE_REFUSED')
    await reaches(there.channel, 'refused')
    expect(there.channel.state().why).toBe('REMOTE_REFUSED')
  })
})
