import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { DEFAULT_POLICY } from '../../contract/down.ts'
import type { RemoteRequest, RemoteStateMessage } from '../../contract/remote/session.ts'
import type { SessionHello } from '../../contract/report.ts'
import { createSealer, makeEphemeral } from '../../agent/remote/keys.ts'
import { prepareAgent, startAgentProcess } from '../agent/agent-process.ts'
import { makeSigner, type Signer } from '../agent/act/signing.ts'
import { ADDRESS, remoteRequest, remoteTrust, sealRemote } from '../agent/remote/signing.ts'
import { makeTechnician, type Technician } from '../agent/remote/technician.ts'
import { startStubServer, until, type StubServer } from '../agent/stub-server.ts'
import { eventually } from '../support/installation.ts'

const [tess, theo, eve, server] = ['tess', 'theo', 'eve', 'server'].map(makeSigner) as [
  Signer,
  Signer,
  Signer,
  Signer,
]

/**
 * The attacker owns the server: its broker, its certificate authority and its online key. A real agent is on the other
 * side. What a technician of theirs typed would write a file, so a file that is there is code that ran.
 */
describe('an attacker who owns the server, and remote sessions', () => {
  let stub: StubServer
  let folder = ''
  let agent: ReturnType<typeof startAgentProcess>

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-remote-'))
    stub = await startStubServer()
    const dataDir = join(folder, 'agent')
    const policy = { ...DEFAULT_POLICY, intervalS: 3600 }
    await prepareAgent({
      dataDir,
      stub,
      address: ADDRESS,
      trust: remoteTrust([tess, theo], [server]),
      policy,
    })
    agent = startAgentProcess(dataDir)
    await until('the agent says hello', () => stub.of('session').length > 0, 30_000)
  }, 60_000)
  afterAll(async () => {
    agent?.child.kill('SIGTERM')
    await agent?.exited
    await stub?.close()
    if (folder !== '') rmSync(folder, { recursive: true, force: true })
  }, 30_000)

  const challenge = (): string => (stub.json('session').at(-1) as SessionHello).challenge
  const states = (session: string): RemoteStateMessage[] =>
    (stub.json('remote-state') as RemoteStateMessage[]).filter((each) => each.session === session)
  const open = (request: DsseEnvelope): Promise<void> => stub.send(ADDRESS, { type: 'remote-open', request })
  const frame = (session: string, bytes: Uint8Array): Promise<void> =>
    stub.send(ADDRESS, { type: 'remote-frame', session, frame: Buffer.from(bytes).toString('base64') })
  const asked = (more: Partial<RemoteRequest> = {}): RemoteRequest =>
    remoteRequest(Date.now(), { challenge: challenge(), ...more })
  const outcome = async (session: string): Promise<string> => {
    const last = await eventually('the device answers', 15_000, async () =>
      states(session).find(({ state }) => state !== 'asking'),
    )
    return last.state === 'refused' ? (last.code ?? '') : last.state
  }
  /** Every process of a session is gone. */
  const quiet = (): Promise<boolean> =>
    eventually('no session is left', 15_000, async () =>
      readdirSync('/proc').every((name) => {
        if (!/^\d+$/.test(name)) return true
        try {
          const [, parent] = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1]!.split(' ')
          if (parent !== String(agent.child.pid)) return true
          return !readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('remote/host.ts')
        } catch {
          // Gone meanwhile.
          return true
        }
      }),
    )
  /** A session that is really open, with a technician at its end; the attacker relays, or does not. */
  const openSession = async (): Promise<{
    technician: Technician
    session: string
    stop: () => Promise<void>
  }> => {
    const technician = makeTechnician()
    const request = asked({ key: technician.key })
    const sealed = sealRemote(request, [tess, server])
    const salt = createHash('sha256').update(Buffer.from(sealed.payload, 'base64')).digest()
    const { session } = request
    const id = session.replaceAll('-', '')
    let taken = 0
    let told = 0
    const relay = setInterval(() => {
      for (const message of states(session).slice(told)) {
        told += 1
        technician.state(message, salt)
      }
      const frames = stub.of('remote').filter(({ payload }) => payload.subarray(0, 16).toString('hex') === id)
      for (const { payload } of frames.slice(taken)) {
        taken += 1
        technician.frame(payload)
      }
    }, 10)
    technician.send = (bytes) => void frame(session, bytes)
    await open(sealed)
    await technician.reaches('open', 15_000)
    return {
      technician,
      session,
      async stop() {
        await stub.send(ADDRESS, { type: 'remote-close', session, why: 'test-over' })
        await technician.reaches('closed', 15_000)
        clearInterval(relay)
      },
    }
  }

  it('opens nothing without a technician: forged, signed by the server alone, by a technician alone, under another name', async () => {
    const cases: [string, DsseEnvelope, string][] = []
    const add = (code: string, request: RemoteRequest, signers: Signer[]): void =>
      void cases.push([code, sealRemote(request, signers), request.session])
    add('COMMAND_FORGED', asked(), [server])
    add('COMMAND_FORGED', asked(), [tess])
    add('COMMAND_FORGED', asked(), [eve, server])
    add('COMMAND_FORGED', asked(), [{ ...eve, keyid: tess.keyid }, server])
    add('COMMAND_FORGED', asked({ technician: 'tess' }), [theo, server])
    const honest = asked()
    const sealed = sealRemote(honest, [tess, server])
    const forOther = { ...honest, key: makeEphemeral().publicKey }
    cases.push([
      'COMMAND_FORGED',
      { ...sealed, payload: Buffer.from(JSON.stringify(forOther)).toString('base64') },
      honest.session,
    ])
    for (const [code, request, session] of cases) {
      await open(request)
      expect(await outcome(session)).toBe(code)
    }
  }, 60_000)

  it('opens nothing that was meant for another device, another session, or another time', async () => {
    const cases: [string, Partial<RemoteRequest>][] = [
      ['COMMAND_RETARGETED', { device: 'd-bbbbbbbbbbbbbbbb' }],
      ['COMMAND_RETARGETED', { client: 'other' }],
      ['COMMAND_REPLAYED', { challenge: 'x'.repeat(43) }],
      ['COMMAND_EXPIRED', { issuedAtMs: Date.now() - 900_000, expiresAtMs: Date.now() - 840_000 }],
      ['COMMAND_EXPIRED', { expiresAtMs: Date.now() + 86_400_000 }],
    ]
    for (const [code, more] of cases) {
      const request = asked(more)
      await open(sealRemote(request, [tess, server]))
      expect(await outcome(request.session)).toBe(code)
    }
  }, 60_000)

  it('opens a request once: not again while it runs, not after it, not in a later session', async () => {
    const technician = makeTechnician()
    const request = asked({ key: technician.key })
    const sealed = sealRemote(request, [tess, server])
    await open(sealed)
    expect(await outcome(request.session)).toBe('open')
    await open(sealed)
    await stub.send(ADDRESS, { type: 'remote-close', session: request.session, why: 'x' })
    await until('it is closed', () => states(request.session).some(({ state }) => state === 'closed'))
    await quiet()
    // While the agent has not seen the end of its process, it drops what names the same session.
    await eventually('it is refused', 15_000, async () => {
      await open(sealed)
      return states(request.session).at(-1)?.code === 'COMMAND_REPLAYED'
    })
    expect(states(request.session).filter(({ state }) => state === 'open')).toHaveLength(1)
    const hellos = stub.of('session').length
    stub.cut()
    await until('the agent is back', () => stub.of('session').length > hellos, 30_000)
    const before = states(request.session).length
    await open(sealed)
    await until('it is refused again', () => states(request.session).length > before)
    expect(states(request.session).at(-1)?.code).toBe('COMMAND_REPLAYED')
  }, 60_000)

  it('types nothing: injected, changed, replayed, reordered, turned round and foreign frames', async () => {
    const { technician, session } = await openSession()
    const other = await openSession()
    const mark = (name: string): string => join(folder, name)
    const typed = (name: string): Buffer => Buffer.from(`touch ${mark(name)}\r`)

    // Injected: the attacker has no key, or one that it has agreed on with the device's half.
    const own = makeEphemeral()
    const deviceKey = states(session).find(({ key }) => key !== null)?.key ?? ''
    for (const key of [Buffer.alloc(32), own.derive(deviceKey, deviceKey, Buffer.alloc(32)).toDevice]) {
      const seal = createSealer({ session, direction: 0, key })
      for (let at = 0; at < 5; at++) await frame(session, seal('data', typed('injected')))
    }
    // Turned round: what the device said, as if it were typed.
    technician.type('echo nothing-yet\r')
    await technician.sees(/nothing-yet/)
    const said = stub.of('remote').map(({ payload }) => payload)
    for (const bytes of said) {
      const turned = Buffer.from(bytes)
      turned[16] = 0
      await frame(session, bytes)
      await frame(session, turned)
    }
    // Changed: every byte of a proven frame, one after the other.
    const proven = technician.seal('data', typed('proven'))
    for (let at = 0; at < proven.length; at++) {
      const changed = Buffer.from(proven)
      changed[at]! ^= 0x41
      await frame(session, changed)
    }
    // Foreign: a frame of another session of the same technician, as it is and under this session's name.
    const foreign = other.technician.seal('data', typed('foreign'))
    const renamed = Buffer.from(foreign)
    Buffer.from(session.replaceAll('-', ''), 'hex').copy(renamed, 0)
    await frame(session, foreign)
    await frame(session, renamed)
    // The very frame that was meant still counts, once.
    await frame(session, proven)
    await frame(session, proven)
    technician.type(`echo d""one; ls ${folder}\r`)
    await technician.sees(/^done\r?$/m)
    await eventually('what was really typed ran', 10_000, async () => existsSync(mark('proven')))
    expect(existsSync(mark('injected'))).toBe(false)
    expect(existsSync(mark('foreign'))).toBe(false)

    // Replayed: a line that counts how often it ran.
    const count = mark('count')
    const once = technician.seal('data', Buffer.from(`echo ran >> ${count}\r`))
    for (let at = 0; at < 20; at++) await frame(session, once)
    technician.type('echo af""ter\r')
    await technician.sees(/^after\r?$/m)
    expect(readFileSync(count, 'utf8')).toBe('ran\n')

    // Left out: the session ends rather than type half a line.
    technician.seal('data', Buffer.from('# '))
    technician.send(technician.seal('data', typed('left-out')))
    expect((await technician.reaches('closed', 15_000)).code).toBe('frames-lost')
    expect(existsSync(mark('left-out'))).toBe(false)
    expect(agent.stderr()).toContain('frames of a remote session were dropped')
    await other.stop()
  }, 90_000)

  it('cannot stand between them unseen: with a key of its own the digits differ, and what the technician types does not count', async () => {
    const technician = makeTechnician()
    const request = asked({ key: technician.key })
    const sealed = sealRemote(request, [tess, server])
    const salt = createHash('sha256').update(Buffer.from(sealed.payload, 'base64')).digest()
    await open(sealed)
    expect(await outcome(request.session)).toBe('open')
    const real = states(request.session).find(({ state }) => state === 'open')
    const between = makeEphemeral()
    technician.state({ ...real!, key: between.publicKey }, salt)
    const seen = between.derive(technician.key, between.publicKey, salt)
    // The technician believes in the attacker's screen, which is all that the attacker gains.
    expect(technician.code()).toBe(seen.code)
    const withDevice = between.derive(real!.key!, real!.key!, salt)
    expect(withDevice.code).not.toBe(technician.code())
    technician.send = (bytes) => void frame(request.session, bytes)
    technician.type(`touch ${join(folder, 'between')}\r`)
    const resealed = createSealer({ session: request.session, direction: 0, key: withDevice.toDevice })
    await frame(request.session, resealed('data', Buffer.from(`touch ${join(folder, 'between')}\r`)))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(existsSync(join(folder, 'between'))).toBe(false)
    await stub.send(ADDRESS, { type: 'remote-close', session: request.session, why: 'x' })
  }, 60_000)

  it('opens no more than eight at once, and ends all of them with the connection', async () => {
    await quiet()
    const all: string[] = []
    for (let at = 0; at < 9; at++) {
      const request = asked({ key: makeTechnician().key })
      all.push(request.session)
      await open(sealRemote(request, [tess, server]))
    }
    const outcomes = await Promise.all(all.map(outcome))
    expect(outcomes.filter((each) => each === 'open')).toHaveLength(8)
    expect(outcomes.filter((each) => each === 'REMOTE_UNAVAILABLE')).toHaveLength(1)
    const hellos = stub.of('session').length
    stub.cut()
    await until('the agent is back', () => stub.of('session').length > hellos, 30_000)
    const request = asked({ key: makeTechnician().key })
    await eventually('there is room again', 20_000, async () => {
      const again = { ...request, session: crypto.randomUUID() }
      await open(sealRemote(again, [tess, server]))
      return (await outcome(again.session)) === 'open'
    })
  }, 120_000)
})
