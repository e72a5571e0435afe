import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { DEFAULT_REMOTE_POLICIES, type RemotePolicy } from '../../../contract/remote/policy.ts'
import { REMOTE_WINDOW_BYTES, type RemoteRequest } from '../../../contract/remote/session.ts'
import { createConsent, type Consent, type NoticeEnd } from '../../../agent/remote/consent/consent.ts'
import type { RemoteKindUnit } from '../../../agent/remote/kinds/kind.ts'
import { terminal } from '../../../agent/remote/kinds/terminal.ts'
import type { FromHost } from '../../../agent/remote/messages.ts'
import { runSession, type RunningSession } from '../../../agent/remote/session.ts'
import { verifyRemote } from '../../../agent/remote/verify.ts'
import { eventually } from '../../support/installation.ts'
import { makeSigner } from '../act/signing.ts'
import { ADDRESS, CHALLENGE, remoteRequest, remoteTrust, sealRemote } from './signing.ts'
import { makeTechnician, type Technician } from './technician.ts'

const [tess, server] = [makeSigner('tess'), makeSigner('server')]
const running: RunningSession[] = []
// The shells read no start files of whoever runs the tests: they may wait for anything, as for a lock that a killed one left.
let home = ''
beforeAll(() => void vi.stubEnv('HOME', (home = mkdtempSync(join(tmpdir(), 'vigia-home-')))))
afterAll(() => rmSync(home, { recursive: true, force: true }))
afterEach(async () => {
  for (const session of running.splice(0)) {
    session.close('test-over')
    await session.over
  }
})

function begin(
  more: {
    policy?: Partial<RemotePolicy>
    mustAsk?: boolean
    consent?: Partial<Consent>
    unit?: RemoteKindUnit
    request?: Partial<RemoteRequest>
  } = {},
): { technician: Technician; session: RunningSession; dropped: FromHost[] } {
  const technician = makeTechnician()
  const now = Date.now()
  const request = sealRemote(remoteRequest(now, { key: technician.key, ...more.request }), [tess, server])
  const accepted = verifyRemote({
    request,
    trust: remoteTrust([tess], [server]),
    address: ADDRESS,
    challenge: CHALLENGE,
    hellos: [],
    nowMs: now,
    seen: () => false,
    disabled: false,
  })
  const dropped: FromHost[] = []
  const session = runSession({
    accepted,
    policy: { ...DEFAULT_REMOTE_POLICIES.server, ...more.policy },
    mustAsk: more.mustAsk ?? false,
    consent: { ...createConsent(), ...more.consent },
    unit: more.unit ?? terminal,
    dataDir: '/nowhere',
    say(message) {
      if (message.type === 'state') technician.state(message.message, accepted.salt)
      else if (message.type === 'frame') technician.frame(Buffer.from(message.frame, 'base64'))
      else dropped.push(message)
    },
  })
  technician.send = (frame) => void setImmediate(() => session.frame(frame))
  running.push(session)
  return { technician, session, dropped }
}

const processesWith = (marker: string): string[] =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').join(' ').includes(marker)
    } catch {
      return false
    }
  })

