import 'reflect-metadata'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../../agent/collect/certificate.ts'
import { machine, POLICY, START_MS, watch } from './machine.ts'

const DAY_MS = 86_400_000

async function makeCertificate(notAfterMs: number): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    notBefore: new Date(START_MS - 10 * DAY_MS),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: algorithm,
    keys,
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: `${made.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  }
}

describe('certificate', () => {
  it('reads PEM files, the first certificate of each, negative once it has expired', async () => {
    const vm = machine()
    const soon = await makeCertificate(START_MS + 12.5 * DAY_MS)
    const past = await makeCertificate(START_MS - 2 * DAY_MS)
    vm.write('etc/ssl/soon.pem', soon.cert + past.cert)
    vm.write('etc/ssl/past.pem', past.cert)
    vm.write('etc/ssl/broken.pem', 'no certificate')
    const certificates = [
      '/etc/ssl/soon.pem',
      '/etc/ssl/past.pem',
      '/etc/ssl/broken.pem',
      '/etc/ssl/none.pem',
    ]
    const watched = watch(vm, [certificate], { policy: { ...POLICY, certificates } })
    expect(await watched.run()).toEqual({
      'certificate.remaining_days{certificate="/etc/ssl/soon.pem"}': 12.5,
      'certificate.remaining_days{certificate="/etc/ssl/past.pem"}': -2,
      'certificate.remaining_days{certificate="/etc/ssl/broken.pem"}': null,
      'certificate.remaining_days{certificate="/etc/ssl/none.pem"}': null,
    })
    expect(watched.warnings).toHaveLength(2)
    expect(watched.failed()).toEqual([])
  })

  it('asks a TLS endpoint, trusted or not; one that does not answer in TLS is unavailable', async () => {
    const server = createServer(await makeCertificate(START_MS + 30 * DAY_MS))
    const plain = createTcpServer((socket) => socket.end('220 not TLS\r\n'))
    onTestFinished(() => {
      server.close()
      plain.close()
    })
    for (const each of [server, plain])
      await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))
    const at = (each: typeof server | typeof plain): string =>
      `127.0.0.1:${(each.address() as AddressInfo).port}`
    const certificates = [at(server), at(plain), '127.0.0.1:1', 'nonsense']
    expect(await watch(machine(), [certificate], { policy: { ...POLICY, certificates } }).run()).toEqual({
      [`certificate.remaining_days{certificate="${at(server)}"}`]: 30,
      [`certificate.remaining_days{certificate="${at(plain)}"}`]: null,
      'certificate.remaining_days{certificate="127.0.0.1:1"}': null,
      'certificate.remaining_days{certificate="nonsense"}': null,
    })
  })

  it('watches what the policy names now', async () => {
    const vm = machine()
    const watched = watch(vm, [certificate])
    expect(await watched.run()).toEqual({})
    watched.cycle.setPolicy({ ...POLICY, certificates: ['/a.pem', '/a.pem'] })
    expect(await watched.run()).toEqual({ 'certificate.remaining_days{certificate="/a.pem"}': null })
  })
})
