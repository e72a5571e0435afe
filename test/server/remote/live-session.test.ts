import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSealer } from '../../../agent/remote/keys.ts'
import { PAGE_GONE, TO_DEVICE, TO_TECHNICIAN, type Direction } from '../../../contract/remote/session.ts'
import { createLiveSession, LIVE_LIMITS } from '../../../server/remote/live-session.ts'
import { remoteRequest } from '../../agent/remote/signing.ts'
import { testSocket, TOO_SLOW } from './socket.ts'

const request = remoteRequest(1_800_000_000_000)
const sealer = (direction: Direction): ((text: string) => Buffer) => {
  const seal = createSealer({ session: request.session, direction, key: Buffer.alloc(32, direction + 1) })
  return (text) => seal('data', Buffer.from(text))
}
let sent: Uint8Array[] = []
let lost: string[] = []
let takes: () => Promise<boolean> = () => Promise.resolve(true)
const begin = () =>
  createLiveSession({
    request,
    recording: undefined,
    files: undefined,
    sendFrame(frame) {
      sent.push(frame)
      return takes()
    },
    lost: (why) => void lost.push(why),
  })

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  lost = []
  takes = () => Promise.resolve(true)
})
afterEach(() => void vi.useRealTimers())

describe('a session between a device and a socket', () => {
  it('carries frames both ways in order, each once', async () => {
    const session = begin()
    const socket = testSocket()
    session.attach(socket.side, 0)
    const [up, down] = [sealer(TO_TECHNICIAN), sealer(TO_DEVICE)]
    const [one, two] = [up('one'), up('two')]
    expect([session.fromDevice(one), session.fromDevice(one), session.fromDevice(two)]).toEqual([
      true,
      false,
      true,
    ])
    expect(socket.frames).toEqual([one, two])
    const typed = [down('a'), down('b')]
    for (const frame of [...typed, ...typed]) socket.says(frame)
    await vi.advanceTimersByTimeAsync(0)
    expect(sent.map((frame) => Buffer.from(frame))).toEqual(typed)
    expect(lost).toEqual([])
  })

  it('drops what is of another session or direction, and ends when one was left out', () => {
    const session = begin()
    const socket = testSocket()
    session.attach(socket.side, 0)
    const other = createSealer({ session: crypto.randomUUID(), direction: TO_DEVICE, key: Buffer.alloc(32) })
    socket.says(other('data', Buffer.from('x')))
    socket.says(sealer(TO_TECHNICIAN)('x'))
    socket.says(Buffer.from('no frame at all'))
    expect(sent).toEqual([])
    const down = sealer(TO_DEVICE)
    down('left out')
    socket.says(down('after it'))
    expect(lost).toEqual(['frames-lost'])
  })

  it('gives a socket that comes back what it lacks, and says what came', async () => {
    const session = begin()
    const first = testSocket()
    session.attach(first.side, 0)
    const [up, down] = [sealer(TO_TECHNICIAN), sealer(TO_DEVICE)]
    const frames = ['a', 'b', 'c', 'd'].map(up)
    session.fromDevice(frames[0]!)
    session.fromDevice(frames[1]!)
    first.says(down('typed'))
    first.breaks()
    session.fromDevice(frames[2]!)
    await vi.advanceTimersByTimeAsync(LIVE_LIMITS.detachedMs - 1000)
    const second = testSocket()
    // The second frame was lost with the socket.
    session.attach(second.side, 1)
    session.fromDevice(frames[3]!)
    expect(second.texts[0]).toEqual({ next: 1 })
    expect(second.frames).toEqual(frames.slice(1))
    await vi.advanceTimersByTimeAsync(LIVE_LIMITS.detachedMs * 2)
    expect(lost).toEqual([])
  })

  it('ends when nobody comes, or comes back', async () => {
    begin()
    await vi.advanceTimersByTimeAsync(LIVE_LIMITS.detachedMs)
    expect(lost).toEqual(['connection-lost'])
    const session = begin()
    const socket = testSocket()
    session.attach(socket.side, 0)
    await vi.advanceTimersByTimeAsync(LIVE_LIMITS.detachedMs * 3)
    socket.breaks()
    await vi.advanceTimersByTimeAsync(LIVE_LIMITS.detachedMs)
    expect(lost).toEqual(['connection-lost', 'connection-lost'])
  })

  it('ends at once when the page is gone, which nobody can take up again', async () => {
    const session = begin()
    const socket = testSocket()
    session.attach(socket.side, 0)
    socket.breaks(PAGE_GONE)
    expect(lost).toEqual(['ended'])
    await vi.advanceTimersByTimeAsync(LIVE_LIMITS.detachedMs * 2)
    expect(lost).toEqual(['ended'])
  })

  it('has one socket: the one before is closed, and what it still says does not count', () => {
    const session = begin()
    const [first, second] = [testSocket(), testSocket()]
    session.attach(first.side, 0)
    session.attach(second.side, 0)
    expect(first.closed?.why).toBe('taken')
    const down = sealer(TO_DEVICE)
    first.says(down('late'))
    first.breaks()
    expect(sent).toEqual([])
    session.fromDevice(sealer(TO_TECHNICIAN)('x'))
    expect([first.frames.length, second.frames.length]).toEqual([0, 1])
  })

  it('leaves a technician unread while the device is slow, and ends with a page that takes nothing', async () => {
    const session = begin()
    const socket = testSocket()
    session.attach(socket.side, 0)
    const release: (() => void)[] = []
    takes = () => new Promise((resolve) => release.push(() => resolve(true)))
    const down = sealer(TO_DEVICE)
    const text = 'x'.repeat(30_000)
    let given = 0
    while (!socket.held) {
      socket.says(down(text))
      given += 1
    }
    expect(given * text.length).toBeGreaterThan(LIVE_LIMITS.deviceBytes - text.length * 2)
    expect(given * text.length).toBeLessThan(LIVE_LIMITS.deviceBytes + text.length * 2)
    for (let at = 0; at < given; at++) {
      await vi.advanceTimersByTimeAsync(0)
      release.shift()?.()
    }
    await vi.advanceTimersByTimeAsync(0)
    expect(socket.held).toBe(false)
    socket.slow = TOO_SLOW
    session.fromDevice(sealer(TO_TECHNICIAN)('x'))
    expect(lost).toEqual(['slow-consumer'])
  })

  it('ends when the device is gone', async () => {
    const session = begin()
    const socket = testSocket()
    session.attach(socket.side, 0)
    takes = () => Promise.resolve(false)
    socket.says(sealer(TO_DEVICE)('x'))
    await vi.advanceTimersByTimeAsync(0)
    expect(lost).toEqual(['connection-lost'])
  })
})