describe('a terminal session', () => {
  it('runs what is typed, knows its size and follows a resize, and keeps UTF-8 whole', async () => {
    const { technician } = begin()
    await technician.reaches('open')
    technician.type('echo $((6*7))\r')
    await technician.sees(/^42\r?$/m)
    technician.type('stty size\r')
    await technician.sees(/^24 80\r?$/m)
    technician.resize(101, 33)
    technician.type('stty size\r')
    await technician.sees(/^33 101\r?$/m)
    // Cut in the middle of a character.
    const bytes = Buffer.from('echo "ñandú 🦤" | od -An -c | tr -d " " ; echo "eco: ñandú 🦤"\r')
    for (const byte of bytes) technician.put('data', Buffer.from([byte]))
    await technician.sees(/^eco: ñandú 🦤\r?$/m)
    expect(technician.bad).toEqual([])
  })

  it('tells the exit code and ends', async () => {
    const { technician, session } = begin()
    await technician.reaches('open')
    technician.type('exit 3\r')
    const closed = await technician.reaches('closed')
    await session.over
    expect(closed.code).toBe('ended')
    expect(technician.events).toContainEqual(['event', { exit: 3, signal: 0 }])
    expect(technician.events).toContainEqual([
      'close',
      { code: 'ended', message: expect.stringContaining('3') as string },
    ])
  })

  it('ends jobs in the background too, also those that ignore the hang-up', async () => {
    const { technician, session } = begin()
    await technician.reaches('open')
    technician.type(
      "sh -c 'trap \"\" HUP TERM; while :; do sleep 7.654321; done' & sleep 7.654322 & echo be''gun\r",
    )
    await technician.sees(/^begun/m)
    // Both are what they were typed as: the shell, and the sleep beside it.
    await eventually('they run', 5000, async () => processesWith('sleep 7.654322').length > 0)
    await eventually('they run', 5000, async () => processesWith('sleep 7.654321').length > 0)
    session.close('ended')
    await session.over
    expect(processesWith('7.65432')).toEqual([])
  })

  it('holds a flood to the window, and goes on when there is credit', async () => {
    const { technician } = begin()
    technician.credits = false
    await technician.reaches('open')
    technician.type('yes vigia\r')
    await eventually('the window is full', 10_000, async () => technician.bytes() >= REMOTE_WINDOW_BYTES)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(technician.bytes()).toBe(REMOTE_WINDOW_BYTES)
    technician.credit(1000)
    await eventually('the credit is used', 5000, async () => technician.bytes() > REMOTE_WINDOW_BYTES)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(technician.bytes()).toBe(REMOTE_WINDOW_BYTES + 1000)
    // A key still gets through while the screen stands.
    technician.credits = true
    technician.type('\u0003')
    technician.credit(REMOTE_WINDOW_BYTES)
    // Until the shell has its terminal again, what is typed may be lost with what it flushes.
    await eventually('the shell answers', 10_000, async () => {
      technician.type('echo the-e""nd\r')
      await new Promise((resolve) => setTimeout(resolve, 200))
      return /^the-end\r?$/m.test(technician.text())
    })
  })

  it('takes no frame that is forged, comes again or is out of order', async () => {
    const { technician, dropped } = begin()
    await technician.reaches('open')
    const first = technician.seal('data', Buffer.from('echo one-$((1+1))\r'))
    const changed = Buffer.from(first)
    changed[changed.length - 20]! ^= 1
    for (const frame of [changed, first, first]) technician.send(frame)
    await technician.sees(/^one-2\r?$/m)
    expect(dropped).toEqual([
      { type: 'dropped', forged: 1, replayed: 0 },
      { type: 'dropped', forged: 0, replayed: 1 },
    ])
    technician.seal('data', Buffer.from('never sent'))
    technician.type('echo after-the-g""ap\r')
    expect((await technician.reaches('closed')).code).toBe('frames-lost')
    expect(technician.text()).not.toContain('after-the-gap')
  })

  it('ends when nothing is done, and when its time is over', async () => {
    const idle = begin({ policy: { idleS: 1.5 } })
    expect((await idle.technician.reaches('closed')).code).toBe('idle')
    const long = begin({ policy: { maxS: 1.5 } })
    await long.technician.reaches('open')
    for (let at = 0; at < 25; at++) {
      if (long.technician.states.some(({ state }) => state === 'closed')) break
      long.technician.type(' ')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect((await long.technician.reaches('closed')).code).toBe('limit')
  })

  it('is refused to be looked at only', async () => {
    const { technician } = begin({ request: { control: false } })
    expect((await technician.reaches('refused')).code).toBe('REMOTE_FORBIDDEN')
  })
})

describe('a kind that takes its time to start', () => {
  type Start = Parameters<RemoteKindUnit['start']>[0]
  /** A kind whose start the test lets go on, or fail. */
  function slowKind() {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<Start>()
    const deeds: string[] = []
    const unit: RemoteKindUnit = {
      name: 'terminal',
      async start(options) {
        begun.resolve(options)
        await gate.promise
        deeds.push('started')
        return {
          receive: (type, payload) => void deeds.push(`${type} ${Buffer.from(payload).toString()}`),
          async stop() {
            await new Promise((resolve) => setTimeout(resolve, 20))
            deeds.push('stopped')
          },
        }
      },
    }
    return { unit, gate, begun: begun.promise, deeds }
  }
  const said = ({ states }: Technician): string[] => states.map(({ state }) => state)
  const yes = (): Partial<Consent> => ({
    ask: () => Promise.resolve('yes'),
    show: () => ({ ended: new Promise(() => undefined), close: () => undefined }),
  })

  it('is said to be open only once it has started; what it sent meanwhile comes then, in order', async () => {
    const kind = slowKind()
    const { technician } = begin({ unit: kind.unit })
    const { send } = await kind.begun
    const sent = [
      send('event', Buffer.from('1')),
      send('data', Buffer.from('one ')),
      send('event', Buffer.from('2')),
    ]
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(said(technician)).toEqual([])
    kind.gate.resolve()
    await technician.reaches('open')
    await Promise.all([...sent, send('data', Buffer.from('two'))])
    expect(technician.events).toEqual([
      ['event', 1],
      ['event', 2],
    ])
    expect([technician.text(), technician.bad, said(technician)]).toEqual(['one two', [], ['open']])
  })

  it.each([[false], [true]])(
    'is refused and never open when it cannot start (asked first: %s)',
    async (mustAsk) => {
      const kind = slowKind()
      const { technician, session } = begin({ unit: kind.unit, mustAsk, consent: yes() })
      await kind.begun
      kind.gate.reject(new VigiaError('REMOTE_UNAVAILABLE', 'no VNC server'))
      await session.over
      expect(said(technician)).toEqual(mustAsk ? ['asking', 'refused'] : ['refused'])
      expect(technician.states.at(-1)).toMatchObject({ code: 'REMOTE_UNAVAILABLE', message: 'no VNC server' })
      expect(technician.events).toEqual([])
    },
  )

  it('is stopped when it was ended meanwhile, and over only then', async () => {
    const kind = slowKind()
    const { technician, session } = begin({ unit: kind.unit })
    const { send } = await kind.begun
    const waiting = send('data', Buffer.from('never shown'))
    session.close('withdrawn')
    await waiting
    kind.gate.resolve()
    await session.over
    expect(kind.deeds).toEqual(['started', 'stopped'])
    expect(said(technician)).toEqual(['refused'])
    expect(technician.states[0]?.code).toBe('withdrawn')
    expect(technician.bytes()).toBe(0)
  })

  it('is given what was typed after the consent once it has started, in order', async () => {
    const kind = slowKind()
    const { technician } = begin({ unit: kind.unit, mustAsk: true, consent: yes() })
    await kind.begun
    for (const text of ['a', 'b']) technician.type(text)
    await new Promise((resolve) => setTimeout(resolve, 50))
    kind.gate.resolve()
    await technician.reaches('open')
    technician.type('c')
    await eventually('all is there', 5000, async () => kind.deeds.length === 4)
    expect(kind.deeds).toEqual(['started', 'data a', 'data b', 'data c'])
  })
})

describe('consent', () => {
  it('is asked for with the code that the technician has too, and nothing runs before it is given', async () => {
    let answer: (given: 'yes') => void = () => undefined
    let asked: unknown
    const { technician } = begin({
      mustAsk: true,
      consent: {
        ask(request) {
          asked = request
          return new Promise((resolve) => (answer = resolve))
        },
        show: () => ({ ended: new Promise(() => undefined), close: () => undefined }),
      },
    })
    await technician.reaches('asking')
    expect(asked).toMatchObject({ technician: 'tess', kind: 'terminal', code: technician.code() })
    expect(technician.states.map(({ state }) => state)).toEqual(['asking'])
    answer('yes')
    await technician.reaches('open')
    technician.type('echo $((6*7))\r')
    await technician.sees(/^42/m)
  })

  it.each([
    ['no', 'REMOTE_REFUSED'],
    ['nobody', 'REMOTE_NOBODY'],
  ] as const)('%s: refused with %s', async (answer, code) => {
    const { technician, session } = begin({ mustAsk: true, consent: { ask: () => Promise.resolve(answer) } })
    expect((await technician.reaches('refused')).code).toBe(code)
    await session.over
  })

  it.each([
    ['the person at the machine ends it', 'closed-by-person'],
    ['nobody can be shown any more who is connected', 'notice-lost'],
  ] as const)('ends with the notice: %s', async (_what, how) => {
    let leave: (how: NoticeEnd) => void = () => undefined
    let closed = 0
    const { technician } = begin({
      consent: {
        show: () => ({ ended: new Promise((resolve) => (leave = resolve)), close: () => void closed++ }),
      },
    })
    await technician.reaches('open')
    leave(how)
    expect((await technician.reaches('closed')).code).toBe(how)
    expect(closed).toBe(1)
  })
})
