import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAuthority, type Authority } from '../../../server/fleet/ca.ts'
import { newRequest } from './request.ts'

const START_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const address = { client: 'acme', device: 'd-abcdefghijklmnop' }

describe('the authority', () => {
  let directory: string
  let nowMs: number
  const open = (names: string[] = []): Promise<Authority> =>
    openAuthority({ directory, names, clock: () => nowMs })

  beforeEach(() => {
    nowMs = START_MS
    directory = mkdtempSync(join(tmpdir(), 'vigia-ca-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('is made once and kept, its keys readable by their owner alone', async () => {
    const first = await open(['rmm.example.com'])
    const again = await open(['rmm.example.com'])
    expect(again.caPem).toBe(first.caPem)
    expect(again.server()).toEqual(first.server())
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    const server = new X509Certificate(first.server().certificatePem)
    for (const name of ['localhost', 'rmm.example.com']) expect(server.checkHost(name)).toBe(name)
    for (const ip of ['127.0.0.1', '::1']) expect(server.checkIP(ip)).toBe(ip)
    expect(server.checkHost('other.example.com')).toBeUndefined()
  })

  it('signs the server as a client of a broker outside, keeps that, and renews it in time', async () => {
    const authority = await open()
    const { certificatePem, keyPem } = await authority.serverClient()
    const certificate = new X509Certificate(certificatePem)
    expect(certificate.subject).toBe('CN=vigia-server')
    expect(certificate.verify(new X509Certificate(authority.caPem).publicKey)).toBe(true)
    // id-kp-clientAuth and nothing else: it cannot stand for the server itself.
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(certificate.subjectAltName).toBeUndefined()
    const again = await open()
    expect((await again.serverClient()).keyPem).toBe(keyPem)
    expect(readFileSync(join(directory, 'ca.crt'), 'utf8')).toBe(authority.caPem)
    nowMs += 380 * DAY_MS
    expect(await again.renew()).toBe(true)
    expect((await again.serverClient()).keyPem).not.toBe(keyPem)
    expect(await again.renew()).toBe(false)
  })

  it('carries a mutual TLS session; Node names the peer by the same serial and name', async () => {
    nowMs = Date.now()
    const authority = await open()
    const request = await newRequest()
    const device = await authority.signDevice(request.csrPem, address)
    const { keyPem, certificatePem } = authority.server()
    const server = createServer({
      key: keyPem,
      cert: certificatePem,
      ca: authority.caPem,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const peer = new Promise<{ serialNumber: string; subject: { CN: string } }>((resolve) =>
      server.once('secureConnection', (socket: TLSSocket) => {
        resolve(socket.getPeerCertificate() as unknown as { serialNumber: string; subject: { CN: string } })
        socket.end()
      }),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const socket = connect({
      ...{ host: '127.0.0.1', port, ca: authority.caPem, cert: device.certificatePem, key: request.keyPem },
    })
    const seen = await peer
    expect(socket.authorized).toBe(true)
    expect(seen.serialNumber).toBe(device.serial)
    expect(seen.subject.CN).toBe('acme/d-abcdefghijklmnop')
    socket.destroy()
    server.close()
  })

  it('signs for a year, for client authentication alone, ignoring the subject asked for', async () => {
    const authority = await open()
    const { certificatePem, expiresAtMs, serial } = await authority.signDevice(
      (await newRequest()).csrPem,
      address,
    )
    const certificate = new x509.X509Certificate(certificatePem)
    expect(expiresAtMs).toBe(nowMs + 365 * DAY_MS)
    expect(certificate.subject).toBe('CN=acme/d-abcdefghijklmnop')
    expect(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      x509.ExtendedKeyUsage.clientAuth,
    ])
    expect(certificate.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false)
    expect(new X509Certificate(certificatePem).verify(new X509Certificate(authority.caPem).publicKey)).toBe(
      true,
    )
    expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/)
    expect((await authority.signDevice((await newRequest()).csrPem, address)).serial).not.toBe(serial)
  })

  it('refuses requests that are no requests, of another kind of key, or not signed with their own key', async () => {
    const authority = await open()
    const rsa = (await newRequest('RSA')).csrPem
    const otherCurve = (await newRequest('P-384')).csrPem
    const der = Buffer.from(new x509.Pkcs10CertificateRequest((await newRequest()).csrPem).rawData)
    const victim = der.indexOf(Buffer.from('2a8648ce3d030107', 'hex')) + 20
    der[victim] = der[victim]! ^ 1
    const tampered = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
    for (const csr of ['', 'nonsense', authority.caPem, rsa, otherCurve, tampered])
      await expect(authority.signDevice(csr, address)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  it('renews the server certificate by itself within 30 days of its end, and for other names', async () => {
    const authority = await open()
    const first = authority.server()
    expect(await authority.renew()).toBe(false)
    nowMs = first.expiresAtMs - 29 * DAY_MS
    expect(await authority.renew()).toBe(true)
    expect(authority.server().expiresAtMs).toBe(nowMs + 397 * DAY_MS)
    const named = await open(['10.1.2.3'])
    expect(new X509Certificate(named.server().certificatePem).checkIP('10.1.2.3')).toBe('10.1.2.3')
    expect(named.caPem).toBe(authority.caPem)
  })

  it('never makes a second authority over one that cannot be read', async () => {
    await open()
    const path = join(directory, 'ca.pem')
    const kept = readFileSync(path, 'utf8')
    writeFileSync(path, kept.slice(0, 100))
    await expect(open()).rejects.toMatchObject({ code: 'DATA_UNREADABLE' })
    expect(readFileSync(path, 'utf8')).toBe(kept.slice(0, 100))
  })
})
