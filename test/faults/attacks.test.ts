// Long because every attack is made on one installation, whose start costs more than all of them.
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createTlsServer, connect as tlsConnect, type TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentPaths } from '../../agent/paths.ts'
import { encodeFacts, encodeReport } from '../../agent/link/encode.ts'
import type { CommandOrder } from '../../contract/command.ts'
import { DEFAULT_POLICY } from '../../contract/down.ts'
import { ORDER_TYPE, ROOT_TYPE, SCRIPT_TYPE, type DsseEnvelope } from '../../contract/trust/dsse.ts'
import { deviceCommonName } from '../../contract/enrol.ts'
import { downTopic, upTopic } from '../../contract/topics.ts'
import { openOrderKey } from '../../server/fleet/trust.ts'
import { openKeyStore } from '../../server/script/key-store.ts'
import type { SigningKey } from '../../server/script/keys.ts'
import { scriptPayload, shippedScripts } from '../../server/script/library.ts'
import { payloadDigest, seal } from '../../server/script/sign.ts'
import { startAgentProcess } from '../agent/agent-process.ts'
import { createDialler } from '../../agent/link/dial.ts'
import { makeSigner } from '../agent/act/signing.ts'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'
import { createTestAuthority } from '../support/test-authority.ts'
import { connectAs, enrolStolen, helloOf, ownServer, raw, readStolen, redirect } from './attacker.ts'
import type { Answer, OwnedServer, Stolen } from './attacker.ts'

const root = process.getuid?.() === 0
let vigia: Installation
let folder: string
/** A device of another client, whose owner is the attacker. */
let mallory: Stolen
/** This machine's own agent, which runs. */
let local: Stolen

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-attacks-'))
  vigia = await createInstallation()
  await vigia.start()
  await vigia.server.call('createClient', { body: { id: 'evil', name: 'Evil <b>Ltd</b>' } })
  mallory = await enrolStolen(vigia, 'evil', folder)
  local = await eventually('the local agent is enrolled', 60_000, async () =>
    readStolen(join(vigia.dataDir, 'agent')),
  )
  await eventually('the local agent', 60_000, async () => (await deviceOf(local.device)).online)
}, 120_000)

