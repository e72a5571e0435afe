import 'reflect-metadata'
import { X509Certificate, createHash, createPublicKey, webcrypto } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { hostname as ownHostname } from 'node:os'
import * as x509 from '@peculiar/x509'
import * as z from 'zod'
import { TrustRoot } from '../contract/trust/root.ts'
import { ENROL_TOKEN, EnrolAnswer, TrustAnswer, deviceCommonName } from '../contract/enrol.ts'
import type { EnrolRequest } from '../contract/enrol.ts'
import { ERROR_CODES, VigiaError, type ErrorCode } from '../contract/errors.ts'
import { thisSystem } from './act/system.ts'
import { writeWhole } from './outbox/layouts.ts'
import { syncDirectory } from './outbox/writer.ts'
import { agentPaths } from './paths.ts'

export type EnrolOptions = {
  /** Where the server answers, such as http://127.0.0.1:7400. */
  serverUrl: string
  /** `vigia1.ID.SECRET.PIN`, as a person carries it. */
  token: string
  dataDir: string
  hostname?: string
  /** The machine's own identity in clear; it is sent as a hash only. Read from the system by default. */
  machineId?: string | null
  /** Enrol again although the directory holds an identity. */
  replace?: boolean
  timeoutMs?: number
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/**
 * Makes this machine a device: checks that the server is the one that the token pins before anything secret is
 * sent, makes the key here, has it certified, and writes the agent's data directory; agent.json last, so that a
 * half enrolment is none. Throws ENROL_TRUST_MISMATCH, ENROL_TOKEN_INVALID, CONFLICT, SERVER_AWAY, REQUEST_INVALID.
 */
export async function enrolDevice(options: EnrolOptions): Promise<{ client: string; device: string }> {
  const { dataDir, timeoutMs = 20_000 } = options
  const serverUrl = options.serverUrl.replace(/\/+$/, '')
  const paths = agentPaths(dataDir)
  const [, tokenId, tokenSecret, pin] = ENROL_TOKEN.exec(options.token.trim()) ?? []
  if (tokenId === undefined || tokenSecret === undefined || pin === undefined)
    throw new VigiaError('ENROL_TOKEN_INVALID', 'The token is not of the form vigia1.ID.SECRET.PIN')
  if (existsSync(paths.config) && options.replace !== true)
    throw new VigiaError('CONFLICT', `${dataDir} holds the identity of a device already`)

  const { trustText } = await ask(TrustAnswer, `${serverUrl}/api/enrol/trust`, timeoutMs)
  checkPin(trustText, pin)

  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request: z.infer<typeof EnrolRequest> = {
    tokenId,
    tokenSecret,
    csrPem: await signingRequest(keys),
    hostname: options.hostname ?? ownHostname(),
    os: thisSystem(),
    arch: process.arch,
    machineId: hashed(options.machineId === undefined ? readMachineId() : options.machineId),
  }
  const answer = await ask(EnrolAnswer, `${serverUrl}/api/enrol`, timeoutMs, request)
  checkPin(answer.trustText, pin)
  const trust = TrustRoot.parse(JSON.parse(answer.trustText))
  const keyPem = x509.PemConverter.encode(
    await webcrypto.subtle.exportKey('pkcs8', keys.privateKey),
    'PRIVATE KEY',
  )
  checkCertificate({ ...answer, caPem: trust.caPem, keyPem })

  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeWhole(paths.key, `${keyPem}\n`)
  writeWhole(paths.certificate, answer.certificatePem)
  writeWhole(paths.trust, answer.trustText)
  const config = { serverUrl, mqttUrl: answer.mqttUrl, client: answer.client, device: answer.device }
  writeWhole(paths.config, `${JSON.stringify(config, null, 2)}\n`)
  syncDirectory(dataDir)
  return { client: answer.client, device: answer.device }
}

function checkPin(trustText: string, pin: string): void {
  if (createHash('sha256').update(trustText).digest('hex') === pin) return
  throw new VigiaError(
    'ENROL_TRUST_MISMATCH',
    'The server shows another trust root than the token names: approvers changed it since (then a new token is needed), or it is another server',
  )
}

async function signingRequest(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=vigia-agent',
    keys,
    signingAlgorithm: algorithm,
  })
  return request.toString('pem')
}

/** The certificate must be for our key, name us as the server says, and come from the pinned authority. */
function checkCertificate(given: {
  certificatePem: string
  caPem: string
  keyPem: string
  client: string
  device: string
}): void {
  const certificate = new X509Certificate(given.certificatePem)
  const own = createPublicKey(given.keyPem).export({ type: 'spki', format: 'der' })
  const named = certificate.subject.split('\n').includes(`CN=${deviceCommonName(given)}`)
  const ours = certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(own)
  const pinned = certificate.verify(new X509Certificate(given.caPem).publicKey)
  if (named && ours && pinned) return
  throw new VigiaError(
    'ENROL_TRUST_MISMATCH',
    'The certificate is not one of the pinned authority for this device',
  )
}

async function ask<T>(schema: z.ZodType<T>, url: string, timeoutMs: number, body?: object): Promise<T> {
  let status: number
  let value: unknown
  try {
    const answer = await fetch(url, {
      ...(body
        ? { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
        : {}),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    status = answer.status
    value = await answer.json()
  } catch (thrown) {
    throw new VigiaError('SERVER_AWAY', `${url} does not answer: ${causeOf(thrown)}`, { cause: thrown })
  }
  if (status !== 200) throw refusalOf(status, value)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new VigiaError('SERVER_AWAY', `${url} answers something that is not of Vigía`)
}

function refusalOf(status: number, value: unknown): VigiaError {
  const told = z.object({ code: z.string(), message: z.string() }).safeParse(value)
  if (told.success && isErrorCode(told.data.code)) return new VigiaError(told.data.code, told.data.message)
  return new VigiaError('SERVER_AWAY', `The server answers with status ${String(status)}`)
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}

function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message
}

function hashed(machineId: string | null): string | null {
  return machineId === null ? null : createHash('sha256').update(`vigia machine ${machineId}`).digest('hex')
}

/** The machine's own identity: DMI's UUID, else machine-id(5); null where neither can be read. */
function readMachineId(): string | null {
  for (const path of ['/sys/class/dmi/id/product_uuid', '/etc/machine-id', '/var/lib/dbus/machine-id']) {
    try {
      const text = readFileSync(path, 'utf8').trim().toLowerCase()
      if (text !== '' && !/^[0f-]*$/.test(text)) return text
    } catch (thrown) {
      // Not there, or only for root: the next one.
      if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    }
  }
  return null
}
