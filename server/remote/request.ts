import { createHash } from 'node:crypto'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { REMOTE_TYPE, RemoteRequest } from '../../contract/remote/session.ts'
import type { SessionHello } from '../../contract/report.ts'
import type { TrustedKey } from '../../contract/trust/root.ts'

/** Who asks: `name` is bound to the key, `clients` are those whose devices they may reach (null: all). */
export type Asker = { name: string; role: string; clients: readonly string[] | null }

/** A request that may be countersigned. */
export type Checked = { request: RemoteRequest; keyid: string; digest: string }

const SKEW_MS = 5 * 60_000
const LIFE_MS = 2 * 60_000

/**
 * Checks a technician's request as the device will, and whether this person may, so that what is refused is refused
 * early. Throws COMMAND_FORGED, COMMAND_MALFORMED, FORBIDDEN, REMOTE_UNAVAILABLE, COMMAND_REPLAYED or COMMAND_EXPIRED.
 */
export function checkRequest(options: {
  envelope: DsseEnvelope
  /** The technicians of the present trust root whose signature over the envelope holds. */
  signers: readonly TrustedKey[]
  asker: Asker
  /** What the device said of itself in its present session; undefined when it has none. */
  hello: (device: string) => SessionHello | undefined
  nowMs: number
}): Checked {
  const { envelope, signers, asker, nowMs } = options
  if (envelope.payloadType !== REMOTE_TYPE || signers.length === 0)
    throw new VigiaError(
      'COMMAND_FORGED',
      'the request bears no valid signature of a technician of the present trust root',
    )
  const bytes = Buffer.from(envelope.payload, 'base64')
  const request = read(bytes)
  const key = signers.find(({ name }) => sameName(name, request.technician))
  if (key === undefined)
    throw new VigiaError('FORBIDDEN', `the key that signed it is not that of ${request.technician}`)
  // The machine of the server itself has no name of its own: there the key alone says who it is.
  if (asker.role !== 'local' && !sameName(asker.name, request.technician))
    throw new VigiaError(
      'FORBIDDEN',
      `${asker.name} is signed in, and the request is signed by ${request.technician}`,
    )
  if (asker.clients !== null && !asker.clients.includes(request.client))
    throw new VigiaError('FORBIDDEN', `${asker.name} may open no session on devices of ${request.client}`)
  const hello = options.hello(request.device)
  if (hello === undefined) throw new VigiaError('REMOTE_UNAVAILABLE', 'the device is not connected')
  if (hello.abilities?.includes('remote') !== true)
    throw new VigiaError(
      'REMOTE_UNAVAILABLE',
      `agent ${hello.agentVersion} has no remote sessions; update it`,
    )
  if (hello.challenge !== request.challenge)
    throw new VigiaError('COMMAND_REPLAYED', 'the device has connected anew since the request was signed')
  const lifeMs = request.expiresAtMs - request.issuedAtMs
  if (lifeMs <= 0 || lifeMs > LIFE_MS || nowMs > request.expiresAtMs || request.issuedAtMs > nowMs + SKEW_MS)
    throw new VigiaError('COMMAND_EXPIRED', 'the request has expired, or lives longer than two minutes')
  return { request, keyid: key.keyid, digest: createHash('sha256').update(bytes).digest('hex') }
}

function sameName(a: string, b: string): boolean {
  return a.normalize('NFC') === b.normalize('NFC')
}

function read(bytes: Buffer): RemoteRequest {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (thrown) {
    throw new VigiaError('COMMAND_MALFORMED', 'the request is not JSON', { cause: thrown })
  }
  const parsed = RemoteRequest.safeParse(value)
  if (parsed.success) return { ...parsed.data, session: parsed.data.session.toLowerCase() }
  const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  const words = faults.map(({ field, message }) => `${field} ${message}`).join('; ')
  throw new VigiaError('COMMAND_MALFORMED', `the request: ${words}`, { faults })
}