afterAll(async () => {
  await vigia.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 60_000)

const deviceOf = async (device: string) => (await vigia.server.call('device', { params: { device } })).device
const refusals = async (reason: string): Promise<number> =>
  (await vigia.server.call('hostile', { query: {} })).counts[reason] ?? 0
const publish = (client: Awaited<ReturnType<typeof connectAs>>, topic: string, payload: string | Buffer) =>
  client.publishAsync(topic, payload, { qos: 1 })

describe('a device with a certificate of its own', () => {
  it('cannot speak as another: foreign topics are counted, kept for the operator and change nothing', async () => {
    const before = await deviceOf(local.device)
    const counted = await refusals('REPORT_WRONG_TENANT')
    const session = await connectAs(mallory)
    const result = { boot: 'a'.repeat(16), seq: 1, job: randomUUID(), timeMs: 1, outcome: 'exited' }
    for (const address of [local, { client: 'demo', device: mallory.device }, { ...local, client: 'evil' }])
      for (const channel of ['session', 'report', 'result', 'gone', 'layout'] as const)
        await publish(
          session,
          upTopic(address, channel),
          JSON.stringify(channel === 'session' ? helloOf() : result),
        )
    await publish(session, downTopic(local), JSON.stringify({ type: 'cancel', job: randomUUID() }))
    await publish(session, '$SYS/broker/clients', 'x')
    await eventually(
      'the refusals',
      10_000,
      async () => (await refusals('REPORT_WRONG_TENANT')) >= counted + 17,
    )
    // Samples are kept without making the device's message wait for it.
    await eventually('the kept sample', 10_000, async () => {
      const { samples } = await vigia.server.call('hostile', { query: { client: 'evil' } })
      return samples[0]?.reason === 'REPORT_WRONG_TENANT' && samples[0].device === mallory.device
    })
    const after = await deviceOf(local.device)
    expect([after.hostname, after.client, after.online]).toEqual([before.hostname, 'demo', true])
    await session.endAsync(true)
  })

  it('hears nobody: no wildcard, no shared subscription, no down topic but its own', async () => {
    const session = await connectAs(mallory)
    const heard: string[] = []
    session.on('message', (topic) => heard.push(topic))
    const wanted = [
      '#',
      '+/#',
      'vigia/v1/+/+/+/down',
      downTopic(local),
      '$SYS/#',
      `$share/g/${downTopic(local)}`,
    ]
    for (const topic of wanted) {
      const granted = await session.subscribeAsync(topic, { qos: 1 }).catch((error: unknown) => error)
      expect(granted instanceof Error || (granted as { qos: number }[])[0]?.qos === 128, topic).toBe(true)
    }
    // The local device gets acknowledgements all the time: they must not be heard here.
    await vigia.server.call('setPolicy', { params: { device: local.device }, body: { intervalS: 1 } })
    await sleep(2500)
    expect(heard).toEqual([])
    await session.endAsync(true)
  })

  it("cannot take another's name: client id, will, another authority, or a certificate as a server", async () => {
    await expect(connectAs(mallory, { clientId: local.device })).rejects.toThrow()
    const will = { topic: upTopic(local, 'gone'), payload: Buffer.from('{}'), qos: 1 as const, retain: false }
    await expect(connectAs(mallory, { will })).rejects.toThrow()
    const { certPem, keyPem } = await (await createTestAuthority()).issue(deviceCommonName(local))
    await expect(connectAs({ ...local, cert: certPem, key: keyPem })).rejects.toThrow()
    await expect(connectAs({ ...mallory, cert: local.cert })).rejects.toThrow()

    const fake = createTlsServer({ key: mallory.key, cert: mallory.cert })
    fake.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
    const faults: string[] = []
    const dial = createDialler({
      url: `mqtts://127.0.0.1:${(fake.address() as AddressInfo).port}`,
      tls: local,
      clientId: local.device,
      will: { topic: upTopic(local, 'gone'), payload: '' },
    })
    const client = dial((fault) => faults.push(fault.message))
    await eventually('the agent turns away', 10_000, async () => faults.length > 0)
    expect(client.connected).toBe(false)
    client.end(true)
    fake.close()
  })

  it("cannot end, fill or hear another device's job", async () => {
    const victim = await enrolStolen(vigia, 'demo', folder)
    const job = await vigia.server.call('createJob', {
      body: { device: victim.device, script: 'device-facts', parameters: {} },
    })
    const key = openKeyStore(vigia.env['VIGIA_KEYS']!).load('approver')
    const content = { ...shippedScripts().find(({ content }) => content.name === 'device-facts')!.content }
    const slow = { ...content, name: 'slow-one', body: 'sleep 4; echo mine\n', parameters: {} }
    await vigia.server.call('addScript', { body: seal(SCRIPT_TYPE, scriptPayload(slow), [key]) })
    const live = await vigia.server.call('createJob', {
      body: { device: local.device, script: 'slow-one', parameters: {} },
    })
    const stop = new AbortController()
    const seen: string[] = []
    const reading = (async () => {
      for await (const value of vigia.server.listen(`/api/jobs/${live.id}/output`, stop.signal))
        seen.push(JSON.stringify(value))
    })().catch(() => undefined)
    const session = await connectAs(mallory)
    for (const [seq, id] of [job.id, live.id].entries()) {
      const result = {
        ...{ boot: 'b'.repeat(16), seq, job: id, timeMs: Date.now(), outcome: 'exited', code: null },
        ...{ message: null, exitCode: 0, durationMs: 1, stdoutBytes: 6, stderrBytes: 0, stdout: 'FORGED' },
        ...{ stderr: '', fields: { freed_bytes: '1' } },
      }
      await publish(session, upTopic(mallory, 'result'), JSON.stringify(result))
      const output = { job: id, stream: 'stdout', offset: 0, text: 'FORGED' }
      await publish(session, upTopic(mallory, 'output'), JSON.stringify(output))
    }
    const ended = await eventually('the job of the local device', 30_000, async () => {
      const now = await vigia.server.call('job', { params: { id: live.id } })
      return now.state === 'succeeded' && now
    })
    expect(ended.stdout).toBe('mine\n')
    expect(seen.join('')).not.toContain('FORGED')
    expect(await vigia.server.call('job', { params: { id: job.id } })).toMatchObject({
      state: 'pending',
      stdout: '',
    })
    stop.abort()
    await reading
    await session.endAsync(true)
  }, 60_000)

  it('cannot bring the server down: oversized, nested, endless and broken messages; others notice nothing', async () => {
    const deep = '['.repeat(90_000) + ']'.repeat(90_000)
    const boot = 'c'.repeat(16)
    const facts = (seq: number, json: string) =>
      Buffer.from(encodeFacts({ kind: 'users', boot, seq, timeMs: Date.now(), json }))
    const session = await connectAs(mallory)
    await publish(session, upTopic(mallory, 'facts'), facts(1, deep))
    await publish(
      session,
      upTopic(mallory, 'facts'),
      facts(2, '{"__proto__":{"polluted":1},"constructor":{}}'),
    )
    await publish(session, upTopic(mallory, 'json'), '{"a":'.repeat(12_000))
    await publish(
      session,
      upTopic(mallory, 'session'),
      JSON.stringify(helloOf({ bootTimeMs: Number.MAX_SAFE_INTEGER })),
    )
    await publish(
      session,
      upTopic(mallory, 'session'),
      JSON.stringify(helloOf({ commandSequence: Number.MAX_SAFE_INTEGER })),
    )
    await publish(session, upTopic(mallory, 'report'), Buffer.alloc(60_000, 0x91))
    await publish(
      session,
      upTopic(mallory, 'report'),
      Buffer.from(encodeReport({ hash: 'f'.repeat(16), boot, seq: 3, timeMs: 8.7e15, values: [NaN] })),
    )
    await publish(session, upTopic(mallory, 'line'), `${'a'.repeat(60_000)} v=1`)
    const cut = new Promise<void>((resolve) => session.once('close', () => resolve()))
    session.publish(upTopic(mallory, 'report'), Buffer.alloc(300_000), { qos: 1 })
    await cut
    // A CONNECT that announces 100 MiB.
    const socket: TLSSocket = tlsConnect({
      host: '127.0.0.1',
      port: Number(new URL(mallory.mqttUrl).port),
      key: mallory.key,
      cert: mallory.cert,
      ca: mallory.ca,
    })
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    socket.write(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x32]))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    const health = await vigia.server.call('health')
    expect(health.state).toBe('ok')
    const { lastSeenMs } = await deviceOf(local.device)
    await eventually(
      'further reports of the others',
      15_000,
      async () => (await deviceOf(local.device)).lastSeenMs! > lastSeenMs!,
    )
    expect(await refusals('REPORT_MALFORMED')).toBeGreaterThan(0)
  }, 60_000)
})

