import 'reflect-metadata'
import { createPrivateKey, generateKeyPairSync, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import type { Clock } from '../../contract/clock.ts'
import { deviceCommonName } from '../../contract/enrol.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { writePrivate } from '../records/private-file.ts'

const DAY_MS = 86_400_000
const AUTHORITY_MS = 20 * 365 * DAY_MS
/** Apple's bound for TLS server certificates is 825 days for a CA of one's own; CAs in browsers' stores have 398. */
const SERVER_MS = 397 * DAY_MS
const DEVICE_MS = 365 * DAY_MS
const RENEW_BEFORE_MS = 30 * DAY_MS
/** Certificates are valid a little in the past, for devices whose clock is behind. */
const BACKDATE_MS = 60 * 60_000
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A certificate with its key, PEM, and until when it is valid. */
type ServerCertificate = { certificatePem: string; keyPem: string; expiresAtMs: number }
/** `serial` is 32 upper-case hexadecimal digits, the same text that Node's TLS gives for a peer. */
type DeviceCertificate = { certificatePem: string; serial: string; expiresAtMs: number }

/** The installation's own certificate authority. */
export type Authority = {
  caPem: string
  /** The present server certificate. */
  server(): ServerCertificate
  /** Renews the server certificate when it ends within 30 days or `names` have changed; true when it did. */
  renew(): Promise<boolean>
  /** Signs a device's request for one year, whatever subject it names. Throws REQUEST_INVALID. */
  signDevice(csrPem: string, address: DeviceAddress): Promise<DeviceCertificate>
}

/**
 * Opens the authority in its folder (`ca.pem` and `server.pem`, each a key and its certificate), makes it the
 * first time. ECDSA P-256 with SHA-256 throughout. `names` are host names and addresses of the server beside
 * localhost. Throws DATA_UNREADABLE when `ca.pem` is there and cannot be used: it never makes a second authority
 * over a first, since every device would be lost.
 */
export async function openAuthority(options: {
  directory: string
  names: readonly string[]
  clock: Clock
}): Promise<Authority> {
  const { directory, clock } = options
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...options.names])].sort()
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const root = await openRoot(directory, clock)
  let server = await openServer(directory, root, names, clock)

  return {
    caPem: root.pem,
    server: () => server,
    async renew() {
      const before = server
      server = await openServer(directory, root, names, clock)
      return server !== before && server.certificatePem !== before.certificatePem
    },
    async signDevice(csrPem, address) {
      const publicKey = await requestedKey(csrPem)
      const nowMs = clock()
      const certificate = await x509.X509CertificateGenerator.create({
        ...validity(nowMs, DEVICE_MS),
        serialNumber: newSerial(),
        subject: [{ CN: [deviceCommonName(address)] }],
        issuer: root.certificate.subject,
        publicKey,
        signingKey: root.key,
        signingAlgorithm: ECDSA,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true),
          await x509.AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
        ],
      })
      return {
        certificatePem: `${certificate.toString('pem')}\n`,
        serial: certificate.serialNumber.toUpperCase(),
        expiresAtMs: certificate.notAfter.getTime(),
      }
    },
  }
}

type Root = { pem: string; key: webcrypto.CryptoKey; certificate: x509.X509Certificate }

async function openRoot(directory: string, clock: Clock): Promise<Root> {
  const path = join(directory, 'ca.pem')
  if (!existsSync(path)) writePrivate(path, await newRoot(clock()))
  const { keyPem, certificatePem: pem } = splitPem(readFileSync(path, 'utf8'))
  try {
    if (!new X509Certificate(pem).checkPrivateKey(createPrivateKey(keyPem)))
      throw new TypeError('key and certificate do not belong together')
    return { pem, key: await signingKey(keyPem), certificate: new x509.X509Certificate(pem) }
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new VigiaError('DATA_UNREADABLE', `the certificate authority at ${path}: ${why}`, { cause: thrown })
  }
}

