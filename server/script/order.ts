import { createHash } from 'node:crypto'
import {
  ScriptContent,
  sealedText,
  type CommandOrder,
  type ParameterValues,
  type SealedSecret,
} from '../../contract/command.ts'
import { ORDER_TYPE, type DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { SessionClock } from '../../contract/session-clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { TrustRoot } from '../../contract/trust/root.ts'
import { refusalOf } from './approvals.ts'
import { checkParameters } from './parameters.ts'
import type { SigningKey } from './keys.ts'
import { payloadDigest, seal } from './sign.ts'

/** What an order needs. `challenge` and `clock` are those of the agent's present session, `nonce` 16 random bytes in base64url. */
export type OrderRequest = {
  job: string
  client: string
  device: string
  challenge: string
  clock?: SessionClock | undefined
  sequence: number
  nonce: string
  script: DsseEnvelope
  parameters: ParameterValues
  /** The script is told to change nothing. */
  dryRun?: boolean
  /** Secrets sealed for the session, by parameter: the order names the SHA-256 of each. */
  secrets?: Record<string, SealedSecret>
  nowMs: number
  ttlMs: number
}

/**
 * The two envelopes of a signed command: the order under the server's online key, and the approved script as it
 * was signed. Throws COMMAND_MALFORMED with every fault when the parameters do not fit the script, and what devices
 * under this trust root would answer anyway: COMMAND_UNAPPROVED, SCRIPT_REVOKED, APPROVAL_EXPIRED, SCRIPT_NO_DRY_RUN.
 */
export function makeOrder(
  request: OrderRequest,
  onlineKey: SigningKey,
  root?: TrustRoot,
): { order: DsseEnvelope; script: DsseEnvelope } {
  const content = ScriptContent.parse(JSON.parse(Buffer.from(request.script.payload, 'base64').toString()))
  const script = { content, digest: payloadDigest(request.script), envelope: request.script }
  const refusal = root && refusalOf(script, root, request.device, request.nowMs)
  if (refusal) throw new VigiaError(refusal.code, `${content.name}: ${refusal.why}`)
  if (request.dryRun === true && !content.dryRun)
    throw new VigiaError('SCRIPT_NO_DRY_RUN', `${content.name} cannot be tried without changes`)
  const order: CommandOrder = {
    v: 1,
    job: request.job,
    client: request.client,
    device: request.device,
    challenge: request.challenge,
    nonce: request.nonce,
    sequence: request.sequence,
    issuedAtMs: request.nowMs,
    expiresAtMs: request.nowMs + request.ttlMs,
    ...(request.clock === undefined ? {} : { clock: request.clock }),
    scriptDigest: payloadDigest(request.script),
    parameters: checkParameters(content, request.parameters),
    ...(request.dryRun === true ? { dryRun: true } : {}),
    ...(request.secrets === undefined ? {} : { secrets: digestsOf(request.secrets) }),
  }
  const payload = new TextEncoder().encode(JSON.stringify(order))
  return { order: seal(ORDER_TYPE, payload, [onlineKey]), script: request.script }
}

function digestsOf(secrets: Record<string, SealedSecret>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, secret]) => [
      name,
      createHash('sha256').update(sealedText(secret)).digest('hex'),
    ]),
  )
}
