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

/** The name under which the server is a client of an external broker. */
export const SERVER_CLIENT = 'vigia-server'

/** A certificate with its key, PEM, and until when it is valid. */
type ServerCertificate = { certificatePem: string; keyPem: string; expiresAtMs: number }
/** `serial` is 32 upper-case hexadecimal digits, the same text that Node's TLS gives for a peer. */
type DeviceCertificate = { certificatePem: string; serial: string; expiresAtMs: number }

/** The installation's own certificate authority. */
export type Authority = {
  caPem: string
  /** The present server certificate. */
  server(): ServerCertificate
  /** What the server shows an external broker as its client; made and kept (`server-client.pem`) on first need. */
  serverClient(): Promise<ServerCertificate>
  /** Renews what of the server's own ends within 30 days or is for other `names`; true when something was. */
  renew(): Promise<boolean>
  /** Signs a device's request for one year, whatever subject it names. Throws REQUEST_INVALID. */
  signDevice(csrPem: string, address: DeviceAddress): Promise<DeviceCertificate>
}

/**
 * Opens the authority in its folder (`ca.pem` and `server.pem`, each a key and its certificate, and `ca.crt`, the
 * authority's certificate alone, for others to trust), makes it the first time. ECDSA P-256 with SHA-256 throughout. `names` are host names and addresses of the server beside
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
  writeIfOther(join(directory, 'ca.crt'), root.pem)
  const serverLeaf: Leaf = {
    path: join(directory, 'server.pem'),
    commonName: names[0] ?? 'localhost',
    usage: x509.ExtendedKeyUsage.serverAuth,
    names,
  }
  const clientLeaf: Leaf = {
    path: join(directory, 'server-client.pem'),
    commonName: SERVER_CLIENT,
    usage: x509.ExtendedKeyUsage.clientAuth,
    names: [],
  }
  let server = await openLeaf(serverLeaf, root, clock)

  return {
    caPem: root.pem,
    server: () => server,
    serverClient: () => openLeaf(clientLeaf, root, clock),
    async renew() {
      const before = server
      server = await openLeaf(serverLeaf, root, clock)
      const client = existsSync(clientLeaf.path) && readLeaf(clientLeaf, root, clock) === undefined
      if (client) await openLeaf(clientLeaf, root, clock)
      return client || server.certificatePem !== before.certificatePem
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

/** A certificate of the server's own: where it is kept, for whom and for what. Without names it has no alternative ones. */
type Leaf = {
  path: string
  commonName: string
  usage: x509.ExtendedKeyUsage
  names: readonly string[]
}

async function openLeaf(leaf: Leaf, root: Root, clock: Clock): Promise<ServerCertificate> {
  const present = readLeaf(leaf, root, clock)
  if (present !== undefined) return present
  const { keyPem, publicKey } = await newKey()
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(clock(), SERVER_MS),
    serialNumber: newSerial(),
    subject: [{ CN: [leaf.commonName] }],
    issuer: root.certificate.subject,
    publicKey,
    signingKey: root.key,
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.usage], true),
      ...alternativeNames(leaf.names),
      await x509.AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
    ],
  })
  // One file for both, so that they change together.
  writePrivate(leaf.path, `${keyPem}${certificate.toString('pem')}\n`)
  return {
    keyPem,
    certificatePem: `${certificate.toString('pem')}\n`,
    expiresAtMs: certificate.notAfter.getTime(),
  }
}

/** What is kept, unless it is another authority's or for other names, ends soon, or cannot be read: then a new one is made. */
function readLeaf(leaf: Leaf, root: Root, clock: Clock): ServerCertificate | undefined {
  if (!existsSync(leaf.path)) return undefined
  const { keyPem, certificatePem } = splitPem(readFileSync(leaf.path, 'utf8'))
  try {
    const certificate = new X509Certificate(certificatePem)
    const ours = certificate.verify(new X509Certificate(root.pem).publicKey)
    const whole = certificate.checkPrivateKey(createPrivateKey(keyPem))
    const wanted = leaf.names.every((name) =>
      isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name),
    )
    const exact = (certificate.subjectAltName?.split(', ').length ?? 0) === leaf.names.length
    const expiresAtMs = certificate.validToDate.getTime()
    if (!ours || !whole || !wanted || !exact || expiresAtMs - clock() <= RENEW_BEFORE_MS) return undefined
    return { keyPem, certificatePem, expiresAtMs }
  } catch {
    return undefined
  }
}

function alternativeNames(names: readonly string[]): x509.Extension[] {
  if (names.length === 0) return []
  return [
    new x509.SubjectAlternativeNameExtension(
      names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
    ),
  ]
}

function writeIfOther(path: string, text: string): void {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writePrivate(path, text)
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
