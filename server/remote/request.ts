import { createHash } from 'node:crypto'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { removalCommand } from '../../contract/trust/removal.ts'
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
 * Checks who signed a technician's request, and that it is whoever asks: nothing of the device is looked at. Throws
 * COMMAND_FORGED, COMMAND_MALFORMED or FORBIDDEN.
 */
export function checkSigner(options: {
  envelope: DsseEnvelope
  /** The technicians of the present trust root whose signature over the envelope holds. */
  signers: readonly TrustedKey[]
  asker: Asker
}): Checked {
  const { envelope, signers, asker } = options
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
  return { request, keyid: key.keyid, digest: createHash('sha256').update(bytes).digest('hex') }
}

/**
 * Whose key it is may have been removed: the key stands until approvers take it out, and counts no more. Throws
 * FORBIDDEN.
 */
export function refuseFormer({ request, keyid }: Checked, removed: boolean): void {
  if (removed)
    throw new VigiaError(
      'FORBIDDEN',
      `${request.technician} was removed; approvers take the key out with "${removalCommand([{ role: 'technician', keyid }])}"`,
    )
}

/** May this person reach the device? One of another client is to them as if it were not there. Throws NOT_FOUND. */
export function checkDevice({ request }: Checked, { clients }: Asker, stands: boolean): void {
  if (stands && (clients === null || clients.includes(request.client))) return
  throw new VigiaError('NOT_FOUND', `there is no device ${request.device}`)
}

/** Checks a request as its device will in its present session. Throws REMOTE_UNAVAILABLE, COMMAND_REPLAYED or COMMAND_EXPIRED. */
export function checkFresh({ request }: Checked, hello: SessionHello | undefined, nowMs: number): void {
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
}

/** Names are one where they differ in nothing but how their letters are written down (Unicode, NFC). */
export function sameName(a: string, b: string): boolean {
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
