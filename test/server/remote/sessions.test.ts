import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSealer } from '../../../agent/remote/keys.ts'
import { verifyRemote } from '../../../agent/remote/verify.ts'
import type { DownMessage } from '../../../contract/down.ts'
import type { DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { VigiaError } from '../../../contract/errors.ts'
import type { RemoteRequest } from '../../../contract/remote/session.ts'
import type { SessionHello } from '../../../contract/report.ts'
import { createAudit, type Audit } from '../../../server/audit/audit.ts'
import type { Parts } from '../../../server/wiring/parts.ts'
import { deskRoutes } from '../../../server/routes/desk.ts'
import type { Opener, Remote, RemotePorts } from '../../../server/remote/ports.ts'
import { createRemote } from '../../../server/remote/sessions.ts'
import { signersOf } from '../../../server/script/verify.ts'
import { makeSigner, type Signer } from '../../agent/act/signing.ts'
import { CHALLENGE, remoteRequest, remoteTrust, sealRemote } from '../../agent/remote/signing.ts'
import { testRecords } from '../records/clusters.ts'
import { deviceId, seedClient } from '../records/seed.ts'
import { testSocket } from './socket.ts'

const [tess, theo, eve, server] = ['tess', 'theo', 'eve', 'server'].map(makeSigner) as [
  Signer,
  Signer,
  Signer,
  Signer,
]
const DEVICE = deviceId(1)
const OTHER = deviceId(2)
const ADDRESS = { client: 'acme', device: DEVICE }
const trust = remoteTrust([tess, theo], [server])
const opener: Opener = { name: 'tess', role: 'technician', clients: null, login: 'login-1' }

describe('remote sessions on the server', () => {
  let on: Awaited<ReturnType<typeof testRecords>>
  let directory = ''
  let audit: Audit
  let remote: Remote
  let nowMs = Date.now()
  let sent: DownMessage[] = []
  let there = true
  let seeded = 0
  let off: string | null = null
  let hostile: string[] = []
  let former: string[] = []
  const hello = { challenge: CHALLENGE, abilities: ['remote'], agentVersion: '1' } as SessionHello
  const ports = (): RemotePorts => ({
    records: on.records,
    clock: () => nowMs,
    log: pino({ level: 'silent' }),
    directory,
    keptMs: 86_400_000,
    note: (db, entry) => audit.appendIn(db, entry),
    changed: () => undefined,
    async send(_address, message) {
      sent.push(message)
      return there
    },
    hello: (device) => (there && device === DEVICE ? hello : undefined),
    signers: (envelope) => signersOf(envelope, trust.technicians.keys),
    countersign: (envelope) => ({
      ...envelope,
      signatures: [
        ...envelope.signatures,
        ...sealRemote(Buffer.from(envelope.payload, 'base64').toString(), [server]).signatures,
      ],
    }),
    removed: async (_db, technician) => former.includes(technician),
    switchedOff: async () => off,
    hostile: ({ device }) => void hostile.push(device),
  })

  beforeAll(async () => {
    on = await testRecords()
    directory = join(mkdtempSync(join(tmpdir(), 'vigia-remote-')), 'recordings')
    audit = createAudit({ records: on.records, clock: () => nowMs })
    await on.records.operator(async (db) => {
      await seedClient(db, 'acme', DEVICE)
      await seedClient(db, 'bravo', OTHER)
      await db.deleteFrom('remote_session').execute()
    })
    seeded = (await audit.head())?.id ?? 0
    remote = await createRemote(ports())
  })
  afterAll(async () => {
    await remote?.stop()
    await on?.close()
    rmSync(directory, { recursive: true, force: true })
  })
  beforeEach(() => {
    ;[sent, there, off, hostile, former] = [[], true, null, [], []]
  })

  const asked = (more: Partial<RemoteRequest> = {}): RemoteRequest =>
    remoteRequest(nowMs, { ...ADDRESS, ...more })
  const openNow = async (request = asked(), who = opener): Promise<RemoteRequest> => {
    await remote.open(sealRemote(request, [tess]), who)
    return request
  }
  const refusal = async (envelope: DsseEnvelope, who = opener): Promise<string> => {
    const before = (await audit.list({ limit: 1 }))[0]?.id
    try {
      await remote.open(envelope, who)
      return 'opened'
    } catch (thrown) {
      expect(sent).toEqual([])
      expect((await audit.list({ limit: 1 }))[0]?.id).toBe(before)
      if (thrown instanceof VigiaError) return thrown.code
      throw thrown
    }
  }
  const deeds = async (session: string): Promise<unknown[][]> =>
    (await audit.list({ limit: 50 }))
      .filter(({ detail }) => (detail as { session?: string }).session === session)
      .map(({ action, who, detail }) => [action, who, detail])
      .reverse()

  it('countersigns a request so that the device takes it, and enters it into the audit chain before it goes out', async () => {
    const request = await openNow()
    const [down] = sent
    if (down?.type !== 'remote-open') throw new Error('nothing was sent')
    const accepted = verifyRemote({
      ...{ request: down.request, trust, address: ADDRESS, challenge: CHALLENGE, nowMs },
      ...{ hellos: [], seen: () => false, disabled: false },
    })
    expect(accepted.request).toEqual(request)
    const digest = createHash('sha256').update(Buffer.from(down.request.payload, 'base64')).digest('hex')
    expect(await deeds(request.session)).toEqual([
      [
        'remote.open',
        'tess',
        expect.objectContaining({ request: digest, keyid: tess.keyid, kind: 'terminal' }),
      ],
    ])
    expect(
      await refusal({ ...down.request, signatures: down.request.signatures.slice(0, 1) }).catch(() => 'sent'),
    ).toBe('sent')
    await remote.close(request.session, opener)
  })

  it('refuses before anything is stored or sent: no technician, another name, another client, a device that is away', async () => {
    expect(await refusal(sealRemote(asked(), [eve]))).toBe('COMMAND_FORGED')
    expect(await refusal(sealRemote(asked(), [{ ...eve, keyid: tess.keyid }]))).toBe('COMMAND_FORGED')
    expect(await refusal(sealRemote({ ...asked(), v: 2 }, [tess]))).toBe('COMMAND_MALFORMED')
    expect(await refusal(sealRemote(asked({ technician: 'theo' }), [tess]))).toBe('FORBIDDEN')
    expect(await refusal(sealRemote(asked(), [tess]), { ...opener, name: 'theo' })).toBe('FORBIDDEN')
    expect(await refusal(sealRemote(asked({ device: OTHER }), [tess]))).toBe('NOT_FOUND')
    expect(await refusal(sealRemote(asked({ client: 'bravo' }), [tess]))).toBe('NOT_FOUND')
    expect(await refusal(sealRemote(asked({ challenge: 'x'.repeat(43) }), [tess]))).toBe('COMMAND_REPLAYED')
    expect(await refusal(sealRemote(asked({ expiresAtMs: nowMs + 200_000 }), [tess]))).toBe('COMMAND_EXPIRED')
    expect(
      await refusal(sealRemote(asked({ issuedAtMs: nowMs - 9e5, expiresAtMs: nowMs - 8e5 }), [tess])),
    ).toBe('COMMAND_EXPIRED')
    off = 'commands are switched off'
    expect(await refusal(sealRemote(asked(), [tess]))).toBe('COMMAND_DISABLED')
    off = null
    there = false
    expect(await refusal(sealRemote(asked(), [tess]))).toBe('REMOTE_UNAVAILABLE')
    // The machine itself has no name of its own: the key alone says who it is.
    there = true
    await openNow(asked(), { name: 'local', role: 'local', clients: null, login: 'local' })
  })

  it('tells nothing of a device of another client: it is as one that is not there, whatever else is wrong', async () => {
    const ofBravo = { ...opener, clients: ['bravo'] }
    const words = (request: RemoteRequest): Promise<unknown> =>
      remote.open(sealRemote(request, [tess]), ofBravo).then(
        () => 'opened',
        (thrown: VigiaError) => [thrown.code, thrown.message.replaceAll(/d-\w{16}/g, 'X')],
      )
    const none = ['NOT_FOUND', 'there is no device X']
    for (const online of [true, false]) {
      there = online
      for (const more of [{}, { challenge: 'x'.repeat(43) }, { expiresAtMs: nowMs + 9e5 }])
        for (const device of [{}, { device: deviceId(9) }, { client: 'bravo' }, { client: 'no-such' }])
          expect(await words(asked({ ...more, ...device })), JSON.stringify(more)).toEqual(none)
    }
    expect(await words(asked({ client: 'bravo', device: OTHER }))).toEqual([
      'REMOTE_UNAVAILABLE',
      'the device is not connected',
    ])
    expect(sent).toEqual([])
  })

  it('opens nothing for a technician who was removed, also from the machine itself, and ends what they have open', async () => {
    const local: Opener = { name: 'local', role: 'local', clients: null, login: 'local' }
    const [own, there] = [await openNow(), await openNow(asked(), local)]
    const other = asked({ technician: 'theo' })
    await remote.open(sealRemote(other, [theo]), { ...opener, name: 'theo' })
    sent = []
    former = ['tess']
    await remote.removed('tess', 'ana')
    for (const { session } of [own, there]) {
      expect(await remote.get(session)).toMatchObject({ state: 'closed', why: 'withdrawn' })
      expect((await deeds(session)).at(-1)?.slice(0, 2)).toEqual(['remote.close', 'ana'])
    }
    expect((await remote.get(other.session)).state).toBe('requested')
    sent = []
    for (const who of [opener, local])
      expect(await refusal(sealRemote(asked(), [tess]), who)).toBe('FORBIDDEN')
    await expect(remote.open(sealRemote(asked(), [tess]), local)).rejects.toThrow(
      `"vigia trust draft --remove-technician ${tess.keyid.slice(0, 8)} --out next.json"`,
    )
    await remote.close(other.session, opener)
  })

  it('lets only the login that opened it attach', async () => {
    const { session } = await openNow()
    const thief = testSocket()
    remote.attach(session, 'login-2', 0, thief.side)
    expect(thief.closed).toEqual({ code: 4403, why: 'FORBIDDEN' })
    thief.says(createSealer({ session, direction: 0, key: Buffer.alloc(32) })('data', Buffer.from('x')))
    await remote.frame(
      ADDRESS,
      createSealer({ session, direction: 1, key: Buffer.alloc(32) })('data', Buffer.from('y')),
    )
    expect(thief.frames).toEqual([])
    expect(sent.filter(({ type }) => type === 'remote-frame')).toEqual([])
    const own = testSocket()
    remote.attach(session, 'login-1', 0, own.side)
    expect(own.closed).toBeUndefined()
    expect(own.frames).toHaveLength(1)
    await remote.close(session, opener)
    const late = testSocket()
    remote.attach(session, 'login-1', 0, late.side)
    expect(late.closed?.code).toBe(4400)
  })

  it('drops and counts frames of a device in the session of another', async () => {
    const { session } = await openNow()
    const socket = testSocket()
    remote.attach(session, 'login-1', 0, socket.side)
    const seal = createSealer({ session, direction: 1, key: Buffer.alloc(32) })
    const foreign = { client: 'bravo', device: OTHER }
    await remote.frame(foreign, seal('data', Buffer.from('lies')))
    await remote.state(foreign, { session, state: 'closed', code: 'ended', message: null, key: null })
    await remote.frame(ADDRESS, Buffer.from('no frame'))
    expect(hostile).toEqual([OTHER, OTHER, DEVICE])
    expect(socket.frames).toEqual([])
    expect((await remote.get(session)).state).toBe('requested')
    await remote.close(session, opener)
  })

  it('records what a terminal showed and its sizes, but not what was typed, with its checksum in row and chain', async () => {
    const { session } = await openNow()
    const socket = testSocket()
    remote.attach(session, 'login-1', 0, socket.side)
    await remote.state(ADDRESS, { session, state: 'open', code: null, message: null, key: 'A'.repeat(87) })
    const up = createSealer({ session, direction: 1, key: Buffer.alloc(32) })
    const down = createSealer({ session, direction: 0, key: Buffer.alloc(32) })
    const bytes = Buffer.from('contraseña: \u001b[31mno\u001b[0m\r\n')
    socket.says(down('data', Buffer.from('hunter2\r')))
    for (const part of [bytes.subarray(0, 9), bytes.subarray(9)]) {
      nowMs += 250
      await remote.frame(ADDRESS, up('data', part))
    }
    socket.says(down('resize', Buffer.from([0, 120, 0, 40])))
    await remote.state(ADDRESS, { session, state: 'closed', code: 'ended', message: null, key: null })
    const path = join(directory, `${session}.cast`)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({ version: 2, width: 80, height: 24 }),
      [0.25, 'o', 'contrase'],
      [0.5, 'o', 'ña: \u001b[31mno\u001b[0m\r\n'],
      [0.5, 'r', '120x40'],
    ])
    expect(readFileSync(path, 'utf8')).not.toContain('hunter2')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
    expect((await deeds(session)).at(-1)).toEqual([
      'remote.close',
      'server',
      expect.objectContaining({ why: 'ended', recordingSha256: sha256 }),
    ])
    const view = await remote.get(session)
    expect(view).toMatchObject({ state: 'closed', why: 'ended', recorded: true })
    expect(view.bytesIn).toBeGreaterThan(0)
    expect(await readAll(await remote.recording(session, opener))).toBe(readFileSync(path, 'utf8'))
    expect((await deeds(session)).at(-1)?.[0]).toBe('remote.replay')
    await expect(remote.recording(session, { ...opener, clients: ['bravo'] })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
  })

  it('keeps why a device refused, and ends sessions with the connection of the device', async () => {
    const refused = await openNow()
    await remote.state(ADDRESS, {
      ...{ session: refused.session, state: 'refused', code: 'REMOTE_NOBODY', message: 'Nobody', key: null },
    })
    expect(await remote.get(refused.session)).toMatchObject({ state: 'refused', why: 'REMOTE_NOBODY' })
    expect((await deeds(refused.session)).at(-1)?.[0]).toBe('remote.refuse')
    const cut = await openNow()
    const socket = testSocket()
    remote.attach(cut.session, 'login-1', 0, socket.side)
    await remote.sessionEnded(DEVICE)
    expect(socket.texts.at(-1)).toMatchObject({ state: 'closed', code: 'connection-lost' })
    expect(await remote.get(cut.session)).toMatchObject({ state: 'closed', why: 'connection-lost' })
  })

  it('ends what a person has open with devices of clients that were taken from them, and of no one else', async () => {
    const request = await openNow()
    await remote.withdraw('theo', [], 'local')
    await remote.withdraw('tess', null, 'local')
    await remote.withdraw('tess', ['bravo', 'acme'], 'local')
    expect((await remote.get(request.session)).state).toBe('requested')
    await remote.withdraw('tess', ['bravo'], 'local')
    expect(await remote.get(request.session)).toMatchObject({ state: 'closed', why: 'withdrawn' })
    expect(sent.at(-1)).toEqual({ type: 'remote-close', session: request.session, why: 'withdrawn' })
    expect((await deeds(request.session)).at(-1)?.slice(0, 2)).toEqual(['remote.close', 'local'])
  })

  it('ends what was opened with a key that is no technician’s any more', async () => {
    const request = await openNow()
    await remote.keepOnly(trust.technicians.keys, 'local')
    expect((await remote.get(request.session)).state).toBe('requested')
    await remote.keepOnly(
      trust.technicians.keys.filter(({ name }) => name !== 'tess'),
      'local',
    )
    expect(await remote.get(request.session)).toMatchObject({ state: 'closed', why: 'withdrawn' })
    expect(sent.at(-1)).toMatchObject({ type: 'remote-close', session: request.session })
  })

  it('ends with the kill switch, and not when that is taken back', async () => {
    const request = await openNow()
    const parts = { audit, clock: () => nowMs, records: on.records, remote } as unknown as Parts
    const { killSwitch } = deskRoutes(parts)
    const call = (body: { on: boolean; reason: string }) => killSwitch({ body, whoName: 'local' } as never)
    await call({ on: false, reason: 'test' })
    expect((await remote.get(request.session)).state).toBe('requested')
    await call({ on: true, reason: 'test' })
    expect(await remote.get(request.session)).toMatchObject({ state: 'closed', why: 'withdrawn' })
    await call({ on: false, reason: 'test' })
  })

  it('takes each step of a session once, whatever its device says again', async () => {
    const { session } = await openNow()
    const socket = testSocket()
    remote.attach(session, opener.login, 0, socket.side)
    const say = (state: 'asking' | 'open', key: string) =>
      remote.state(ADDRESS, { session, state, code: null, message: null, key: key.repeat(87) })
    await say('open', 'A')
    const before = socket.texts.length
    expect(before).toBeGreaterThan(0)
    for (const state of ['open', 'asking', 'open'] as const) await say(state, 'B')
    expect(socket.texts.length).toBe(before)
    expect((await remote.get(session)).state).toBe('open')
    await remote.close(session, opener)
  })

  it('closes at its start what a server before it left open, and takes away old recordings', async () => {
    const { session } = await openNow()
    const next = await createRemote(ports())
    expect(await next.get(session)).toMatchObject({ state: 'closed', why: 'server-restarted' })
    expect((await deeds(session)).at(-1)).toMatchObject([
      'remote.close',
      'server',
      { why: 'server-restarted' },
    ])
    const path = join(directory, `${session}.cast`)
    next.sweep()
    expect(statSync(path).isFile()).toBe(true)
    nowMs += 2 * 86_400_000
    next.sweep()
    expect(() => statSync(path)).toThrow('ENOENT')
    // The rows that the seed made are no chain.
    expect(await audit.verify({ fromId: seeded + 1 })).toMatchObject({ ok: true })
  })
})