/** Key and certificate of a new authority, PEM, in one text, so that they are kept together or not at all. */
async function newRoot(nowMs: number): Promise<string> {
  const { keyPem, key, publicKey } = await newKey()
  const name = [{ CN: [`Vigía ${randomBytes(4).toString('hex')}`] }]
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(nowMs, AUTHORITY_MS),
    serialNumber: newSerial(),
    subject: name,
    issuer: name,
    publicKey,
    signingKey: key,
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return `${keyPem}${certificate.toString('pem')}\n`
}

async function openServer(
  directory: string,
  root: Root,
  names: readonly string[],
  clock: Clock,
): Promise<ServerCertificate> {
  const present = readServer(directory, root, names)
  if (present !== undefined && present.expiresAtMs - clock() > RENEW_BEFORE_MS) return present
  const { keyPem, publicKey } = await newKey()
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(clock(), SERVER_MS),
    serialNumber: newSerial(),
    subject: [{ CN: [names[0] ?? 'localhost'] }],
    issuer: root.certificate.subject,
    publicKey,
    signingKey: root.key,
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], true),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
    ],
  })
  // One file for both, so that they change together.
  writePrivate(join(directory, 'server.pem'), `${keyPem}${certificate.toString('pem')}\n`)
  return {
    keyPem,
    certificatePem: `${certificate.toString('pem')}\n`,
    expiresAtMs: certificate.notAfter.getTime(),
  }
}

/** The kept server certificate, unless it is another authority's or for other names, or cannot be read: then a new one is made. */
function readServer(directory: string, root: Root, names: readonly string[]): ServerCertificate | undefined {
  const path = join(directory, 'server.pem')
  if (!existsSync(path)) return undefined
  const { keyPem, certificatePem } = splitPem(readFileSync(path, 'utf8'))
  try {
    const certificate = new X509Certificate(certificatePem)
    const ours = certificate.verify(new X509Certificate(root.pem).publicKey)
    const whole = certificate.checkPrivateKey(createPrivateKey(keyPem))
    const wanted = names.every((name) =>
      isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name),
    )
    const exact = certificate.subjectAltName?.split(', ').length === names.length
    if (!ours || !whole || !wanted || !exact) return undefined
    return { keyPem, certificatePem, expiresAtMs: certificate.validToDate.getTime() }
  } catch {
    return undefined
  }
}

/** The key of a signing request that is well-formed, signed with that key, and ECDSA P-256. */
async function requestedKey(csrPem: string): Promise<x509.PublicKey> {
  const refuse = (why: string, cause?: unknown): VigiaError =>
    new VigiaError('REQUEST_INVALID', `the signing request ${why}`, {
      faults: [{ field: 'csrPem', message: why }],
      cause,
    })
  try {
    const request = new x509.Pkcs10CertificateRequest(csrPem)
    const algorithm = request.publicKey.algorithm as { name: string; namedCurve?: string }
    if (algorithm.name !== 'ECDSA' || algorithm.namedCurve !== 'P-256')
      throw refuse('is not for an ECDSA P-256 key')
    if (!(await request.verify())) throw refuse('is not signed with its own key')
    return request.publicKey
  } catch (thrown) {
    if (thrown instanceof VigiaError) throw thrown
    throw refuse('is not a PKCS #10 request in PEM', thrown)
  }
}

async function newKey(): Promise<{ keyPem: string; key: webcrypto.CryptoKey; publicKey: x509.PublicKey }> {
  const pair = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const publicKey = new x509.PublicKey(new Uint8Array(pair.publicKey))
  return { keyPem: pair.privateKey, key: await signingKey(pair.privateKey), publicKey }
}

function signingKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), ECDSA, false, ['sign'])
}

/** 127 random bits without leading zeros, so that every tool writes the same 32 digits. */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return bytes.toString('hex')
}

function validity(nowMs: number, lengthMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + lengthMs) }
}

function splitPem(text: string): { keyPem: string; certificatePem: string } {
  const begin = Math.max(0, text.indexOf('-----BEGIN CERTIFICATE-----'))
  return { keyPem: text.slice(0, begin), certificatePem: text.slice(begin) }
}
