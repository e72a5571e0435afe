import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EnrolRequest, deviceCommonName, type EnrolAnswer } from '../../contract/enrol.ts'
import { readConfig } from '../../agent/config.ts'
import { enrolDevice } from '../../agent/enrol.ts'
import { agentPaths } from '../../agent/paths.ts'
import { makeSigner, makeTrust } from './act/signing.ts'
import { makeAuthority, type Authority } from './stub-server.ts'

const address = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
let root = ''
let dataDir = ''
let authority: Authority
let trustText = ''
let server: Server
let serverUrl = ''
let requests: EnrolRequest[] = []
let change: (answer: EnrolAnswer) => EnrolAnswer = (answer) => answer
let shownTrust: string | undefined
let refusal: { status: number; body: object } | undefined
let shown = 0

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vigia-enrol-'))
  dataDir = join(root, 'agent')
  authority = await makeAuthority()
  trustText = JSON.stringify({
    ...makeTrust([makeSigner('ann')], [makeSigner('server')]),
    caPem: authority.caPem,
  })
  requests = []
  change = (answer) => answer
  shownTrust = undefined
  refusal = undefined
  shown = 0
  server = createServer((request, response) => {
    const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body))
    if (request.url === '/api/enrol/trust') {
      shown += 1
      answer(200, { trustText: shownTrust ?? trustText })
      return
    }
    let text = ''
    request.on('data', (chunk) => (text += String(chunk)))
    request.on('end', () => {
      const parsed = EnrolRequest.parse(JSON.parse(text))
      requests.push(parsed)
      if (refusal) answer(refusal.status, refusal.body)
      else
        void authority.sign(parsed.csrPem, deviceCommonName(address)).then((certificatePem) => {
          answer(200, change({ ...address, certificatePem, trustText, mqttUrl: 'mqtts://127.0.0.1:8883' }))
        })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  serverUrl = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
})
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(root, { recursive: true, force: true })
})

const token = (): string =>
  `vigia1.${'a'.repeat(16)}.${'s'.repeat(43)}.${createHash('sha256').update(trustText).digest('hex')}`
const enrol = (more: object = {}) => enrolDevice({ serverUrl, token: token(), dataDir, ...more })

describe('enrolDevice', () => {
  it('makes the key here, proves that it holds it, and writes what the agent needs', async () => {
    expect(await enrol({ machineId: 'board-1' })).toEqual(address)
    const paths = agentPaths(dataDir)
    expect(readConfig(paths.config)).toEqual({ serverUrl, mqttUrl: 'mqtts://127.0.0.1:8883', ...address })
    expect(readFileSync(paths.trust, 'utf8')).toBe(trustText)
    expect(statSync(paths.key).mode & 0o777).toBe(0o600)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(readdirSync(dataDir).sort()).toEqual(['agent.json', 'cert.pem', 'key.pem', 'trust.json'])
    expect(JSON.stringify(requests)).not.toContain('PRIVATE KEY')
    expect(JSON.stringify(requests)).not.toContain('board-1')
    expect(requests[0]?.machineId).toMatch(/^[0-9a-f]{64}$/)
  })

  it('sends nothing secret to a server that shows another trust root', async () => {
    shownTrust = trustText.replace('"version":1', '"version":2')
    await expect(enrol()).rejects.toMatchObject({ code: 'ENROL_TRUST_MISMATCH' })
    expect([shown, requests.length, existsSync(dataDir)]).toEqual([1, 0, false])
  })

  it.each<[string, (answer: EnrolAnswer) => Promise<EnrolAnswer> | EnrolAnswer]>([
    ['another trust root', (answer) => ({ ...answer, trustText: `${answer.trustText} ` })],
    ['another device than certified', (answer) => ({ ...answer, device: 'd-bbbbbbbbbbbbbbbb' })],
  ])('writes nothing when the answer carries %s', async (_, make) => {
    change = (answer) => make(answer) as EnrolAnswer
    await expect(enrol()).rejects.toMatchObject({ code: 'ENROL_TRUST_MISMATCH' })
    expect(existsSync(dataDir)).toBe(false)
  })

  it('writes nothing when the certificate is for another key or of another authority', async () => {
    const foreign = await (await makeAuthority()).issue(deviceCommonName(address))
    const otherKey = await authority.issue(deviceCommonName(address))
    for (const { cert } of [foreign, otherKey]) {
      change = (answer) => ({ ...answer, certificatePem: cert })
      await expect(enrol()).rejects.toMatchObject({ code: 'ENROL_TRUST_MISMATCH' })
    }
    expect(existsSync(dataDir)).toBe(false)
  })

  it('hands on why the server refuses, and says when it is away or is no Vigía', async () => {
    refusal = { status: 403, body: { code: 'ENROL_TOKEN_INVALID', message: 'used', next: '', faults: [] } }
    await expect(enrol()).rejects.toMatchObject({ code: 'ENROL_TOKEN_INVALID', message: 'used' })
    refusal = { status: 500, body: { oh: 'no' } }
    await expect(enrol()).rejects.toMatchObject({ code: 'SERVER_AWAY' })
    await expect(enrol({ serverUrl: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'SERVER_AWAY' })
    await expect(enrol({ token: 'vigia1.x' })).rejects.toMatchObject({ code: 'ENROL_TOKEN_INVALID' })
  })

  it('does not overwrite an identity unless told to', async () => {
    await enrol()
    const before = readFileSync(agentPaths(dataDir).key, 'utf8')
    await expect(enrol()).rejects.toMatchObject({ code: 'CONFLICT' })
    await enrol({ replace: true })
    expect(readFileSync(agentPaths(dataDir).key, 'utf8')).not.toBe(before)
  })

  it('a half enrolment is none: without agent.json it starts again', async () => {
    await enrol()
    rmSync(agentPaths(dataDir).config)
    writeFileSync(`${agentPaths(dataDir).key}.new`, 'half')
    expect(await enrol()).toEqual(address)
  })
})