describe('what a device says', () => {
  const hostname =
    '<img src=x onerror=alert(1)>\u001b[2J\u009b31m\u0007\u202e\nd-aaaaaaaaaaaaaaaa  fake  #eval("1") $x^2$ 日本'

  beforeAll(async () => {
    const session = await connectAs(mallory)
    await publish(session, upTopic(mallory, 'session'), JSON.stringify(helloOf({ hostname })))
    await eventually(
      'the hostile name',
      10_000,
      async () => (await deviceOf(mallory.device)).hostname === hostname,
    )
    await session.endAsync(true)
  }, 60_000)

  it('is text in the API, with a type that no browser runs', async () => {
    const token = readFileSync(join(vigia.dataDir, 'local.token'), 'utf8').trim()
    const answer = await raw(vigia.url, {
      path: '/api/devices',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(JSON.parse(answer.body)).toMatchObject({
      devices: expect.arrayContaining([expect.objectContaining({ hostname })]) as unknown,
    })
  })

  it('steers no terminal and forges no row, as a table and as JSON', () => {
    const run = vigia.vigia('devices')
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    expect(run.stdout.split('\n').filter((line) => line.startsWith('d-aaaa'))).toEqual([])
    const json = vigia.vigia('devices', '--json')
    expect(json.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect(json.stdout).toContain('\\u009b31m')
    expect(
      (JSON.parse(json.stdout) as { hostname: string }[]).some((device) => device.hostname === hostname),
    ).toBe(true)
  })

  it('is text in the report, and cannot keep the PDF from being made', async () => {
    const month = new Date().toISOString().slice(0, 7)
    const html = await vigia.server.download(`/api/reports/evil/${month}?format=html`)
    const text = Buffer.from(html.bytes).toString()
    expect(text).toContain('&lt;img src=x')
    expect(text).not.toMatch(/<(img|script|b|iframe)[ >]/)
    const pdf = await vigia.server.download(`/api/reports/evil/${month}?format=pdf`)
    expect(Buffer.from(pdf.bytes).subarray(0, 5).toString()).toBe('%PDF-')
  }, 30_000)

  it('cannot stand in the way of another device by taking its identity for a name', async () => {
    const session = await connectAs(mallory)
    await publish(session, upTopic(mallory, 'session'), JSON.stringify(helloOf({ hostname: local.device })))
    await eventually(
      'the name',
      10_000,
      async () => (await deviceOf(mallory.device)).hostname === local.device,
    )
    const run = vigia.vigia('policy', local.device)
    expect(run.code, run.stderr).toBe(0)
    await session.endAsync(true)
  }, 30_000)
})

describe('who owns the server', () => {
  const mine = makeSigner('attacker')
  let online: SigningKey
  let victim: Stolen
  let server: OwnedServer
  let agent: ReturnType<typeof startAgentProcess>
  let sequence = 100

  beforeAll(async () => {
    const { trusted, privateKey } = openOrderKey(join(vigia.dataDir, 'keys'))
    online = { ...trusted, privateKey }
    victim = await enrolStolen(vigia, 'demo', folder)
    server = await ownServer(vigia.dataDir, victim)
    redirect(victim, server.url, { ...DEFAULT_POLICY, intervalS: 3600 })
    agent = startAgentProcess(victim.dataDir)
    await eventually('the session of the victim', 30_000, async () => server.hello())
  }, 60_000)

  afterAll(async () => {
    agent.child.kill('SIGKILL')
    await agent.exited
    await server.close()
  })

  const shipped = (name: string) => shippedScripts().find(({ content }) => content.name === name)!
  function order(script: DsseEnvelope, more: Partial<CommandOrder> = {}, by: SigningKey = online) {
    sequence += 1
    const content: CommandOrder = {
      v: 1,
      job: randomUUID(),
      client: victim.client,
      device: victim.device,
      challenge: server.hello()!.challenge,
      nonce: randomBytes(16).toString('base64url'),
      sequence,
      issuedAtMs: Date.now(),
      expiresAtMs: Date.now() + 60_000,
      scriptDigest: payloadDigest(script),
      parameters: {},
      ...more,
    }
    const sealed = seal(ORDER_TYPE, Buffer.from(JSON.stringify(content)), [by])
    return { job: content.job, message: { type: 'command' as const, order: sealed, script } }
  }
  async function verdictOn({ job, message }: ReturnType<typeof order>) {
    expect(await server.send(message)).toBe(true)
    return server.verdict(job)
  }

  it('runs nothing that no approver signed, and nothing changed, retargeted, expired or out of its type', async () => {
    const evil = { ...shipped('device-facts').content, body: `touch ${folder}/owned\n` }
    const facts = shipped('device-facts').envelope
    const swapped = { ...facts, payload: Buffer.from(scriptPayload(evil)).toString('base64') }
    const selfMade = (by: readonly SigningKey[]) => seal(SCRIPT_TYPE, scriptPayload(evil), by)
    const restart = shipped('restart-service').envelope
    const cases: [string, ReturnType<typeof order>][] = [
      ['COMMAND_UNAPPROVED', order(selfMade([mine]))],
      ['COMMAND_UNAPPROVED', order(selfMade([online]))],
      ['COMMAND_FORGED', order(selfMade([{ ...mine, keyid: facts.signatures[0]!.keyid }]))],
      ['COMMAND_FORGED', order(swapped)],
      ['COMMAND_FORGED', order(facts, { scriptDigest: payloadDigest(restart) })],
      ['COMMAND_FORGED', order(facts, {}, mine)],
      ['COMMAND_FORGED', order(facts, {}, { ...mine, keyid: online.keyid })],
      ['COMMAND_RETARGETED', order(facts, { device: local.device })],
      ['COMMAND_RETARGETED', order(facts, { client: 'evil' })],
      ['COMMAND_EXPIRED', order(facts, { expiresAtMs: Date.now() - 1 })],
      [
        'COMMAND_EXPIRED',
        order(facts, { issuedAtMs: Date.now() + 3_600_000, expiresAtMs: Date.now() + 7_200_000 }),
      ],
      ['COMMAND_REPLAYED', order(facts, { challenge: 'A'.repeat(43) })],
      ['COMMAND_MALFORMED', order(restart, { parameters: { service: '../../tmp/x' } })],
      ['COMMAND_MALFORMED', order(restart, { parameters: { service: 'x\n/bin/sh' } })],
      ['COMMAND_MALFORMED', order(restart, { parameters: { service: 'cron', PATH: '/tmp' } })],
      ['COMMAND_MALFORMED', order(restart, { parameters: { service: 7 } })],
      ['COMMAND_MALFORMED', order(shipped('top-processes').envelope, { parameters: { count: 1e6 } })],
    ]
    const got: string[] = []
    for (const [, attempt] of cases) got.push((await verdictOn(attempt)).code ?? 'ran')
    expect(got).toEqual(cases.map(([code]) => code))
    expect(readdirSync(folder)).not.toContain('owned')
  }, 60_000)

  it('can order an approved script once, and neither again nor after a restart of the agent', async () => {
    const facts = shipped('device-facts').envelope
    const first = order(facts)
    expect(await verdictOn(first)).toMatchObject({ outcome: 'exited', exitCode: 0 })
    // The agent's own log: a refusal is no word about a job whose true end may still be on its way.
    const replays = (): number => agent.stderr().split('COMMAND_REPLAYED').length - 1
    const refusesAsReplayed = async (message: typeof first.message) => {
      const before = replays()
      await server.send(message)
      await eventually('the refusal', 20_000, async () => replays() > before)
    }
    await refusesAsReplayed(first.message)
    const oldChallenge = server.hello()!.challenge

    agent.child.kill('SIGKILL')
    await agent.exited
    await eventually('the end of the session', 10_000, async () => server.hello() === undefined)
    agent = startAgentProcess(victim.dataDir)
    await eventually('the next session', 30_000, async () => server.hello())
    expect(server.hello()!.challenge).not.toBe(oldChallenge)
    await refusesAsReplayed(first.message)
    await refusesAsReplayed(order(facts, { sequence: 1 }).message)
    await refusesAsReplayed(order(facts, { job: first.job }).message)
    const starts = server.heard.filter(
      ({ channel, payload }) =>
        channel === 'result' && payload.includes(first.job) && payload.includes('"started"'),
    )
    expect(new Set(starts.map(({ payload }) => String(payload))).size).toBe(1)

    writeFileSync(agentPaths(victim.dataDir).killSwitch, '')
    expect(await verdictOn(order(facts))).toMatchObject({ outcome: 'refused', code: 'COMMAND_DISABLED' })
    rmSync(agentPaths(victim.dataDir).killSwitch)
  }, 90_000)

  it('reads no file through the policy and does not hang the agent by one', async () => {
    const secret = `secret-${randomBytes(12).toString('hex')}`
    writeFileSync(
      join(folder, 'secret.pem'),
      `-----BEGIN CERTIFICATE-----\n${secret}\n-----END CERTIFICATE-----\n`,
    )
    const fifo = join(folder, 'fifo.pem')
    execFileSync('mkfifo', [fifo])
    writeFileSync(join(folder, 'real.pem'), victim.cert)
    const certificates = [
      ...[fifo, '/dev/zero', '/dev/tty', '/proc/kmsg', '/proc/self/environ', '/etc/shadow'],
      ...[join(folder, 'secret.pem'), join(folder, 'real.pem'), agentPaths(victim.dataDir).key],
    ]
    const before = server.heard.length
    const policy = {
      ...DEFAULT_POLICY,
      version: 7,
      intervalS: 1,
      collectorIntervalS: { certificate: 1 },
      certificates,
      includeMounts: ['/proc', '/../../etc', '/etc/shadow'],
      services: ['a', 'x.y'],
    }
    await server.send({ type: 'policy', policy })
    await eventually('a layout with the certificates', 20_000, async () =>
      server.heard
        .slice(before)
        .some(({ channel, payload }) => channel === 'layout' && payload.includes('real.pem')),
    )
    await sleep(2500)
    // It still answers: nothing that it was told to read has stopped it.
    expect(await verdictOn(order(shipped('device-facts').envelope))).toMatchObject({ outcome: 'exited' })
    const all = Buffer.concat(server.heard.map(({ payload }) => payload)).toString('latin1')
    expect(all).not.toContain(secret)
    expect(all).not.toContain('PRIVATE KEY')
    expect(all).not.toContain('root:')
    await server.send({ type: 'policy', policy: { ...policy, services: ['../../etc/passwd'] } })
    await server.send({ type: 'exec', command: 'id' } as never)
    expect(await verdictOn(order(shipped('device-facts').envelope))).toMatchObject({ outcome: 'exited' })
  }, 60_000)
})

describe('the web side', () => {
  const json = { 'content-type': 'application/json' }
  const owner = { name: 'ana', password: 'a long enough password' }
  const cookieOf = (answer: Answer): string => String(answer.headers['set-cookie']?.[0]).split(';')[0]!
  const host = (): string => new URL(vigia.url).host
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    raw(vigia.url, {
      method: 'POST',
      path,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { host: host(), ...json, ...headers },
    })

  it('is set up once, by the link alone, and a session is never of the visitor’s choosing', async () => {
    const token = /setup#token=(\S+)/.exec(vigia.output())![1]!
    expect((await post('/api/setup', { ...owner, token: 'x'.repeat(43) })).status).toBe(403)
    const chosen = 'vigia_session=chosen-by-the-attacker'
    const tries = await Promise.all(
      [1, 2, 3].map(() => post('/api/setup', { ...owner, token }, { cookie: chosen })),
    )
    expect(tries.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    const made = tries.find(({ status }) => status === 200)!
    expect(String(made.headers['set-cookie'])).toMatch(/HttpOnly/)
    expect(String(made.headers['set-cookie'])).toMatch(/SameSite=Strict/)
    expect((await post('/api/setup', { ...owner, token })).status).toBe(409)
    expect(
      (await raw(vigia.url, { path: '/api/me', headers: { host: host(), cookie: chosen } })).status,
    ).toBe(401)
    const signedIn = await post('/api/login', owner, { cookie: cookieOf(made) })
    expect(cookieOf(signedIn)).not.toBe(cookieOf(made))
    expect(made.body + signedIn.body).not.toContain(cookieOf(signedIn).split('=')[1])
  })

  it('lets no foreign page, no rebound name and no session run code or change what only this machine may', async () => {
    const cookie = cookieOf(await post('/api/login', owner))
    const self = { cookie, origin: vigia.url }
    expect((await raw(vigia.url, { path: '/api/me', headers: { host: host(), cookie } })).status).toBe(200)
    for (const headers of [{ cookie, origin: 'http://evil.example' }, { cookie, origin: 'null' }, { cookie }])
      expect((await post('/api/logout', {}, headers as Record<string, string>)).status).toBe(403)
    const simple = { ...self, origin: 'http://evil.example', 'content-type': 'text/plain' }
    expect((await post('/api/login', JSON.stringify(owner), simple)).status).toBe(403)
    expect((await post('/api/login', JSON.stringify(owner), { 'content-type': 'text/plain' })).status).toBe(
      400,
    )
    for (const name of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil@localhost'])
      for (const path of ['/', '/api/setup', '/metrics', '/healthz'])
        expect(
          (await raw(vigia.url, { path, headers: { host: name } })).status,
          `${name}${path}`,
        ).toBeGreaterThanOrEqual(400)
    const device = local.device
    const { content } = shippedScripts()[0]!
    const unapproved = seal(SCRIPT_TYPE, scriptPayload({ ...content, version: 99 }), [makeSigner('eve')])
    for (const [path, body] of [
      ['/api/jobs', { device, script: 'device-facts', parameters: {} }],
      ['/api/enrol-tokens', { client: 'demo' }],
      ['/api/backup', { file: join(folder, 'stolen.backup') }],
      [`/api/devices/${device}/revoke`, {}],
      // An owner may hand in what approvers signed; what nobody signed is refused by its signatures.
      ['/api/scripts', unapproved],
      ['/api/trust', { ...unapproved, payloadType: ROOT_TYPE }],
    ] as const) {
      expect((await post(path, body, self)).status, path).toBe(403)
      expect((await post(path, body)).status, path).toBe(401)
      expect((await post(path, body, { authorization: `Bearer ${'x'.repeat(43)}` })).status, path).toBe(401)
    }
    expect(readdirSync(folder)).not.toContain('stolen.backup')
    for (const path of ['/api/events', `/api/jobs/${randomUUID()}/output`])
      expect((await raw(vigia.url, { path, headers: { host: host() } })).status, path).toBe(401)
    await post('/api/logout', {}, self)
    expect((await raw(vigia.url, { path: '/api/me', headers: { host: host(), cookie } })).status).toBe(401)
  }, 30_000)

  it('gives no file away and takes nothing that is too long, broken or packed', async () => {
    const token = readFileSync(join(vigia.dataDir, 'local.token'), 'utf8').trim()
    const auth = { host: host(), authorization: `Bearer ${token}` }
    for (const path of [
      '/../../../../../../etc/passwd',
      '/..%2f..%2f..%2f..%2fetc%2fpasswd',
      '/assets/..%2f..%2f..%2fpackage.json',
      '/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
      '/..\\..\\package.json',
      '/%00',
      '/api/reports/..%2f..%2fdemo/2026-01',
      '/api/reports/demo/2026-13',
      '/api/devices/..%2f..%2fx',
      `/api/jobs/${'../'.repeat(5)}x`,
    ]) {
      const { status, body } = await raw(vigia.url, { path, headers: auth })
      expect(body, path).not.toMatch(/root:|"devDependencies"/)
      // What is no file is the console's own page or a refusal, never a fault.
      expect(status, path).toBeLessThan(500)
    }
    const script = { device: local.device, script: '../../etc/passwd', parameters: {} }
    expect((await post('/api/jobs', script, auth)).status).toBe(404)
    const long = await post('/api/login', `{"name":"${'x'.repeat(2 * 1024 * 1024)}"}`).catch(() => undefined)
    if (long !== undefined) expect([400, 413]).toContain(long.status)
    for (const [body, headers] of [
      ['{"name":', {}],
      ['[]', {}],
      ['null', {}],
      [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, {}],
      ['{"name":"a","password":"b","__proto__":{"role":"owner"}}', {}],
      ['x', { 'content-encoding': 'gzip' }],
      ['<a/>', { 'content-type': 'application/xml' }],
      ['x', { 'content-type': 'multipart/form-data; boundary=x' }],
    ] as [string, Record<string, string>][]) {
      const answer = await post('/api/login', body, headers)
      expect(answer.status, body.slice(0, 60)).toBe(400)
      expect(JSON.parse(answer.body), body.slice(0, 60)).toMatchObject({ code: 'REQUEST_INVALID' })
    }
    expect((await vigia.server.call('health')).state).toBe('ok')
  }, 30_000)

  it('admits one device for one token, whoever is first, and keeps its secrets from other users', async () => {
    const { token } = await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })
    const { enrolDevice } = await import('../../agent/enrol.ts')
    const tries = await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) =>
        enrolDevice({
          serverUrl: vigia.url,
          token,
          dataDir: join(folder, `race-${index}`),
          machineId: `m${index}`,
        }),
      ),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const dataDir = join(folder, 'late')
    await expect(enrolDevice({ serverUrl: vigia.url, token, dataDir })).rejects.toThrow(/used or expired/)
    const pinned = token.replace(/[0-9a-f]{64}$/, '0'.repeat(64))
    await expect(enrolDevice({ serverUrl: vigia.url, token: pinned, dataDir })).rejects.toThrow(
      /another trust root/,
    )

    const loose = (path: string): string[] => {
      const stat = lstatSync(path)
      if (stat.isSymbolicLink()) return []
      if (stat.isDirectory())
        return (stat.mode & 0o005) === 0 ? [] : readdirSync(path).flatMap((name) => loose(join(path, name)))
      return (stat.mode & 0o044) === 0 ? [] : [path]
    }
    // Neither address nor process number is a secret. For the metrics see "Known limits" in docs/security.md.
    const known = root
      ? /\/(metrics\.duckdb(\.wal|\.tmp)?|vigia\.lock|server\.url)$/
      : /\/(vigia\.lock|server\.url)$/
    expect(loose(vigia.dataDir).filter((path) => !known.test(path))).toEqual([])
    expect(lstatSync(join(vigia.dataDir, 'local.token')).mode & 0o777).toBe(0o600)
  }, 30_000)

  it('ends a device at its revocation: session, resumption, old certificate', async () => {
    const gone = await enrolStolen(vigia, 'evil', folder)
    const session = await connectAs(gone)
    const cut = new Promise<void>((resolve) => session.once('close', () => resolve()))
    const ticket = await new Promise<Buffer>((resolve, reject) => {
      const socket = tlsConnect({
        ...{ host: '127.0.0.1', port: Number(new URL(gone.mqttUrl).port) },
        ...{ key: gone.key, cert: gone.cert, ca: gone.ca },
      })
      socket.once('session', (data) => {
        resolve(data)
        socket.destroy()
      })
      socket.on('error', reject)
    })
    await vigia.server.call('revokeDevice', { params: { device: gone.device } })
    await cut
    await expect(connectAs(gone)).rejects.toThrow(/[Nn]ot authorized/)
    await expect(connectAs(gone, { session: ticket } as object)).rejects.toThrow(/[Nn]ot authorized/)
    const body = { device: gone.device, script: 'device-facts', parameters: {} }
    await expect(vigia.server.call('createJob', { body })).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
  }, 30_000)

  it('slows guessing down, and the right password waits as well', async () => {
    const codes: number[] = []
    for (let count = 0; count < 14; count++)
      codes.push((await post('/api/login', { name: owner.name, password: `guess ${count}` })).status)
    expect(codes.slice(0, 9).every((code) => code === 401)).toBe(true)
    expect(codes.slice(-1)).toEqual([429])
    expect((await post('/api/login', owner)).status).toBe(429)
  }, 30_000)
})
