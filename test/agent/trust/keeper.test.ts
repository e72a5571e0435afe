import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { createDialler } from '../../../agent/link/dial.ts'
import { createLog } from '../../../agent/log.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { createAuthorities } from '../../../agent/trust/authorities.ts'
import { createTrustKeeper, type TrustKeeper } from '../../../agent/trust/keeper.ts'
import { createTestAuthority, type TestAuthority } from '../../support/test-authority.ts'
import { makeSigner, makeTrust, sealRoot, type Signer } from '../act/signing.ts'
import { until } from '../stub-server.ts'

const [ann, bob, eve, server] = ['ann', 'bob', 'eve', 'server'].map(makeSigner) as [
  Signer,
  Signer,
  Signer,
  Signer,
]
let first: TestAuthority
let second: TestAuthority
let dataDir: string
let keeper: TrustKeeper
let taken: string[]
const lines: string[] = []
const log = createLog({ level: 'debug', now: () => 0, write: (line) => void lines.push(line) })

beforeAll(async () => {
  first = await createTestAuthority('first')
  second = await createTestAuthority('second')
})
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'vigia-trust-'))
  lines.length = 0
  open(JSON.stringify(root(1)))
})
afterEach(async () => {
  await keeper.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const root = (version: number, caPem = first.caPem, approvers = [ann, bob]) =>
  makeTrust(approvers, [server], 1, { version, caPem, fleetThreshold: 2 })
const signed = (version: number, caPem?: string, approvers?: Signer[]): DsseEnvelope =>
  sealRoot(root(version, caPem, approvers), [ann, bob])

function open(text?: string): void {
  const paths = agentPaths(dataDir)
  if (text !== undefined) writeFileSync(paths.trust, text)
  taken = []
  keeper = createTrustKeeper({
    ...{ paths, log, text: readFileSync(paths.trust, 'utf8') },
    changed: (next) => void taken.push(next),
  })
}
const pinned = (): number =>
  (JSON.parse(readFileSync(agentPaths(dataDir).trust, 'utf8')) as { version: number }).version
const refusals = (): string[] =>
  lines
    .filter((line) => line.includes('a trust root was refused'))
    .map((line) => /"code":"([A-Z_]+)"/.exec(line)![1]!)

describe('the pinned trust root', () => {
  it('goes forward by several steps at once, is whole on the disk, and stays after a restart', async () => {
    keeper.take([signed(1), signed(2), signed(3, first.caPem, [ann, bob, eve])])
    await until('version 3', () => taken.length === 1)
    expect(keeper.text()).toBe(JSON.stringify(root(3, first.caPem, [ann, bob, eve])))
    expect(readFileSync(agentPaths(dataDir).trust, 'utf8')).toBe(keeper.text())
    expect(readdirSync(dataDir)).toEqual(['trust.json'])
    open()
    keeper.take([signed(2)])
    keeper.take([signed(4)])
    await until('version 4', () => pinned() === 4)
    expect(refusals()).toEqual([])
  })

  it('is not moved by forged, older, mixed or skipping roots; the steps before a bad one stand', async () => {
    const attempts: [DsseEnvelope[], string, number][] = [
      [[sealRoot(root(2), [ann, eve])], 'TRUST_THRESHOLD', 1],
      [[sealRoot(root(2), [ann, ann])], 'TRUST_THRESHOLD', 1],
      [[sealRoot(root(2), [server])], 'TRUST_THRESHOLD', 1],
      [[signed(3)], 'TRUST_INVALID', 1],
      [[sealRoot('{', [ann, bob])], 'TRUST_INVALID', 1],
      [[signed(2, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')], 'TRUST_INVALID', 1],
      [[signed(2, second.server.certPem)], 'TRUST_INVALID', 1],
      [[signed(2), sealRoot(root(3), [ann])], 'TRUST_THRESHOLD', 2],
      [[{ payloadType: '', payload: '', signatures: [] }], 'TRUST_INVALID', 2],
    ]
    for (const [index, [roots, code, version]] of attempts.entries()) {
      keeper.take(roots)
      await until(`refusal ${String(index)}`, () => refusals().length === index + 1)
      expect([index, refusals().at(-1), pinned()]).toEqual([index, code, version])
    }
    keeper.take([signed(1)])
    await keeper.stop()
    expect(pinned()).toBe(2)
  }, 30_000)

  it('a file that was damaged is left as it is, and told', async () => {
    writeFileSync(agentPaths(dataDir).trust, '{')
    keeper.take([signed(2)])
    await until('a refusal', () => refusals().length === 1)
    expect(readFileSync(agentPaths(dataDir).trust, 'utf8')).toBe('{')
  })
})

describe('a root with another authority', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const each of servers.splice(0)) each.close()
  })

  /** Connects as the agent does to a server with a certificate of this authority; did TLS let it in? */
  async function enters(
    authority: TestAuthority,
    tls: { key: string; cert: string; ca: string },
    seen: (chain: string[]) => void,
  ) {
    const { keyPem: key, certPem: cert } = authority.server
    const listening = createServer({ key, cert, requestCert: true, rejectUnauthorized: false })
    servers.push(listening)
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    listening.on('tlsClientError', () => undefined)
    const { port } = listening.address() as AddressInfo
    return new Promise<boolean>((resolve) => {
      const dial = createDialler({
        ...{
          url: `mqtts://127.0.0.1:${String(port)}`,
          tls,
          clientId: 'd',
          will: { topic: 'x', payload: '' },
        },
        onChain(chain) {
          seen(chain)
          client.end(true)
          resolve(true)
        },
      })
      const client = dial(() => resolve(false))
    })
  }

  it('lets the server before in until the new authority has worked once, and never after that', async () => {
    const device = await first.issue('acme/d-aaaaaaaaaaaaaaaa')
    const paths = agentPaths(dataDir)
    let forgotten = 0
    const opened = () =>
      createAuthorities({
        caPem: (JSON.parse(readFileSync(paths.trust, 'utf8')) as { caPem: string }).caPem,
        before: paths.authorityBefore,
        forgotten: () => (forgotten += 1),
      })
    let authorities = opened()
    const tls = {
      ...{ key: device.keyPem, cert: device.certPem },
      get ca() {
        return authorities.pem()
      },
    }
    const in_ = (authority: TestAuthority) => enters(authority, tls, (chain) => authorities.connected(chain))
    expect(await in_(first)).toBe(true)
    expect(await in_(second)).toBe(false)

    keeper.take([signed(2, second.caPem)])
    await until('version 2', () => taken.length === 1)
    authorities.changed((JSON.parse(taken[0]!) as { caPem: string }).caPem)
    expect(await in_(first)).toBe(true)
    authorities = opened()
    expect(await in_(first)).toBe(true)
    expect(forgotten).toBe(0)
    expect(await in_(second)).toBe(true)
    expect(forgotten).toBe(1)
    expect(existsSync(paths.authorityBefore)).toBe(false)
    expect(await in_(first)).toBe(false)
    authorities = opened()
    expect(await in_(first)).toBe(false)
    expect(await in_(second)).toBe(true)
  })

  it('two changes of the authority: the one that last worked is kept, not the one that never did', async () => {
    const third = await createTestAuthority('third')
    keeper.take([signed(2, second.caPem), signed(3, third.caPem)])
    await until('version 3', () => pinned() === 3)
    expect(readFileSync(agentPaths(dataDir).authorityBefore, 'utf8')).toBe(first.caPem)
    keeper.take([signed(4, second.caPem)])
    await until('version 4', () => pinned() === 4)
    expect(readFileSync(agentPaths(dataDir).authorityBefore, 'utf8')).toBe(first.caPem)
  })
})
