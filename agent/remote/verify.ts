import { createHash, createPublicKey, verify } from 'node:crypto'
import { VigiaError } from '../../contract/errors.ts'
import { REMOTE_TYPE, RemoteRequest } from '../../contract/remote/session.ts'
import { preAuthEncoding, type DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { TrustRoot, TrustedKey } from '../../contract/trust/root.ts'
import { isFresh, serverTimes, type Hello } from '../server-time.ts'

/** A request for a remote session as it came, and everything of this device that it is checked against. */
export type RemoteClaim = {
  request: DsseEnvelope
  trust: TrustRoot
  address: DeviceAddress
  /** The challenge of the present session with the server. */
  challenge: string
  /** The hellos of that session, by which the server's clock is known. */
  hellos: readonly Hello[]
  nowMs: number
  /** Was a session of this id ever accepted here? */
  seen: (session: string) => boolean
  /** The device's own kill switch. */
  disabled: boolean
}

/** A request that may be asked for and opened: every check has passed. `salt` is the SHA-256 of its payload. */
export type AcceptedRemote = { request: RemoteRequest; technician: TrustedKey; salt: Buffer }

/** How far the clocks of technician and server may be apart, as the device knows the server's. */
const SKEW_MS = 5 * 60_000
/** A request lives at most this long. */
const LIFE_MS = 2 * 60_000

/**
 * Checks a request and throws a VigiaError with the code of the first check that fails, in this order:
 *
 * 1. COMMAND_FORGED: no valid signature of a key that may order (the server), or none of a technician by another key.
 *    Nothing is read out of the payload before both hold.
 * 2. COMMAND_MALFORMED: the payload is no RemoteRequest.
 * 3. COMMAND_FORGED: it names another technician than the key that signed it.
 * 4. COMMAND_RETARGETED: another device or client.
 * 5. COMMAND_REPLAYED: the challenge of another session with the server.
 * 6. COMMAND_EXPIRED: it lives longer than two minutes, is over, or is from more than five minutes ahead.
 * 7. COMMAND_REPLAYED: the session was accepted before.
 * 8. COMMAND_DISABLED: the device's own kill switch.
 */
export function verifyRemote(claim: RemoteClaim): AcceptedRemote {
  const { trust, address } = claim
  const payload = Buffer.from(claim.request.payload, 'base64')
  const orderers = signersOf(claim.request, payload, trust.orderers.keys)
  if (orderers.length === 0)
    throw new VigiaError('COMMAND_FORGED', 'The request bears no valid signature of the server')
  // A key that stands in both lists does not count for two.
  const technicians = signersOf(claim.request, payload, trust.technicians.keys).filter(
    ({ keyid }) => !orderers.some((orderer) => orderer.keyid === keyid),
  )
  const [technician] = technicians
  if (technician === undefined)
    throw new VigiaError('COMMAND_FORGED', 'The request bears no valid signature of a technician')

  const request = read(payload)
  if (!technicians.some(({ name }) => name.normalize('NFC') === request.technician.normalize('NFC')))
    throw new VigiaError(
      'COMMAND_FORGED',
      `The request names ${request.technician}, whose key did not sign it`,
    )
  if (request.client !== address.client || request.device !== address.device)
    throw new VigiaError('COMMAND_RETARGETED', `The request is for ${request.client}/${request.device}`)
  if (request.challenge !== claim.challenge)
    throw new VigiaError('COMMAND_REPLAYED', 'The request belongs to another session')
  const lifeMs = request.expiresAtMs - request.issuedAtMs
  if (lifeMs <= 0 || lifeMs > LIFE_MS)
    throw new VigiaError('COMMAND_EXPIRED', 'The request must live no longer than two minutes')
  const times = serverTimes(request.clock, claim.hellos, claim.nowMs)
  if (!isFresh(request, times, { aheadMs: SKEW_MS, lateMs: SKEW_MS }))
    throw new VigiaError(
      'COMMAND_EXPIRED',
      request.issuedAtMs > Math.max(...times)
        ? 'The request was issued in the future'
        : 'The request has expired',
    )
  if (claim.seen(request.session)) throw new VigiaError('COMMAND_REPLAYED', 'The session was opened before')
  if (claim.disabled) throw new VigiaError('COMMAND_DISABLED', 'Commands are switched off on this device')
  return { request, technician, salt: createHash('sha256').update(payload).digest() }
}

/** The trusted keys, each once, whose signature over these bytes holds. DSSE v1; key ids as in TUF. */
function signersOf(envelope: DsseEnvelope, payload: Buffer, keys: readonly TrustedKey[]): TrustedKey[] {
  if (envelope.payloadType !== REMOTE_TYPE) return []
  const bytes = preAuthEncoding(REMOTE_TYPE, payload)
  const good = new Map<string, TrustedKey>()
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.find((each) => each.keyid === keyid && keyIdOf(each) === keyid)
    if (!key) continue
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.publicKey }
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
    if (verify(null, bytes, publicKey, Buffer.from(sig, 'base64'))) good.set(key.keyid, key)
  }
  return [...good.values()]
}

function keyIdOf(key: TrustedKey): string {
  return createHash('sha256').update(Buffer.from(key.publicKey, 'base64url')).digest('hex')
}

function read(payload: Buffer): RemoteRequest {
  let value: unknown
  try {
    value = JSON.parse(payload.toString('utf8'))
  } catch (thrown) {
    throw new VigiaError('COMMAND_MALFORMED', 'The request is not JSON', { cause: thrown })
  }
  const parsed = RemoteRequest.safeParse(value)
  // As it stands in frames.
  if (parsed.success) return { ...parsed.data, session: parsed.data.session.toLowerCase() }
  const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  throw new VigiaError(
    'COMMAND_MALFORMED',
    `The request: ${faults.map(({ field, message }) => `${field} ${message}`).join('; ')}`,
    { faults },
  )
}
